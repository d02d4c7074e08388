"""Pictures that stay steady from frame to frame: what was made of a face is filtered as it looks.

`steady_fields` filters what networks with heads say. `BilateralTimeFilter` for films and `PictureSmoother` for streams
filter what T draws and, at the template's resolution, what fields made of a face: lips that are shut out of a talking
mouth are others in every frame, whatever its fields.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

import cv2
import numpy as np

from diat.align import CROP_SIZE, region_of, replaced_by, rescaled_matrix, shifted_matrix, warp_to_crop
from diat.detail import DEFAULT_FADE, DetailFade
from diat.methods import AlignedFace
from diat.native.region import Window
from diat.pixels import F32, MEAN, U8, channel_sum, largest
from diat.video.window import FaceEdit, Smoother, TimeWindow

# Set by looking at films and by the figures of benchmarks/stability.py.
KEEP_SHARE = 0.9  # live: share of the last frame's edit that is kept where the face looks as it did
KEEP_SIGMA = 16.0  # live: levels of 255; a face that differs this much from the last frame's is hardly smoothed
SIMILARITY_SIGMA = 24.0  # films: levels of 255; a face that differs this much has little weight
TOUCHED = 2.0  # levels of 255 from which a pixel of the crop counts as changed
COMPARISON_BLUR = 1.5  # crop pixels; two faces are compared after this blur, or noise alone would make them differ


class PictureSmoother(Smoother):
    """Of one live stream: the change of each face drawn towards that in the last frame.

    Where a face looks as it did in the last frame, `KEEP_SHARE` of the last change is kept. Where the edit replaces
    content, as lips do teeth, the edited pixels are smoothed; elsewhere the change alone, so that the stream keeps its
    own grain.

    Args:
        fade: sizes of a change between which tinting becomes replacing.
    """

    def __init__(self, fade: DetailFade = DEFAULT_FADE) -> None:
        super().__init__()
        self._fade = fade

    def smooth(self, number: int, crop: U8, change: F32) -> F32:
        """What to add to a face instead; see `Smoother.smooth`."""
        original, replaced = crop.astype(np.float32), replaced_by(change, self._fade)
        if number in self._last:
            last: _SmoothedFace = self._last[number]
            replaced = np.maximum(replaced, np.float32(KEEP_SHARE) * last.replaced)
            edited, last_edited = original + change, last.original + last.change
            keep = np.float32(KEEP_SHARE) * similarity(edited - last_edited, KEEP_SIGMA)
            of_edit = change + keep * similarity(original - last.original, KEEP_SIGMA) * (last.change - change)
            of_pixels = change + keep * (last_edited - edited)
            change = blend(of_edit, of_pixels, replaced)
        self._last[number] = _SmoothedFace(original, change, replaced)
        return change


class BilateralTimeFilter(TimeWindow):
    """Bilateral average of the edits of a face over `WINDOW_FRAMES` frames before and after.

    Where an edit replaces content, as lips do teeth, in a frame or one near it, the edited pixels are averaged: a mouth
    that is shut in every frame hardly moves, however its owner talks, while the edits that shut it have little in
    common. Elsewhere the edit is averaged, which leaves the film its grain. A frame counts the more the nearer it is in
    time and the more alike the two faces look (as in Tomasi and Manduchi, 1998, with time in place of space).

    Args:
        fade: sizes of an edit between which tinting becomes replacing.
    """

    def __init__(self, fade: DetailFade = DEFAULT_FADE) -> None:
        super().__init__()
        self._fade = fade

    def _seen(self, edit: FaceEdit) -> _FaceInFrame:
        crop, change = edit
        return _FaceInFrame(crop.astype(np.float32), crop + change, replaced_by(change, self._fade))

    def _average(self, own: _FaceInFrame, others: list[tuple[_FaceInFrame, np.float32]]) -> F32:
        edited, change, replaced = own.edited.copy(), own.edited - own.original, own.replaced
        edited_weight, change_weight = np.ones((2, *own.original.shape[:2], 1), np.float32)
        for other, nearness in others:
            weight = nearness * similarity(other.edited - own.edited, SIMILARITY_SIGMA)
            edited += weight * other.edited
            edited_weight += weight
            weight = weight * similarity(other.original - own.original, SIMILARITY_SIGMA)
            change += weight * (other.edited - other.original)
            change_weight += weight
            replaced = np.maximum(replaced, nearness * other.replaced)
        return blend(change / change_weight, edited / edited_weight - own.original, replaced)


class SettledFaces:
    """What fields make of the faces of a film, drawn towards what they make of them in the frames around.

    As `BilateralTimeFilter` does it, but at the template's resolution: what is finer stays each frame's own. Where a
    frame was not changed it is left as it is.

    Args:
        fade: sizes of an edit between which tinting becomes replacing.
        window: left, top, right, bottom of what the fields change, in template units.
    """

    def __init__(self, fade: DetailFade, window: Window) -> None:
        self._window, self._filter = window, BilateralTimeFilter(fade)
        self._waiting: deque[tuple[U8, U8, dict[int, SeenFace]]] = deque()

    def add(self, frame: U8, edited: U8, faces: Mapping[int, AlignedFace]) -> list[U8]:
        """Take the next frame and its edit, (H, W, 3), with the faces by number of the track; see `TimeWindow.add`."""
        seen = {}
        if edited is not frame:
            seen = {number: SeenFace.of(frame, edited, face.matrix, self._window) for number, face in faces.items()}
        self._waiting.append((frame, edited, seen))
        edits = {number: FaceEdit(face.before, face.change) for number, face in seen.items()}
        return [self._finished(changes) for changes in self._filter.add(edits)]

    def rest(self) -> list[U8]:
        """The frames that waited for more, in order."""
        return [self._finished(changes) for changes in self._filter.rest()]

    def _finished(self, changes: Mapping[int, F32]) -> U8:
        frame, edited, seen = self._waiting.popleft()
        for number, face in seen.items():
            edited = face.drawn_towards(changes[number], frame, edited)
        return edited


class SeenFace(NamedTuple):
    """A face of a frame that fields changed, at the template's resolution."""

    matrix: F32  # (2, 3) frame to window, a pixel a template unit
    before: U8  # (h, w, 3) what the window showed
    change: F32  # (h, w, 3) what was added to that, in units of 0..255

    @classmethod
    def of(cls, frame: U8, edited: U8, to_template: F32, window: Window) -> SeenFace:
        """The face before and after the edit."""
        left, top, right, bottom = window
        matrix = to_template.copy()
        matrix[:, 2] -= left, top
        side = max(right - left, bottom - top)
        square = rescaled_matrix(matrix, CROP_SIZE / side)
        before, after = (
            warp_to_crop(picture, square, side)[: bottom - top, : right - left] for picture in (frame, edited)
        )
        return cls(matrix, before, after.astype(np.float32) - before)

    def drawn_towards(self, change: F32, frame: U8, edited: U8) -> U8:
        """The edited frame with another change of the face: what is finer than the template stays its own."""
        touched = cv2.GaussianBlur((largest(self.change) > TOUCHED).astype(np.float32), (0, 0), COMPARISON_BLUR)
        x, y, w, h = cv2.boundingRect((touched > 0).astype(np.uint8))
        if not w:
            return edited
        matrix = self.matrix.copy()  # of the frame's part to what is touched
        matrix[:, 2] -= x, y
        left, top, right, bottom = region_of(matrix, (w, h), frame.shape)
        matrix = shifted_matrix(matrix, left, top)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        by = (touched[..., None] * (change - self.change))[y : y + h, x : x + w]
        by = cv2.warpAffine(by, matrix, (right - left, bottom - top), flags=flags)
        here = np.s_[top:bottom, left:right]
        result, own = edited.copy(), edited[here]
        by *= (channel_sum(cv2.absdiff(own, frame[here]).astype(np.float32)) > 0)[..., None]
        result[here] = np.asarray(cv2.add(own, by, dtype=cv2.CV_8U), np.uint8)
        return result


class _SmoothedFace(NamedTuple):
    """A face in the last frame of a stream, in units of 0..255."""

    original: F32  # (S, S, 3) the crop
    change: F32  # (S, S, 3) what was added to it
    replaced: F32  # (S, S) how far that replaces content, 0 to 1


class _FaceInFrame(NamedTuple):
    """A face in one frame of a film, in units of 0..255."""

    original: F32  # (S, S, 3) the crop
    edited: F32  # (S, S, 3) with all of its edit
    replaced: F32  # (S, S) how far that replaces content, 0 to 1


def similarity(difference: F32, sigma: float) -> F32:
    """(S, S, 3) levels of 255 -> (S, S, 1): 1 where there is no difference, near 0 from twice sigma on."""
    size = cv2.GaussianBlur(channel_sum(np.abs(difference), MEAN), (0, 0), COMPARISON_BLUR)
    return np.asarray(np.exp(-((size / sigma) ** 2))[..., None], np.float32)


def blend(of_edit: F32, of_pixels: F32, replaced: F32) -> F32:
    """One edit out of two, (S, S, 3): the second as far as content is replaced, (S, S)."""
    return np.asarray(of_edit + replaced[..., None] * (of_pixels - of_edit), np.float32)
