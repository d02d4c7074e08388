"""Where the pixels of a face may move, and how far they do whatever a network says."""

from __future__ import annotations

import numpy as np

from diat.align import CROP_SIZE
from diat.masks import distance_to_polygon
from diat.native.geometry import INNER_LIPS, LIPS, hull, interocular, oval, upwards
from diat.native.style import Style
from diat.pixels import F32

FLOW_GRID = 64
EARS = ((0, 1, 2), (14, 15, 16))  # of the 68 landmarks, those beside an ear
CORNERS = (48, 54)  # of the mouth
# How far from the mouth its corners' movement is felt: along it in its half widths, across it in interocular distances.
ALONG, ACROSS = 0.7, 0.45
OUTWARDS = 0.6  # of what a corner rises by, it moves outwards too
MOUTH_REACH = 0.35  # interocular distances from the lips over which the mouth's own share of the movement ends
RIM = 7.0  # template units outside the face over which the movement ends: what lies behind the face moves with it
EAR_REACH = 14.0  # template units around these within which the movement fades


def away_from_ears(cells: F32, points: F32) -> F32:
    """0 on the ears, which a movement of the face's outline would tear, 1 far from them.

    cells: (H, W, 2) places in template units. -> (H, W).
    """
    free = np.ones(cells.shape[:2], np.float32)
    for side in EARS:
        away = np.min([((cells - points[k]) ** 2).sum(-1) for k in side], axis=0)
        free *= 1 - np.exp(-away / EAR_REACH**2)
    return free


def movement(points: F32, style: Style) -> tuple[F32, F32]:
    """What moves whatever the network says, (FLOW_GRID, FLOW_GRID, 2) in template units, and the share of all movement
    that is let through, (FLOW_GRID, FLOW_GRID), above 1 only around a mouth that moves more than the rest.
    """
    ys, xs = np.indices((FLOW_GRID, FLOW_GRID), dtype=np.float32)
    cells = (np.stack([xs, ys], -1) + 0.5) * (CROP_SIZE / FLOW_GRID) - 0.5
    own = np.zeros((FLOW_GRID, FLOW_GRID, 2), np.float32)
    if style.eye_size:
        for first in (36, 42):
            away = cells - points[first : first + 6].mean(0)
            own += style.eye_size * away * np.exp(-(away**2).sum(-1) / (0.34 * interocular(points)) ** 2)[..., None]
    if style.corners:
        own += style.corners * _smile(cells, points)
    outline = distance_to_polygon(cells.reshape(-1, 2).astype(np.float32), oval(points)).reshape(FLOW_GRID, FLOW_GRID)
    reach = np.clip(1 - outline / RIM, 0, 1) * away_from_ears(cells, points)
    if style.mouth:
        away = distance_to_polygon(cells.reshape(-1, 2).astype(np.float32), hull(points[LIPS:INNER_LIPS]))
        near = np.exp(-((np.maximum(away, 0) / (MOUTH_REACH * interocular(points))) ** 2))
        reach = reach * (1 + style.mouth * near.reshape(FLOW_GRID, FLOW_GRID))
    border = np.minimum.reduce([xs, ys, xs[::-1, ::-1], ys[::-1, ::-1]]) / 4
    return own, np.asarray(reach * np.clip(border, 0, 1), np.float32)


def _smile(cells: F32, points: F32) -> F32:
    """Both corners of the mouth raised by an interocular distance: a parabola along the lips, so that these bend and do
    not break. cells: (H, W, 2) places in template units. -> (H, W, 2).
    """
    left, right = points[list(CORNERS)]
    half, up, unit = (right - left) / 2, upwards(points), interocular(points)
    away = cells - (left + right) / 2
    along = away @ half / (half @ half)  # -1 and 1 at the corners
    felt = np.minimum(along**2, 1) * np.exp(-((np.maximum(np.abs(along) - 1, 0) / ALONG) ** 2))
    felt = felt * np.exp(-((away @ up / (ACROSS * unit)) ** 2))
    outwards = np.sign(along)[..., None] * half / np.linalg.norm(half)
    return np.asarray(unit * (up + OUTWARDS * outwards) * felt[..., None], np.float32)
