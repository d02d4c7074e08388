"""Fields that stay steady from frame to frame: what the networks with heads say is filtered, not the picture.

Fields are laid out in the frame of the face's aligned crop and move with the face. Where a crop looks as another did,
differences of their fields are the network's noise and are averaged away; where it does not, as in a mouth that opens,
the newest fields stand alone, or lips would be moved to where they have been.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import cv2
import numpy as np

from diat.heads import GATE, Fields
from diat.pixels import F32, U8, largest
from diat.video.window import TIME_SIGMA, WINDOW_FRAMES, FaceEdit, Smoother, TimeWindow

KEEP_SHARE = 0.7  # live: share of the last frame's fields that is kept where the face looks as it did
SIMILARITY_SIGMA = 6.0  # levels of 255, after averaging over a map's pixels: what differs more has little weight
COMPARISON_BLUR = 1.5  # pixels of the maps
# Live: by how much the probability that an edit is needed may fall from frame to frame. It rises at once. A mouth that
# shuts between two words, or glasses that flash, do not switch the edit off and on.
RELEASE = 0.04
FARTHEST = math.exp(-(((WINDOW_FRAMES + 1) / TIME_SIGMA) ** 2) / 2)  # nearness just beyond a film's window


class _Seen(NamedTuple):
    """A face in one frame."""

    crop: F32  # (h, w, 3), reduced to the size of the maps
    fields: Fields


class FieldSmoother(Smoother):
    """Of one live stream: each face's fields drawn towards those of the last frame, and the gate held."""

    def smooth(self, number: int, crop: U8, fields: Fields) -> Fields:
        """The fields to use for a face instead of what the network said; see `Smoother.smooth`."""
        now = _seen(crop, fields)
        if number in self._last:
            last: _Seen = self._last[number]
            keep = np.float32(KEEP_SHARE) * _similarity(now.crop - last.crop)
            maps = fields.maps + keep * (last.fields.maps - fields.maps)
            scalars = fields.scalars + np.float32(keep.mean()) * (last.fields.scalars - fields.scalars)
            needed = max(fields.needed, last.fields.needed - RELEASE)
            now = _Seen(now.crop, _with_gate(replace(fields, maps=maps, scalars=scalars), needed))
        self._last[number] = now
        return now.fields


class FieldTimeFilter(TimeWindow):
    """Of one film: a bilateral average of a face's fields, and the gate at its highest nearby."""

    def _seen(self, edit: FaceEdit) -> _Seen:
        return _seen(edit.crop, edit.change)

    def _average(self, own: _Seen, others: list[tuple[_Seen, np.float32]]) -> Fields:
        maps, weights = own.fields.maps.copy(), np.ones((*own.crop.shape[:2], 1), np.float32)
        scalars, total = own.fields.scalars.copy(), 1.0
        needed = own.fields.needed
        for other, nearness in others:
            weight = nearness * _similarity(other.crop - own.crop)
            maps += weight * other.fields.maps
            weights += weight
            mean = float(weight.mean())
            scalars += mean * other.fields.scalars
            total += mean
            needed = max(needed, float((nearness - FARTHEST) / (1 - FARTHEST)) * other.fields.needed)
        averaged = replace(
            own.fields, maps=np.asarray(maps / weights, np.float32), scalars=(scalars / total).astype(np.float32)
        )
        return _with_gate(averaged, needed)


def _seen(crop: U8, fields: Fields) -> _Seen:
    height, width = fields.maps.shape[:2]
    small = cv2.resize(crop, (width, height), interpolation=cv2.INTER_AREA)
    return _Seen(np.asarray(small, np.float32), fields)


def _similarity(difference: F32) -> F32:
    """(h, w, 3) levels of 255 -> (h, w, 1): 1 where there is no difference, near 0 from twice sigma on."""
    blurred = np.asarray(cv2.GaussianBlur(difference, (0, 0), COMPARISON_BLUR), np.float32)
    size = largest(blurred)[..., None]
    return np.asarray(np.exp(-((size / SIMILARITY_SIGMA) ** 2)), np.float32)


def _with_gate(fields: Fields, needed: float) -> Fields:
    """The same fields with that probability of being needed."""
    probability = min(max(needed, 1e-6), 1 - 1e-6)
    scalars = fields.scalars.copy()
    scalars[fields.heads.scalars.index(GATE)] = math.log(probability / (1 - probability))
    return replace(fields, scalars=scalars)
