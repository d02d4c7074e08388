"""Where in the crop an attribute may change: 1 inside, 0 outside, soft between."""

from __future__ import annotations

import cv2
import numpy as np

from diat.align import CROP_SIZE, F32
from diat.attributes import REGIONS, AttributeSpec

# Width of the soft border along the crop's edges, as a fraction of its side: no seam shows where the crop ends.
BORDER = 0.06


def attribute_mask(spec: AttributeSpec, points68: F32, size: int = CROP_SIZE) -> F32:
    """Section 3.2's mask m with a soft edge: the convex hull of its region's landmarks, expanded by the margin.

    It is 1 up to half the feather inside the expanded hull, exactly 0 from half the feather outside it, and 0 along the
    border of the crop.

    Args:
        spec: the attribute.
        points68: (68, 2) landmarks in crop pixels.
        size: side of the crop in pixels.

    Returns:
        (size, size) float32 in [0, 1].
    """
    region = REGIONS[spec.region]
    hull: F32 = cv2.convexHull(points68[list(region.landmarks)].astype(np.float32))[:, 0].astype(np.float32)
    # By distance to the hull, so that the expansion is round and the soft edge ends in exactly 0. The distance is
    # smooth: every fourth pixel will do. Unlike a drawn polygon it moves with fractions of pixels, as a video needs.
    grid = np.arange(-0.5, size + 4, 4, dtype=np.float32)
    coarse = distance_to_polygon(np.stack(np.meshgrid(grid, grid), -1).reshape(-1, 2).astype(np.float32), hull)
    distance = _enlarged(coarse.reshape(len(grid), len(grid)), 4)[:size, :size]
    unit = interocular(points68)
    inside = _smooth(((region.margin + region.feather / 2) * unit - distance) / max(region.feather * unit, 1.0))
    return inside * _border(size)


def interocular(points68: F32) -> float:
    """Distance between the centres of the eyes in pixels."""
    return float(np.linalg.norm(points68[36:42].mean(0) - points68[42:48].mean(0)))


def distance_to_polygon(points: F32, corners: F32) -> F32:
    """Distance of (N, 2) points from a polygon of (K, 2) corners in order, negative inside. -> (N,)."""
    starts, edges = corners, np.roll(corners, -1, axis=0) - corners
    lengths = np.maximum((edges**2).sum(1), 1e-12)
    offsets = points[:, None] - starts  # (N, K, 2)
    along = np.clip((offsets * edges).sum(2) / lengths, 0, 1)
    nearest = np.sqrt(((offsets - along[..., None] * edges) ** 2).sum(2).min(1))
    sides = edges[:, 0] * offsets[..., 1] - edges[:, 1] * offsets[..., 0]
    inside = (sides >= 0).all(1) | (sides <= 0).all(1)
    distances: F32 = np.where(inside, -nearest, nearest).astype(np.float32)
    return distances


def _enlarged(grid: F32, factor: int) -> F32:
    """Linear interpolation between samples ``factor`` pixels apart, the first at -0.5."""
    side = (len(grid) - 1) * factor
    places = (np.arange(side, dtype=np.float32) + 0.5) / factor
    across, down = np.meshgrid(places, places)
    enlarged: F32 = cv2.remap(grid, across, down, cv2.INTER_LINEAR).astype(np.float32, copy=False)
    return enlarged


def _border(size: int) -> F32:
    ramp = np.minimum(np.arange(size), np.arange(size)[::-1]) / (BORDER * size)
    line = _smooth(ramp.astype(np.float32))
    return np.outer(line, line).astype(np.float32)


def _smooth(t: F32) -> F32:
    t = np.clip(t, 0, 1)
    smoothed: F32 = (t * t * (3 - 2 * t)).astype(np.float32)
    return smoothed
