"""The relief of an average clean chin (`diat.native.chin`), from the faces of a pack.

Faces without a beard that look ahead are laid on their average by the landmarks. So many are averaged that nobody's
chin is left.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from diat.align import CROP_SIZE, transform_points
from diat.data.pack import Pack
from diat.errors import TrainingStopped
from diat.native.chin import OUTER_LIPS, warp
from diat.native.color import to_lab
from diat.native.geometry import NOSE_BASE, filled, hull, regions
from diat.pixels import F32

AVERAGED = 1500  # faces at most
LEAST = 100
AHEAD = 0.12  # of the face's width, by which the nose may lie nearer to one side
SEED = 0  # of the choice
# How far from the cheeks' colour skin may be, in CIELAB: standard deviations of a and b, least and greatest L with the
# width of its soft end. The rest is hair, clothes and background.
TINT, DARKEST, LIGHTEST = (8.0, 9.0), (-38.0, 10.0), (25.0, 8.0)
COARSE = 10.0  # template units: what a Gaussian of that leaves is light, not shape
COVERED = 3.0  # skin in so many faces, as the reciprocal of the share, is enough for the relief to count in full
# Left and right of the 68 landmarks.
MIRRORED = (*range(16, -1, -1), *range(26, 16, -1), 27, 28, 29, 30, *range(35, 30, -1), 45, 44, 43, 42, 47, 46, 39, 38,
            37, 36, 41, 40, *range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), 67, 66, 65)  # fmt: skip


def average_chin(pack: Pack) -> dict[str, F32]:
    """The relief and the landmarks it lies on; see `diat.native.chin`.

    Raises:
        TrainingStopped: the pack holds too few clean faces.
    """
    matrix = _to_template(pack.size)
    points = np.stack([transform_points(of_face, matrix) for of_face in pack.points68[_clean_rows(pack)]])
    rows = _clean_rows(pack)[_look_ahead(points)]
    if len(rows) < LEAST:
        raise TrainingStopped(
            f"The pack holds {len(rows)} clean faces that look ahead, of the {LEAST} that are needed."
        )
    chosen = np.sort(np.random.default_rng(SEED).permutation(len(rows))[:AVERAGED])
    rows, points = rows[chosen], points[_look_ahead(points)][chosen]
    mean = points.mean(0)
    flipped = mean[list(MIRRORED)] * np.array([-1, 1]) + np.array([CROP_SIZE - 1, 0])
    mean = np.asarray((mean + flipped) / 2, np.float32)
    total, seen, lightness = np.zeros((CROP_SIZE, CROP_SIZE)), np.zeros((CROP_SIZE, CROP_SIZE)), []
    for row, own in zip(rows, points, strict=True):
        lab = to_lab(cv2.resize(pack.crops[row], (CROP_SIZE, CROP_SIZE), interpolation=cv2.INTER_AREA))
        cheeks = np.median(lab[regions(own, CROP_SIZE).cheeks > 0.5], axis=0)
        x, y = np.moveaxis(warp(mean, own, CROP_SIZE), -1, 0)
        laid = cv2.remap(lab - cheeks, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        weight = _like_skin(np.asarray(laid, np.float32))
        for lightness_laid, of_skin in ((laid[..., 0], weight), (laid[:, ::-1, 0], weight[:, ::-1])):
            total += lightness_laid * of_skin
            seen += of_skin
        lightness.append(cheeks[0])
    share = np.asarray(seen / (2 * len(rows)), np.float32)
    average = np.asarray(total / np.maximum(seen, 1e-3), np.float32)
    relief = _finer(average, share, mean) * np.clip(COVERED * share, 0, 1) / np.median(lightness)
    return {"relief": relief.astype(np.float16), "points": mean}


def _to_template(size: int) -> F32:
    """From a crop's pixels to template units. -> (2, 3)."""
    scale = CROP_SIZE / size
    return np.array([[scale, 0, 0.5 * scale - 0.5], [0, scale, 0.5 * scale - 0.5]], np.float32)


def _clean_rows(pack: Pack) -> NDArray[np.int64]:
    clean = pack.column("No_Beard") & ~pack.column("5_o_Clock_Shadow") & ~pack.column("Eyeglasses")
    return np.intersect1d(pack.rows("train"), np.flatnonzero(clean & pack.has_face))


def _look_ahead(points: F32) -> NDArray[np.bool_]:
    """Which of N faces do, by how far the nose is from either side of the jaw. points: (N, 68, 2)."""
    left, nose, right = points[:, 1, 0], points[:, 30, 0], points[:, 15, 0]
    ahead: NDArray[np.bool_] = np.abs((nose - left) - (right - nose)) < AHEAD * (right - left)
    return ahead


def _like_skin(difference: F32) -> F32:
    """How much each pixel looks like the cheeks' skin. difference: (h, w, 3) from it in CIELAB. -> (h, w)."""
    tint = np.exp(-((difference[..., 1] / TINT[0]) ** 2) - (difference[..., 2] / TINT[1]) ** 2)
    dark = np.clip((difference[..., 0] - DARKEST[0]) / DARKEST[1], 0, 1)
    light = np.clip((LIGHTEST[0] - difference[..., 0]) / LIGHTEST[1], 0, 1)
    return np.asarray(tint * dark * light, np.float32)


def _finer(average: F32, share: F32, points: F32) -> F32:
    """The average without what is coarse; the lips and the nose's shadow are no shape of the skin around."""
    features = filled(hull(points[OUTER_LIPS]), CROP_SIZE, 1.0) + filled(hull(points[NOSE_BASE]), CROP_SIZE, 1.0)
    weight = share * (1 - np.clip(features, 0, 1)) + np.float32(1e-3)
    coarse = cv2.GaussianBlur(average * weight, (0, 0), COARSE) / cv2.GaussianBlur(weight, (0, 0), COARSE)
    return np.asarray(average - coarse, np.float32)
