"""How good an edit is, in numbers: pure functions of arrays. `diat.evaluation.judges` judges the pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diat.pixels import F32, U8

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval and the number of cases behind it."""

    value: float
    low: float
    high: float
    count: int

    def as_json(self) -> dict[str, float | int]:
        """The figure as JSON-able values."""
        return {"value": self.value, "low": self.low, "high": self.high, "count": self.count}


def share(hits: NDArray[np.bool_]) -> Estimate:
    """A share of cases with Wilson's interval, which holds near 0 and 1 too. hits: (N,)."""
    n = len(hits)
    if n == 0:
        return Estimate(float("nan"), float("nan"), float("nan"), 0)
    p, z = float(hits.mean()), 1.959964
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    return Estimate(p, float(centre - half), float(centre + half), n)


def mean(values: NDArray[np.floating]) -> Estimate:
    """A mean with its normal interval. values: (N,)."""
    n = len(values)
    if n == 0:
        return Estimate(float("nan"), float("nan"), float("nan"), 0)
    half = 1.959964 * float(values.std(ddof=1)) / np.sqrt(n) if n > 1 else float("nan")
    return Estimate(float(values.mean()), float(values.mean() - half), float(values.mean() + half), n)


def psnr(a: U8, b: U8, mask: NDArray[np.bool_] | None = None) -> float:
    """Peak signal-to-noise ratio in dB over the pixels of the mask; equal pictures give 99. a, b: (H, W, 3)."""
    squares = (a.astype(np.float64) - b) ** 2
    error = float(squares.mean() if mask is None else squares[mask].mean())
    return 99.0 if error == 0 else min(99.0, 10 * np.log10(255**2 / error))


def ssim(a: U8, b: U8, mask: NDArray[np.bool_] | None = None) -> float:
    """Structural similarity (Wang et al. 2004), Gaussian window, mean over the pixels of the mask. a, b: (H, W, 3)."""
    from skimage.metrics import structural_similarity

    options = {"channel_axis": 2, "gaussian_weights": True, "full": True}
    _, full = structural_similarity(a, b, **options)  # type: ignore[no-untyped-call]
    return float(full.mean() if mask is None else full[mask].mean())


def threshold_at(impostors: F32, false_accepts: float = 1e-3) -> float:
    """The similarity that this share of pairs of different people exceeds."""
    return float(np.quantile(impostors, 1 - false_accepts))


def lip_opening(points68: F32) -> float:
    """Gap between the inner lips as a fraction of the mouth's width. (68, 2) -> scalar."""
    gap = np.linalg.norm(points68[[61, 62, 63]] - points68[[67, 66, 65]], axis=1).mean()
    return float(gap / max(float(np.linalg.norm(points68[48] - points68[54])), 1e-6))


def balanced_threshold(scores: NDArray[np.floating], labels: NDArray[np.bool_]) -> tuple[float, float]:
    """The threshold above which scores mean True with the best balanced accuracy, and that accuracy."""
    candidates = np.unique(np.quantile(scores, np.linspace(0.005, 0.995, 200)))
    said = scores[None] > candidates[:, None]
    accuracies = (said[:, labels].mean(1) + (~said[:, ~labels]).mean(1)) / 2
    best = int(accuracies.argmax())
    return float(candidates[best]), float(accuracies[best])


def fid(a: F32, b: F32) -> float:
    """Frechet distance between the Gaussians of two sets of Inception features (Heusel et al. 2017). (N, D), (M, D)."""
    from scipy.linalg import sqrtm

    covariances = [np.cov(features.astype(np.float64), rowvar=False) for features in (a, b)]
    root = sqrtm(covariances[0] @ covariances[1])
    gap = a.mean(0, dtype=np.float64) - b.mean(0, dtype=np.float64)
    return float(gap @ gap + np.trace(covariances[0] + covariances[1] - 2 * np.real(root)))


def kid(a: F32, b: F32, subset: int = 200, rounds: int = 50, seed: int = 0) -> float:
    """Kernel distance of two sets of Inception features (Binkowski et al. 2018), unbiased, times 1,000."""
    rng = np.random.default_rng(seed)
    size = min(subset, len(a), len(b))
    values = []
    for _ in range(rounds):
        x = a[rng.choice(len(a), size, replace=False)].astype(np.float64)
        y = b[rng.choice(len(b), size, replace=False)].astype(np.float64)
        values.append(_mmd(x, y))
    return 1000 * float(np.mean(values))


def _mmd(x: F64, y: F64) -> float:
    kernel: Callable[[F64, F64], F64] = lambda p, q: (p @ q.T / p.shape[1] + 1) ** 3  # noqa: E731
    m = len(x)
    xx, yy, xy = kernel(x, x), kernel(y, y), kernel(x, y)
    within = (xx.sum() - np.trace(xx) + yy.sum() - np.trace(yy)) / (m * (m - 1))
    return float(within - 2 * xy.mean())
