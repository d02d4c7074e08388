"""Section 5.1's poor samples: faces clustered by their five landmarks, and the clusters that are left out.

`landmark_clusters.json` beside this file holds the 62 centroids, found by `python train/cluster.py --fit`, and the 14
that were dropped by eye, each with the reason.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from diat.data import clusters
from diat.data.pack import Pack
from diat.faces import yaw
from diat.pixels import F32, save_image

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


def write_sheets(pack: Pack, folder: Path, tile: int = 96) -> list[str]:
    """One sheet a cluster: the mean face and 31 faces from its centre outwards. Returns a line for each."""
    assigned = clusters.assign(pack.points5, pack.size)
    dropped, lines = clusters.dropped(), []
    centres = (clusters.centroids() + 0.5) * (pack.size / 128) - 0.5
    for number in range(clusters.COUNT):
        rows = np.flatnonzero(assigned == number)
        verdict = f"dropped: {dropped[number]}" if number in dropped else "kept"
        turned = yaw(clusters.centroids()[number])
        lines.append(f"cluster {number:2d}: {len(rows):5d} faces, turned {turned:2.0f} degrees, {verdict}")
        if len(rows):
            distances = np.linalg.norm(pack.points5[rows] - centres[number], axis=2).mean(1)
            rows = rows[np.argsort(distances)]
            shown = rows[np.linspace(0, len(rows) - 1, 31).astype(int)]
            mean = np.mean([pack.crops[row] for row in rows[:500]], axis=0).astype(np.uint8)
            tiles = [cv2.resize(np.asarray(crop), (tile, tile)) for crop in (mean, *(pack.crops[row] for row in shown))]
            sheet = np.concatenate([np.concatenate(tiles[i : i + 8], axis=1) for i in range(0, 32, 8)])
            save_image(folder / f"{number:02d}{'-dropped' if number in dropped else ''}.png", sheet)
    return lines
