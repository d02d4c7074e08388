"""Where in the crop an attribute may change: 1 inside, 0 outside, soft between."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from diat.align import CROP_SIZE
from diat.attributes import REGIONS, AttributeSpec
from diat.pixels import F32, smoothstep

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
    # smooth: every fourth pixel will do, and none where the mask is 0 anyway. Unlike a drawn polygon it moves with
    # fractions of pixels, as a video needs.
    unit = interocular(points68)
    reach = (region.margin + region.feather / 2) * unit
    low = np.floor((hull.min(0) - reach) / 4).astype(int).clip(0, size // 4 - 1)
    high = np.ceil((hull.max(0) + reach) / 4).astype(int).clip(low + 1, size // 4)
    across, down = (4 * np.arange(a, b + 1, dtype=np.float32) - 0.5 for a, b in zip(low, high, strict=True))
    coarse = distance_to_polygon(np.stack(np.meshgrid(across, down), -1).reshape(-1, 2).astype(np.float32), hull)
    distance = _enlarged(coarse.reshape(len(down), len(across)), 4)
    inside = smoothstep((reach - distance) / max(region.feather * unit, 1.0))
    mask = np.zeros((size, size), np.float32)
    mask[4 * low[1] : 4 * high[1], 4 * low[0] : 4 * high[0]] = inside
    return mask * _border(size)


def interocular(points68: F32) -> float:
    """Distance between the centres of the eyes in pixels."""
    return float(np.linalg.norm(points68[36:42].mean(0) - points68[42:48].mean(0)))


def distance_to_polygon(points: F32, corners: F32) -> F32:
    """Distance of (N, 2) points from a polygon of (K, 2) corners in order, negative inside. -> (N,)."""
    edges = np.roll(corners, -1, axis=0) - corners
    lengths = np.sqrt(np.maximum((edges**2).sum(1), 1e-12))
    forward = edges / lengths[:, None]
    sideways = np.stack([-forward[:, 1], forward[:, 0]], 1)
    # In each edge's own frame: along it from its start, and to its side.
    along = points @ forward.T - (corners * forward).sum(1)
    sides = points @ sideways.T - (corners * sideways).sum(1)
    beyond = along - np.clip(along, 0, lengths)
    nearest = np.sqrt((beyond**2 + sides**2).min(1))
    inside = (sides >= 0).all(1) | (sides <= 0).all(1)
    distances: F32 = np.where(inside, -nearest, nearest).astype(np.float32)
    return distances


def _enlarged(grid: F32, factor: int) -> F32:
    """Linear interpolation between samples ``factor`` pixels apart, the first half a pixel before the result's."""
    rows, columns = ((side - 1) * factor for side in grid.shape)
    matrix = np.array([[1 / factor, 0, 0.5 / factor], [0, 1 / factor, 0.5 / factor]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    enlarged: F32 = cv2.warpAffine(grid, matrix, (columns, rows), flags=flags)  # type: ignore[assignment]
    return enlarged


@cache
def _border(size: int) -> F32:
    ramp = np.minimum(np.arange(size), np.arange(size)[::-1]) / (BORDER * size)
    line = smoothstep(ramp.astype(np.float32))
    return np.outer(line, line).astype(np.float32)
