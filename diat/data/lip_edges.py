"""Where lips end and teeth or the cavity begin, found in the picture: landmarks are off by 0.6 template pixels there.

A lip that is cut into by what landmarks may be off loses its red, and one that is not keeps slivers of teeth.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from diat.align import CROP_SIZE
from diat.data.fields_mouths import MouthShape
from diat.pixels import F32, U8

COLUMNS = np.arange(-0.85, 0.851, 0.05)  # where edges are looked for, in half widths of the mouth
MIDDLE = 0.6  # of the half width, within which the colours of lips and of what is between them are taken
STEP, REACH = 0.25, 2.0  # of the search along a column, and how far it goes, template pixels
INWARDS, OUTWARDS = 0.45, 0.6  # shares of the gap and of the lip beyond which it does not go, nor by more than a gap
ON_LIP, BETWEEN = (0.4, 0.55, 0.7), (0.25, 0.35, 0.45)  # shares of the lip and of the gap where colours are taken
NOISE = 9.0  # variance of a colour, CIELAB squared
LEAST_APART = 1.0  # squared standard deviations: two colours nearer than that are one
FAR, BENT = 0.04, 0.075  # costs: of a step away from the landmarks and of a step between columns, each squared
SOFT = 0.35  # template pixels by which the picture is blurred


def fitted(mouth: MouthShape, crop: U8) -> MouthShape:
    """The mouth with the inner edges of its lips where the picture has them.

    Along every column the edge is where the colour turns most steeply from the lip's to that of teeth or cavity, by
    the direction that tells these two apart best (Fisher's), as near the landmarks and as smooth as can be (by dynamic
    programming, Amini et al. 1990).

    Args:
        mouth: of landmarks.
        crop: (S, S, 3) RGB, aligned as the template.

    Returns:
        Another mouth. A shut one stays as it is.
    """
    scale = crop.shape[0] / CROP_SIZE
    lab = cv2.cvtColor(crop.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    blurred: F32 = np.asarray(cv2.GaussianBlur(lab, (0, 0), max(SOFT * scale, 0.3)), np.float32)
    x = (COLUMNS * mouth.half).astype(np.float32)
    gap = np.maximum(mouth.at(mouth.inner_lower - mouth.inner_upper, x), 0)

    def edge(inner: F32, outer: F32, outwards: int) -> F32:
        start = mouth.at(inner, x)
        lip = np.abs(mouth.at(outer, x) - start)
        off = _offsets(_Strips(blurred, mouth, x, start, scale), gap, lip, outwards)
        return inner + np.interp(mouth.columns, x, off, 0, 0).astype(np.float32)

    return replace(
        mouth,
        inner_upper=edge(mouth.inner_upper, mouth.upper, -1),
        inner_lower=edge(mouth.inner_lower, mouth.lower, 1),
    )


class _Strips:
    """The picture along the columns of a mouth, by the distance from a curve."""

    def __init__(self, lab: F32, mouth: MouthShape, x: F32, start: F32, scale: float) -> None:
        self._lab, self._mouth, self._x, self._start, self._scale = lab, mouth, x, start, scale

    def __call__(self, below: NDArray[np.floating]) -> F32:
        """(R, K) template pixels below the curve -> (R, K, 3) colours."""
        y = (self._start + below).astype(np.float32)
        at = self._mouth.turned(np.broadcast_to(self._x, y.shape).astype(np.float32), y)
        columns, rows = (
            ((part + first + 0.5) * self._scale - 0.5).astype(np.float32)
            for part, first in zip(at, self._mouth.origin, strict=True)
        )
        colours = cv2.remap(self._lab, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(colours, np.float32)


def _offsets(strips: _Strips, gap: F32, lip: F32, outwards: int) -> F32:
    """By how much the edge lies below the landmarks' curve, (K,)."""
    middle = np.abs(COLUMNS) < MIDDLE
    on_lip = strips(outwards * np.outer(ON_LIP, lip))[:, middle].reshape(-1, 3)
    between = strips(-outwards * np.outer(BETWEEN, gap))[:, middle].reshape(-1, 3)
    apart = on_lip.mean(0) - between.mean(0)
    direction = np.linalg.solve(np.cov(on_lip.T) + np.cov(between.T) + NOISE * np.eye(3), apart)
    off = np.arange(-REACH, REACH + STEP / 2, STEP)[:, None]
    distance = max(float(apart @ direction), LEAST_APART)
    like_lip = strips(np.broadcast_to(off, (len(off), len(gap)))) @ direction / distance
    steep = cv2.GaussianBlur(outwards * np.gradient(like_lip, STEP, axis=0), (0, 0), 1.0)
    outside = (outwards * off > np.minimum(OUTWARDS * lip, gap)) | (-outwards * off > INWARDS * gap)
    cost = np.where(outside & (off != 0), 1e3, FAR * off**2 - steep)
    return off[_smoothest(cost), 0].astype(np.float32)


def _smoothest(cost: F32) -> list[int]:
    """The path of least cost through the columns, (R, K) -> K rows."""
    rows = np.arange(len(cost))
    bent = BENT * np.square(rows[:, None] - rows)
    total, came = cost[:, 0], []
    for column in cost.T[1:]:
        ways = total + bent
        came.append(ways.argmin(1))
        total = ways.min(1) + column
    path = [int(total.argmin())]
    for one in reversed(came):
        path.append(int(one[path[-1]]))
    return path[::-1]
