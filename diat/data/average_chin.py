"""The relief of an average clean chin (`diat.native.chin`), from the faces of a pack.

Faces without a beard that look ahead are laid on their average by the landmarks. So many are averaged that nobody's
chin is left.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from diat.align import CROP_SIZE, rescaled
from diat.data.pack import Pack
from diat.data.prototype_difference import against_cheeks, look_ahead, symmetric
from diat.errors import TrainingStopped
from diat.native.geometry import LIPS, NOSE_BASE, filled, hull
from diat.native.spline import laid_by_landmarks
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
OUTER_LIPS = slice(LIPS, LIPS + 12)


def average_chin(pack: Pack) -> dict[str, F32]:
    """The relief and the landmarks it lies on; see `diat.native.chin`.

    Raises:
        TrainingStopped: the pack holds too few clean faces.
    """
    points = rescaled(pack.points68, pack.size, CROP_SIZE)
    rows = _clean_rows(pack)
    rows = rows[look_ahead(points[rows], AHEAD)]
    if len(rows) < LEAST:
        raise TrainingStopped(
            f"The pack holds {len(rows)} clean faces that look ahead, of the {LEAST} that are needed."
        )
    rows = np.sort(np.random.default_rng(SEED).permutation(rows)[:AVERAGED])
    mean = symmetric(points[rows].mean(0))
    total, seen, lightness = np.zeros((CROP_SIZE, CROP_SIZE)), np.zeros((CROP_SIZE, CROP_SIZE)), []
    for row in rows:
        lab, cheeks = against_cheeks(pack, int(row), points[row])
        laid = laid_by_landmarks(lab, points[row], mean, CROP_SIZE)
        weight = _like_skin(laid)
        for lightness_laid, of_skin in ((laid[..., 0], weight), (laid[:, ::-1, 0], weight[:, ::-1])):
            total += lightness_laid * of_skin
            seen += of_skin
        lightness.append(cheeks[0])
    share = np.asarray(seen / (2 * len(rows)), np.float32)
    average = np.asarray(total / np.maximum(seen, 1e-3), np.float32)
    relief = _finer(average, share, mean) * np.clip(COVERED * share, 0, 1) / np.median(lightness)
    return {"relief": relief.astype(np.float16), "points": mean}


def _clean_rows(pack: Pack) -> NDArray[np.int64]:
    clean = pack.column("No_Beard") & ~pack.column("5_o_Clock_Shadow") & ~pack.column("Eyeglasses")
    return np.intersect1d(pack.rows("train"), np.flatnonzero(clean & pack.has_face))


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
