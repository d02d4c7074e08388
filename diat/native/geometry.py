"""Regions of a face from its 68 landmarks, as soft masks on square grids over the aligned crop.

Points are in template units (`diat.align`: 1/128 of the crop's side), so a region means the same at every size.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from diat.align import CROP_SIZE
from diat.pixels import F32

# Of the 68 landmarks; the outer lips end where the inner ones begin.
JAW, BROWS, NOSE, NOSE_BASE, EYES = slice(0, 17), slice(17, 27), slice(27, 36), slice(31, 36), slice(36, 48)
LIPS, INNER_LIPS = 48, 60
LEFT_BROW, RIGHT_BROW = slice(17, 22), slice(22, 27)
UPPER_LIDS = ((36, 37, 38, 39), (42, 43, 44, 45))
LOWER_LIDS = ((36, 41, 40, 39), (42, 47, 46, 45))
# Heights of the forehead above the ten points of the brows, in interocular distances.
FOREHEAD: F32 = np.array([0.35, 0.6, 0.75, 0.85, 0.9, 0.9, 0.85, 0.75, 0.6, 0.35], np.float32)


@dataclass(frozen=True, eq=False)
class Regions:
    """Masks of one face, each (size, size) in [0, 1]."""

    oval: F32  # the face with its forehead
    lips: F32
    brows: F32
    eyes: F32
    features: F32  # all in the oval that is not plain skin: lips, brows, eyes, nostrils, with a margin
    nostrils: F32  # the underside of the nose, whose dark holes are no lines of skin and no beard
    beard: F32  # where a beard may be: from the nose down over the chin
    cheeks: F32


def interocular(points: F32) -> float:
    """Distance between the centres of the eyes."""
    return float(np.linalg.norm(points[36:42].mean(0) - points[42:48].mean(0)))


def upwards(points: F32) -> F32:
    """Unit vector from the chin to the bridge of the nose."""
    up = points[27] - points[8]
    return np.asarray(up / np.linalg.norm(up), np.float32)


def filled(polygon: F32, size: int, soft: float = 0.0) -> F32:
    """A polygon in template units as a mask on a grid. ``soft``: Gaussian sigma in template units. -> (size, size)."""
    scale = size / CROP_SIZE
    corners = (np.asarray(polygon, np.float32) + 0.5) * scale - 0.5
    mask = np.zeros((size, size), np.uint8)
    cv2.fillPoly(mask, [np.rint(corners * 16).astype(np.int32)], 255, lineType=cv2.LINE_AA, shift=4)
    return blurred((mask / np.float32(255)).astype(np.float32), soft * scale)


def blurred(image: F32, sigma: float) -> F32:
    """Gaussian blur; a sigma too small to matter returns the image itself."""
    if sigma <= 0.3:
        return image
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.float32)


def hull(points: F32) -> F32:
    """(N, 2) -> the corners of the convex hull."""
    return np.asarray(cv2.convexHull(points.astype(np.float32))[:, 0], np.float32)


def oval(points: F32, grow: float = 1.0) -> F32:
    """Corners of the face's outline, forehead included; ``grow`` scales the forehead's height."""
    raised = points[BROWS] + upwards(points) * interocular(points) * grow * FOREHEAD[:, None]
    return hull(np.vstack([points[JAW], raised]))


def brow(points: F32, brow_points: slice) -> F32:
    """Corners of one brow: its landmarks lie along its upper edge."""
    line, up, unit = points[brow_points], upwards(points), interocular(points)
    return np.vstack([line + up * 0.06 * unit, (line - up * 0.12 * unit)[::-1]])


def nostrils(points: F32, size: int) -> F32:
    """The underside of the nose. (size, size) in [0, 1]."""
    line, up, unit = points[NOSE_BASE], upwards(points), interocular(points)
    over, under = 0.10 * unit * up, -0.02 * unit * up
    below = filled(hull(np.vstack([line + over, line + under])), size, 1.2)
    return np.asarray(np.clip(1.3 * below, 0, 1), np.float32)


def beneath_jaw(points: F32, depth: float) -> F32:
    """Corners of what lies under the mouth and jaw, ``depth`` interocular distances below the jaw's line."""
    down = points[4:13] - upwards(points) * depth * interocular(points)
    return np.vstack([points[2:5], down, points[12:15], points[[35, 33, 31]]])


def regions(points: F32, size: int) -> Regions:
    """The masks of a face. points: (68, 2) in template units."""
    up, unit = upwards(points), interocular(points)
    lips = filled(hull(points[LIPS:INNER_LIPS]), size, 0.6)
    brows = np.maximum(*(filled(brow(points, which), size, 0.8) for which in (LEFT_BROW, RIGHT_BROW)))
    lids = [
        hull(np.vstack([points[a : a + 6] + up * 0.07 * unit, points[a : a + 6] - up * 0.04 * unit])) for a in (36, 42)
    ]
    eyes = np.maximum(*(filled(lid, size) for lid in lids))
    under_nose = filled(hull(points[NOSE_BASE] - up * 0.03 * unit), size)
    grown = [dilated(mask, 1.5 * size / CROP_SIZE) for mask in (lips, brows, eyes)]
    features = np.clip(np.maximum.reduce([*grown, under_nose]), 0, 1)
    cheeks = [filled(hull(points[list(which)]), size) for which in ((1, 2, 3, 31, 40, 41), (15, 14, 13, 35, 46, 47))]
    beard = blurred(filled(beneath_jaw(points, 0.28), size), 0.05 * unit * size / CROP_SIZE)
    return Regions(
        filled(oval(points), size),
        lips,
        brows,
        eyes,
        features,
        nostrils(points, size),
        beard * (1 - lips),
        np.maximum(*cheeks) * (1 - features),
    )


def dilated(mask: F32, radius: float) -> F32:
    """The mask grown by a disc of ``radius`` pixels."""
    side = 2 * int(radius) + 1
    return np.asarray(cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))), np.float32)
