"""Glasses borrowed from another face, for faces that wear none. Inputs for T (`diat.data.pairs`)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from diat.align import similarity
from diat.data.pack import Pack
from diat.errors import TrainingStopped
from diat.pixels import F32, U8

POSE = (0, 1, 15, 16, *range(27, 31), *range(36, 48))  # landmarks that say how glasses sit: temples, bridge, eyes
RELIT = 0.7  # share of the borrowed glasses that get the light of the face around them
CANDIDATE_LENDERS = 40  # drawn at random; the one whose pose fits best lends


@dataclass(frozen=True, eq=False)
class BorrowedGlasses:
    """Glasses cut out of photographs of a pack, to be put onto other faces.

    A lender's cut-out is what a trained T changes there (`train/cut_glasses.py`): real rims, real reflections, and
    lenses as dark as sunglasses are.
    """

    crops: U8  # (N, S, S, 3) RGB, the lenders
    cut: U8  # (N, S, S) 255 where the glasses are
    points68: F32  # (N, 68, 2) pixels of the crops

    def put_on(self, crop: U8, points68: F32, rng: np.random.Generator) -> U8:
        """A face with the glasses of another; see `lay_on`. -> (H, W, 3) RGB uint8."""
        return self.lay_on(crop, points68, rng)[0]

    def lay_on(self, crop: U8, points68: F32, rng: np.random.Generator) -> tuple[U8, F32]:
        """A face with the glasses of the lender whose pose is most like its own, of some at random.

        Args:
            crop: (H, W, 3) RGB uint8.
            points68: (68, 2) pixels of the crop.
            rng: who lends, and whether the glasses come in the light of the new face.

        Returns:
            (H, W, 3) RGB uint8, and where the glasses are, (H, W) 0 to 1.
        """
        pose = points68[list(POSE)]
        lenders = rng.integers(len(self.crops), size=min(CANDIDATE_LENDERS, len(self.crops)))
        matrices = [similarity(self.points68[k][list(POSE)], pose) for k in lenders]
        gaps = [
            float(np.abs(self.points68[k][list(POSE)] @ m[:, :2].T + m[:, 2] - pose).mean())
            for k, m in zip(lenders, matrices, strict=True)
        ]
        best = int(np.argmin(gaps))
        size = crop.shape[1::-1]
        lent = cv2.warpAffine(self.crops[lenders[best]], matrices[best], size, flags=cv2.INTER_CUBIC).astype(np.float32)
        cut = np.asarray(cv2.warpAffine(self.cut[lenders[best]], matrices[best], size) / 255, np.float32)
        if rng.random() < RELIT:
            around = (cv2.dilate((cut > 0.3).astype(np.uint8), np.ones((13, 13), np.uint8)) > 0) & (cut < 0.05)
            if around.any():
                lent *= np.clip((crop[around].mean(0) + 10) / (lent[around].mean(0) + 10), 0.5, 1.8)
        picture: U8 = np.clip(np.rint(crop + cut[..., None] * (lent - crop)), 0, 255).astype(np.uint8)
        return picture, cut


def save_borrowed(path: Path, pack: Pack, rows: list[int], cut: U8) -> None:
    """Write cut-outs: which rows of the pack lend, and where their glasses are, (N, S, S) 0 to 255."""
    arrays: dict[str, NDArray[np.generic]] = {"rows": np.asarray(rows, np.int64), "cut": np.ascontiguousarray(cut)}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(arrays, path, {"pack": pack.digest})


def load_borrowed(path: Path, pack: Pack) -> BorrowedGlasses:
    """Read what `save_borrowed` wrote.

    Raises:
        TrainingStopped: the file is missing or damaged, or was cut out of another pack.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            digest = (file.metadata() or {}).get("pack")
            rows, cut = file.get_tensor("rows"), file.get_tensor("cut")
    except (SafetensorError, OSError) as error:
        raise TrainingStopped(f"No cut-out glasses in {path} ({error}): make them by train/cut_glasses.py.") from error
    if digest != pack.digest:
        raise TrainingStopped(f"{path} was cut out of another pack: make it again by train/cut_glasses.py.")
    return BorrowedGlasses(np.stack([pack.crops[row] for row in rows]), cut, pack.points68[rows])
