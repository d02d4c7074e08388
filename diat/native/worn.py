"""Glasses that a face wears while something else about it changes: their rims and dark lenses keep their colour."""

from __future__ import annotations

import cv2
import numpy as np

from diat.native.features import bags
from diat.native.geometry import BROWS, LOWER_LIDS, blurred, dilated, filled, hull, interocular, upwards
from diat.native.working import Work, risen
from diat.pixels import F32

WIDEST = 6.5  # template units: what is narrower and darker or lighter than both of its sides may be a rim
RIM = (7.0, 8.0)  # levels of L by which it is: where it begins to be one, and how far on it surely is
SEEN = 0.2  # mean probability of glasses under the eyes from which on some are worn
NEAR = 2.0  # template units: how far rims may lie beside what is seen as glasses
BESIDE_EYES = 2.0  # template units around eyes and brows in which dark lines are lashes, lids and hair
LENS = (0.35, 0.35)  # probability of glasses, likewise
DARK_LENS = (16.0, 10.0)  # levels of L by which skin behind a lens is darker than the cheeks, likewise


def are_worn(work: Work) -> bool:
    """Whether a face wears glasses, by what is seen under its eyes."""
    below = np.concatenate([work.points[list(lid)] for lid in LOWER_LIDS])
    below = below - 0.15 * interocular(work.points) * upwards(work.points)
    x, y = np.clip(np.rint(below * work.unit).astype(int).T, 0, work.side - 1)
    return float(work.other[y, x].mean()) > SEEN


def glasses_kept(work: Work) -> F32:
    """How much each pixel is to stay as it is because it belongs to glasses: rims, and lenses that are dark or tinted.

    Lenses that are clear change with the skin and the eye behind them. (S, S) in [0, 1].
    """
    worn, under = work.other * _eye_region(work.points, work.side), bags(work.points, work.side)
    lightness = work.lab[..., 0]
    side = np.ones((int(WIDEST * work.unit), int(WIDEST * work.unit)), np.uint8)
    apart = np.maximum(*(cv2.morphologyEx(lightness, kind, side) for kind in (cv2.MORPH_BLACKHAT, cv2.MORPH_TOPHAT)))
    own = 1 - dilated(np.clip(work.areas.brows + work.areas.eyes, 0, 1), BESIDE_EYES * work.unit)
    rims = risen(apart, *RIM) * own * np.clip(3 * blurred(worn, NEAR * work.unit) - 0.4, 0, 1)
    lenses = risen(worn, *LENS)
    behind = lenses * under
    darker = work.usual_lightness - (lightness * behind).sum() / (behind.sum() + 1e-3)
    dark = risen(darker, *DARK_LENS) if behind.sum() > 1 else 0.0
    return blurred(np.asarray(np.maximum(rims, dark * lenses), np.float32), 0.3 * work.unit)


def _eye_region(points: F32, size: int) -> F32:
    """Where glasses are worn: from over the brows down to the nose's tip, and out to the ears. (S, S)."""
    up, unit = upwards(points), interocular(points)
    over, ears = points[BROWS] + 0.15 * unit * up, points[[0, 1, 2, 14, 15, 16]]
    return filled(hull(np.vstack([over, ears, points[[30]]])), size, 1.0)
