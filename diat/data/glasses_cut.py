"""Glasses cut out of photographs: first where a model finds some, then what of that are rims and dark lenses.

A coarse cut-out carries the lender's skin and eyes along. A network that is told to replace all of it wipes eyes out
that it could have left.
"""

from __future__ import annotations

import cv2
import numpy as np

from diat.masks import interocular
from diat.native.color import to_lab
from diat.pixels import F32, U8

# Set by eye, on the contact sheet that `train/cut_glasses.py` leaves.
CHANGED = 14  # levels of 255 from which a pixel counts as changed
INSIDE = 0.02  # of the region's mask, from which it counts
SMOOTHING, SOFTENING = 0.7, 0.8  # standard deviations, in pixels, of the blur before and after
SMALLEST = 25  # pixels of a part that is kept

# All in CIELAB units, or pixels of a crop of 128 where "units" are said.
UNLIKE_SKIN = 14.0  # from here on a pixel is none, but glasses
UNLIKE_SKIN_IF_DARK = 9.0  # behind dark lenses nothing is seen of the face, so that less tells
UNLIKE_FEATURES = 60.0  # eyes and brows are unlike skin themselves
RISE = 8.0  # above these, until all of a pixel counts
DARK_LENS = 0.62  # share of the skin's lightness around the eyes, below which lenses are dark
EYE, BROW = (1.25, 1.7), 6.0  # how much wider and higher than its lids an eye counts; how broad a brow is, units
HOLES = 9  # pixels; holes of dark lenses that are closed


def changed_glasses(change: F32, points68: F32, mask: F32) -> U8:
    """Where glasses are, roughly, by how far T moved each pixel.

    Args:
        change: (S, S) levels.
        points68: (68, 2) pixels of the crop.
        mask: (S, S) of the attribute's region.

    Returns:
        (S, S) 0 to 255.
    """
    changed = (cv2.GaussianBlur(change.astype(np.float32), (0, 0), SMOOTHING) > CHANGED) & (mask > INSIDE)
    core = cv2.morphologyEx(changed.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    core = cv2.dilate(core, np.ones((3, 3), np.uint8))
    # What lies wholly above the brows or below the eyes is hair or a cheek.
    eyes = points68[36:48, 1]
    reach = interocular(points68) / 2
    count, labels, stats, _ = cv2.connectedComponentsWithStats(core)
    for part in range(1, count):
        top, height, area = stats[part, [cv2.CC_STAT_TOP, cv2.CC_STAT_HEIGHT, cv2.CC_STAT_AREA]]
        if area < SMALLEST or top + height < eyes.min() - reach / 2 or top > eyes.max() + reach:
            core[labels == part] = 0
    return np.rint(255 * cv2.GaussianBlur(core.astype(np.float32), (0, 0), SOFTENING)).astype(np.uint8)


def rims_and_dark_lenses(crop: U8, cut: U8, points68: F32, unit: float) -> U8:
    """What of a coarse cut-out are glasses: what is unlike the skin around, but for eyes and brows seen through glass.

    Args:
        crop: (S, S, 3) RGB.
        cut: (S, S) 0 to 255, roughly.
        points68: (68, 2) pixels of the crop.
        unit: pixels of the crop per pixel of one of 128.

    Returns:
        (S, S) 0 to 255.
    """
    coarse = np.asarray(cv2.dilate((cut > 100).astype(np.uint8), np.ones((5, 5), np.uint8)), np.uint8)
    if not coarse.any():
        return np.zeros_like(cut)
    seen, skin = to_lab(crop), to_lab(_skin_behind(crop, coarse))
    unlike = np.linalg.norm(seen - skin, axis=-1)
    eyes, features = _eyes_and_features(points68, crop.shape, unit)
    around = cv2.dilate(eyes, np.ones((round(6 * unit),) * 2, np.uint8)) > 0
    is_dark = np.median(seen[around, 0]) < DARK_LENS * np.median(skin[around, 0])
    least = UNLIKE_SKIN_IF_DARK if is_dark else np.where(features > 0, UNLIKE_FEATURES, UNLIKE_SKIN)
    glasses = np.clip((unlike - least) / RISE, 0, 1) * cv2.GaussianBlur(coarse.astype(np.float32), (0, 0), 1)
    if is_dark:
        whole = cv2.morphologyEx((glasses > 0.5).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((HOLES, HOLES), np.uint8))
        glasses = np.maximum(glasses, whole)
    clean = cv2.morphologyEx(np.rint(255 * glasses).astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    return np.asarray(cv2.GaussianBlur(cv2.dilate(clean, np.ones((3, 3), np.uint8)), (0, 0), SMOOTHING), np.uint8)


def _skin_behind(crop: U8, coarse: U8) -> U8:
    """The crop with the skin around carried on over the glasses, found at half the size: it is smooth."""
    small = cv2.resize(crop, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    hole = cv2.resize(
        cv2.dilate(coarse, np.ones((3, 3), np.uint8)), small.shape[1::-1], interpolation=cv2.INTER_NEAREST
    )
    return np.asarray(cv2.resize(cv2.inpaint(small, hole, 4, cv2.INPAINT_TELEA), crop.shape[1::-1]), np.uint8)


def _eyes_and_features(points68: F32, shape: tuple[int, ...], unit: float) -> tuple[U8, U8]:
    """The eyes between their lids, and eyes and brows with what is around them. -> (S, S) each, 255 or 0."""
    eyes, features = np.zeros(shape[:2], np.uint8), np.zeros(shape[:2], np.uint8)
    points = np.rint(points68).astype(np.int32)
    for eye in (points[36:42], points[42:48]):
        middle = eye.mean(0)
        cv2.fillConvexPoly(eyes, cv2.convexHull(eye), 255)
        cv2.fillConvexPoly(features, cv2.convexHull(((eye - middle) * EYE + middle).astype(np.int32)), 255)
    for brow in (points[17:22], points[22:27]):
        cv2.polylines(features, [brow], False, 255, max(1, round(BROW * unit)))
    return eyes, features
