"""Section 5.1's poor samples: faces clustered by their five landmarks, and the clusters that are left out.

`landmark_clusters.json` beside this file holds the 62 centroids, found by `python train/cluster.py --fit`, and the 14
that were dropped by eye, each with the reason.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from diat.align import CROP_SIZE, rescaled
from diat.data.pack import Pack
from diat.errors import TrainingStopped
from diat.faces import yaw
from diat.pixels import F32, U8, save_image

SHIPPED = Path(__file__).with_name("landmark_clusters.json")
COUNT = 62  # section 5.1
NO_FACE = 255  # the cluster of records whose face was not found

# A cluster's sheet: the mean face, then faces from its centre outwards.
SHEET_COLUMNS, SHEET_ROWS, TILE = 8, 4, 96
MEAN_OF = 500  # faces nearest the centre in the mean face; more look the same and take longer to read


@dataclass(frozen=True, eq=False)
class Clusters:
    """The clusters of faces, and which of them do not train."""

    centroids: F32  # (62, 5, 2) mean landmarks in pixels of the 128x128 crop, most turned to the side first
    dropped: Mapping[int, str]  # the clusters that are left out, with the reason that was seen on their contact sheets

    def assign(self, points5: F32, size: int) -> NDArray[np.uint8]:
        """The nearest cluster of each face. (N, 5, 2) in pixels of a crop of that size, NaN for no face -> (N,)."""
        points = rescaled(points5, size, CROP_SIZE)
        found = np.isfinite(points).all((1, 2))
        result = np.full(len(points), NO_FACE, np.uint8)
        if found.any():
            flat = points[found].reshape(-1, 1, 10)
            distances = ((flat - self.centroids.reshape(1, COUNT, 10)) ** 2).sum(2)
            result[found] = distances.argmin(1)
        return result

    def kept(self, assigned: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """(N,) which records stay in the subset of section 5.1, by their clusters."""
        return ~np.isin(assigned, [*self.dropped, NO_FACE])


def read_clusters(path: Path = SHIPPED) -> Clusters:
    """Read a file that `train/cluster.py --fit` wrote.

    Raises:
        TrainingStopped: it is missing, or not such a file.
    """
    try:
        content = json.loads(path.read_text())
        centroids = np.array(content["centroids"], np.float32)
        dropped = {int(number): str(reason) for number, reason in content["dropped"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise TrainingStopped(f"{path} holds no clusters ({error}): make it with train/cluster.py --fit.") from error
    if centroids.shape != (COUNT, 5, 2):
        raise TrainingStopped(f"{path} holds centroids of shape {centroids.shape}, not {(COUNT, 5, 2)}.")
    return Clusters(centroids, dropped)


@cache
def shipped_clusters() -> Clusters:
    """The clusters that the package carries."""
    return read_clusters()


def write_sheets(pack: Pack, folder: Path, clusters: Clusters | None = None) -> list[str]:
    """Write a contact sheet of each cluster's faces and return a line about each.

    Args:
        pack: the faces.
        folder: where the sheets go, one PNG a cluster.
        clusters: whose; None takes the shipped ones.
    """
    clusters = clusters or shipped_clusters()
    assigned = clusters.assign(pack.points5, pack.size)
    centres, lines = rescaled(clusters.centroids, CROP_SIZE, pack.size), []
    for number in range(COUNT):
        rows = np.flatnonzero(assigned == number)
        dropped = number in clusters.dropped
        verdict = f"dropped: {clusters.dropped[number]}" if dropped else "kept"
        turned = yaw(clusters.centroids[number])
        lines.append(f"cluster {number:2d}: {len(rows):5d} faces, turned {turned:2.0f} degrees, {verdict}")
        if len(rows):
            distances = np.linalg.norm(pack.points5[rows] - centres[number], axis=2).mean(1)
            sheet = _sheet(pack, rows[np.argsort(distances)])
            save_image(folder / f"{number:02d}{'-dropped' if dropped else ''}.png", sheet)
    return lines


def _sheet(pack: Pack, rows: NDArray[np.int64]) -> U8:
    """The mean face of the rows, which come nearest first, and some of them from first to last."""
    shown = rows[np.linspace(0, len(rows) - 1, SHEET_COLUMNS * SHEET_ROWS - 1).astype(int)]
    mean = np.mean([pack.crops[row] for row in rows[:MEAN_OF]], axis=0).astype(np.uint8)
    tiles = [cv2.resize(np.asarray(crop), (TILE, TILE)) for crop in (mean, *(pack.crops[row] for row in shown))]
    lines = [np.concatenate(tiles[first : first + SHEET_COLUMNS], 1) for first in range(0, len(tiles), SHEET_COLUMNS)]
    return np.concatenate(lines).astype(np.uint8, copy=False)
