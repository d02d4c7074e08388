"""Where in the crop an attribute may change: 1 inside, 0 outside, soft between."""

from __future__ import annotations

import cv2
import numpy as np

from diat.align import CROP_SIZE, F32
from diat.attributes import AttributeSpec

# Width of the soft border along the crop's edges, as a fraction of its side: no seam shows where the crop ends.
BORDER = 0.06


def attribute_mask(spec: AttributeSpec, points68: F32, size: int = CROP_SIZE) -> F32:
    """Section 3.2's mask m with a soft edge: the convex hull of the spec's landmarks, expanded by its margin.

    It is 1 up to half the feather inside the expanded hull, exactly 0 from half the feather outside it, and 0 along the
    border of the crop.

    Args:
        spec: the attribute.
        points68: (68, 2) landmarks in crop pixels.
        size: side of the crop in pixels.

    Returns:
        (size, size) float32 in [0, 1].
    """
    hull = cv2.convexHull(points68[list(spec.landmarks)].astype(np.float32))
    filled = np.zeros((size, size), np.uint8)
    # Four fractional bits: whole pixels would make the mask of a video tremble.
    cv2.fillConvexPoly(filled, np.round(hull * 16).astype(np.int32), 255, shift=4)
    # By distance to the hull, so that the expansion is round and the soft edge ends in exactly 0.
    distance = cv2.distanceTransform(255 - filled, cv2.DIST_L2, 5)
    unit = interocular(points68)
    inside = _smooth(((spec.margin + spec.feather / 2) * unit - distance) / max(spec.feather * unit, 1.0))
    return inside * _border(size)


def interocular(points68: F32) -> float:
    """Distance between the centres of the eyes in pixels."""
    return float(np.linalg.norm(points68[36:42].mean(0) - points68[42:48].mean(0)))


def _border(size: int) -> F32:
    ramp = np.minimum(np.arange(size), np.arange(size)[::-1]) / (BORDER * size)
    line = _smooth(ramp.astype(np.float32))
    return np.outer(line, line).astype(np.float32)


def _smooth(t: F32) -> F32:
    t = np.clip(t, 0, 1)
    smoothed: F32 = (t * t * (3 - 2 * t)).astype(np.float32)
    return smoothed
