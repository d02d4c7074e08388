"""How good an edit is, in numbers: pure functions of arrays. `diat.evaluation.judges` judges the pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, t
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from diat.native.geometry import interocular, upwards
from diat.pixels import F32, U8

F64 = NDArray[np.float64]

CONFIDENCE = 0.95  # of every interval
EQUAL_DB = 99.0  # what stands for the infinite PSNR of equal pictures; 8 bits reach 96 dB at the most
FALSE_ACCEPTS = 1e-3  # pairs of strangers that a recogniser's threshold lets pass
FID_COUNT = 2048  # Inception's features: of fewer images their covariance is singular, and FID biased upwards


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval and the number of cases behind it; NaN where there were none."""

    value: float
    low: float
    high: float
    count: int


def share(hits: NDArray[np.bool_]) -> Estimate:
    """A share of cases with Wilson's interval, which holds near 0 and 1 too. hits: (N,)."""
    if len(hits) == 0:
        return Estimate(np.nan, np.nan, np.nan, 0)
    interval = binomtest(int(hits.sum()), len(hits)).proportion_ci(CONFIDENCE, method="wilson")
    return Estimate(float(hits.mean()), float(interval.low), float(interval.high), len(hits))


def mean(values: NDArray[np.floating]) -> Estimate:
    """A mean with Student's interval, which one case alone does not have. values: (N,)."""
    n = len(values)
    if n == 0:
        return Estimate(np.nan, np.nan, np.nan, 0)
    value, error = float(values.mean()), float(values.std(ddof=1)) / np.sqrt(n) if n > 1 else np.nan
    half = float(t.ppf((1 + CONFIDENCE) / 2, n - 1)) * error if n > 1 else np.nan
    return Estimate(value, value - half, value + half, n)


def median(values: NDArray[np.floating]) -> Estimate:
    """A median with the interval that order statistics give, whatever the distribution. values: (N,)."""
    n = len(values)
    if n == 0:
        return Estimate(float("nan"), float("nan"), float("nan"), 0)
    ordered, half = np.sort(values), 1.959964 * np.sqrt(n) / 2
    low, high = max(int(np.floor(n / 2 - half)), 0), min(int(np.ceil(n / 2 + half)), n - 1)
    return Estimate(float(np.median(ordered)), float(ordered[low]), float(ordered[high]), n)


def psnr(a: U8, b: U8, mask: NDArray[np.bool_] | None = None) -> float:
    """Peak signal-to-noise ratio in dB over the pixels of the mask; equal pictures give 99. a, b: (H, W, 3)."""
    pair = (a, b) if mask is None else (a[mask], b[mask])
    with np.errstate(divide="ignore"):
        ratio: float = peak_signal_noise_ratio(*pair, data_range=255)  # type: ignore[no-untyped-call]
    return min(EQUAL_DB, float(ratio))


def ssim(a: U8, b: U8, mask: NDArray[np.bool_] | None = None) -> float:
    """Structural similarity (Wang et al. 2004), Gaussian window, mean over the pixels of the mask. a, b: (H, W, 3)."""
    options = {"channel_axis": 2, "gaussian_weights": True, "full": True}
    _, full = structural_similarity(a, b, **options)  # type: ignore[no-untyped-call]
    return float(full.mean() if mask is None else full[mask].mean())


def threshold_at(impostors: F32, false_accepts: float = FALSE_ACCEPTS) -> float:
    """The similarity that this share of pairs of different people exceeds."""
    return float(np.quantile(impostors, 1 - false_accepts))


def lip_opening(points68: F32) -> float:
    """Gap between the inner lips as a fraction of the mouth's width. (68, 2) -> scalar."""
    gap = np.linalg.norm(points68[[61, 62, 63]] - points68[[67, 66, 65]], axis=1).mean()
    return float(gap / max(float(np.linalg.norm(points68[48] - points68[54])), 1e-6))


def smile(points68: F32) -> float:
    """The mouth's width and its corners' height over the lips' middle, in interocular distances. (68, 2) -> scalar."""
    corners, unit = points68[[48, 54]], interocular(points68)
    raised = (corners.mean(0) - points68[[51, 57, 62, 66]].mean(0)) @ upwards(points68)
    return float((np.linalg.norm(corners[1] - corners[0]) + 2 * raised) / max(unit, 1e-6))


def balanced_threshold(scores: NDArray[np.floating], labels: NDArray[np.bool_]) -> tuple[float, float]:
    """The threshold above which scores mean True with the best balanced accuracy, and that accuracy.

    Args:
        scores: (N,); NaN is below every threshold.
        labels: (N,), of both kinds.
    """
    candidates = np.unique(np.nanquantile(scores, np.linspace(0.005, 0.995, 200)))
    said = scores[None] > candidates[:, None]
    accuracies = (said[:, labels].mean(1) + (~said[:, ~labels]).mean(1)) / 2
    best = int(accuracies.argmax())
    return float(candidates[best]), float(accuracies[best])


def fid(a: F32, b: F32) -> float:
    """Frechet distance between the Gaussians of two sets of Inception features (Heusel et al. 2017). (N, D), (M, D).

    With fewer images than features, 2,048, the covariances are singular and the distance is too large: compare it only
    with one of as many images. `kid` has no such bias.
    """
    # With covariances A'A and B'B, the eigenvalues of their product are the squared singular values of AB': its root's
    # trace without a root of 2,048 by 2,048, however few images there are.
    centred = [(f - f.mean(0)) / np.sqrt(len(f) - 1) for f in (a.astype(np.float64), b.astype(np.float64))]
    first, second = (np.asarray(np.linalg.qr(f, mode="r"), np.float64) for f in centred)
    root = np.linalg.svd(first @ second.T, compute_uv=False).sum()
    gap = a.mean(0, dtype=np.float64) - b.mean(0, dtype=np.float64)
    return float(gap @ gap + (first**2).sum() + (second**2).sum() - 2 * root)


def kid(a: F32, b: F32, subset: int = 200, rounds: int = 50, seed: int = 0) -> float:
    """Kernel distance of two sets of Inception features (Binkowski et al. 2018), unbiased, times 1,000.

    Args:
        a: (N, D).
        b: (M, D).
        subset: how many of each are compared at once; their mean over the rounds counts.
        rounds: how many such subsets are drawn.
        seed: of the drawing.
    """
    rng = np.random.default_rng(seed)
    size = min(subset, len(a), len(b))
    values = []
    for _ in range(rounds):
        x = a[rng.choice(len(a), size, replace=False)].astype(np.float64)
        y = b[rng.choice(len(b), size, replace=False)].astype(np.float64)
        values.append(_mmd(x, y))
    return 1000 * float(np.mean(values))


def _mmd(x: F64, y: F64) -> float:
    """Squared maximum mean discrepancy under the kernel (p.q / D + 1)^3, without bias. x, y: (N, D)."""
    n, dimensions = x.shape
    xx, yy, xy = ((p @ q.T / dimensions + 1) ** 3 for p, q in ((x, x), (y, y), (x, y)))
    within = (xx.sum() - np.trace(xx) + yy.sum() - np.trace(yy)) / (n * (n - 1))
    return float(within - 2 * xy.mean())
