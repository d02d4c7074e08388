"""Section 5.1's poor samples: faces clustered by their five landmarks, and the clusters that are left out.

`landmark_clusters.json` beside this file holds the 62 centroids, found by `python train/cluster.py --fit`, and the 14
that were dropped by eye, each with the reason.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diat.align import F32

PATH = Path(__file__).with_name("landmark_clusters.json")
COUNT = 62
NO_FACE = 255  # the cluster of records whose face was not found


@lru_cache(maxsize=1)
def centroids() -> F32:
    """(62, 5, 2) mean landmarks of the clusters, in pixels of the 128x128 crop, most turned to the side first."""
    return np.array(json.loads(PATH.read_text())["centroids"], np.float32)


@lru_cache(maxsize=1)
def dropped() -> dict[int, str]:
    """The clusters that are left out, with the reason that was seen on their contact sheets."""
    return {int(number): reason for number, reason in json.loads(PATH.read_text())["dropped"].items()}


def assign(points5: F32, size: int) -> NDArray[np.uint8]:
    """The nearest cluster of each face. (N, 5, 2) in pixels of a crop of that size, NaN for no face -> (N,)."""
    points = (points5 + 0.5) * np.float32(128 / size) - 0.5
    found = np.isfinite(points).all((1, 2))
    result = np.full(len(points), NO_FACE, np.uint8)
    if found.any():
        flat = points[found].reshape(-1, 1, 10)
        distances = ((flat - centroids().reshape(1, COUNT, 10)) ** 2).sum(2)
        result[found] = distances.argmin(1)
    return result


def kept(clusters: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which records stay in the subset of section 5.1."""
    return ~np.isin(clusters, [*dropped(), NO_FACE])
