"""Edits that stay steady from frame to frame: `LiveFrameEditor` looks back only, `FilmFrameEditor` both ways.

A network answers a trembling crop, noise and compression with a trembling face. Both classes smooth what a model adds
to a face in the coordinates of its aligned crop, where a face lies still however the head moves. They see one face in
one frame as a (crop, edit) pair, `FaceEdit`, and know nothing of how the edit was made.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np

from diat.align import CROP_SIZE, photo_to_crop_matrix, replaced_by, transform_points, warp_to_crop
from diat.detail import DEFAULT_FADE, DetailFade
from diat.editor import FaceEditor
from diat.faces import face_fault
from diat.heads import Fields
from diat.methods import AlignedFace, Moving
from diat.native.region import Window
from diat.pixels import F32, MEAN, U8, channel_sum
from diat.video.steady_fields import FieldSmoother, FieldTimeFilter
from diat.video.tracking import Track
from diat.video.window import FaceEdit, TimeWindow

# All of these were set by looking at films and by the figures of benchmarks/stability.py.

# Live:
KEEP_SHARE = 0.9  # share of the last frame's edit that is kept where the face looks as it did
KEEP_SIGMA = 16.0  # levels of 255; a face that differs this much from the last frame's is hardly smoothed

# Films:
SIMILARITY_SIGMA = 24.0  # levels of 255; a face that differs this much has little weight

TOUCHED = 2.0  # levels of 255 from which a pixel of the crop counts as changed
COMPARISON_BLUR = 1.5  # crop pixels; two faces are compared after this blur, or noise alone would make them differ


class LiveFrameEditor:
    """Edits one live stream: each frame at once, smoothed with the frames before it.

    Where a face looks as it did in the last frame, `KEEP_SHARE` of the last edit is kept. Where the edit replaces
    content, as lips do teeth, the edited pixels are smoothed; elsewhere the edit alone, so that the stream keeps its
    own grain.

    Args:
        editor: of the attribute.
        apply_anyway: also change faces that have the attribute already.
    """

    def __init__(self, editor: FaceEditor, apply_anyway: bool = False) -> None:
        self.editor, self._apply_anyway = editor, apply_anyway
        self._last: dict[int, _SmoothedFace] = {}  # by number of the track
        self._fields = FieldSmoother()
        self._window = editor.method.heads.window if isinstance(editor.method, Moving) else None

    def edit(self, frame: U8, tracks: Sequence[Track], strength: float = 1.0) -> U8:
        """The next frame, edited.

        Args:
            frame: (H, W, 3) RGB uint8.
            tracks: the faces of this frame to edit; one that cannot be edited is left as it is.
            strength: factor of the edit, 0 to 1.5.

        Returns:
            (H, W, 3) RGB uint8; the frame itself where there is nothing to do.
        """
        numbers = {track.number for track in tracks}
        self._last = {number: last for number, last in self._last.items() if number in numbers}
        self._fields.forget(all_but=numbers)
        edited = self.editor.edit_frame(
            frame,
            [track.face for track in tracks],
            strength,
            lambda place, crop, change: self.smooth(tracks[place].number, crop, change),
            self._apply_anyway,
        )
        if self._window is None or edited is frame:
            return edited
        for track in tracks:
            seen = SeenFace.of(frame, edited, photo_to_crop_matrix(track.face.points5), self._window)
            change = self._smooth_picture(track.number, seen.before, seen.change)
            edited = seen.drawn_towards(change, frame, edited)
        return edited

    def smooth(self, number: int, crop: U8, change: Any) -> Any:
        """The edit of a face, drawn towards the one that the face had in the last frame.

        Args:
            number: of the face's track.
            crop: (S, S, 3) RGB uint8.
            change: (S, S, 3), what the model adds to it, in units of 0..255; or its fields.

        Returns:
            What to add, or the fields to use, instead.
        """
        if isinstance(change, Fields):
            return self._fields.smooth(number, crop, change)
        return self._smooth_picture(number, crop, change)

    def _smooth_picture(self, number: int, crop: U8, change: F32) -> F32:
        original, replaced = crop.astype(np.float32), replaced_by(change, self.editor.spec.detail_fade)
        if number in self._last:
            last = self._last[number]
            replaced = np.maximum(replaced, np.float32(KEEP_SHARE) * last.replaced)
            edited, last_edited = original + change, last.original + last.change
            keep = np.float32(KEEP_SHARE) * _similarity(edited - last_edited, KEEP_SIGMA)
            of_edit = change + keep * _similarity(original - last.original, KEEP_SIGMA) * (last.change - change)
            of_pixels = change + keep * (last_edited - edited)
            change = _blend(of_edit, of_pixels, replaced)
        self._last[number] = _SmoothedFace(original, change, replaced)
        return change


class FilmFrameEditor:
    """Edits the frames of a film: each as soon as enough of those after it are known.

    Args:
        editor: of the attribute.
        strength: factor of the edit, 0 to 1.5.
        apply_anyway: also change faces that have the attribute already.
    """

    def __init__(self, editor: FaceEditor, strength: float = 1.0, apply_anyway: bool = False) -> None:
        self._editor, self._strength, self._apply_anyway = editor, strength, apply_anyway
        self._settled: SettledFaces | None = None
        self._filter: TimeWindow = BilateralTimeFilter(editor.spec.detail_fade)
        if isinstance(editor.method, Moving):
            self._filter = FieldTimeFilter()
            self._settled = SettledFaces(editor.spec.detail_fade, editor.method.heads.window)
        self._waiting: deque[tuple[U8, dict[int, AlignedFace]]] = deque()  # frames and their aligned faces

    def add(self, frame: U8, tracks: Sequence[Track]) -> list[U8]:
        """Take the next frame.

        Args:
            frame: (H, W, 3) RGB uint8.
            tracks: the faces of this frame to edit; one that cannot be edited is left as it is.

        Returns:
            The frame that is finished now, `WINDOW_FRAMES` before this one (by fields twice as many), if there is:
            (H, W, 3) RGB uint8, the frame itself where there was nothing to do.
        """
        usable = [track for track in tracks if face_fault(track.face) is None and self._strength > 0]
        aligned = {track.number: self._editor.aligned(frame, track.face) for track in usable}
        crops = [face.crop for face in aligned.values()]
        changes = self._editor.changes(list(aligned.values()), self._strength)
        self._waiting.append((frame, aligned))
        edits = {number: FaceEdit(*edit) for number, *edit in zip(aligned, crops, changes, strict=True)}
        return self._finish(self._filter.add(edits))

    def rest(self) -> list[U8]:
        """The film is over: the frames that waited for more, in order."""
        return self._finish(self._filter.rest()) + (self._settled.rest() if self._settled else [])

    def _finish(self, smoothed: list[dict[int, Any]]) -> list[U8]:
        frames = []
        for changes in smoothed:
            frame, aligned = self._waiting.popleft()
            in_order = (changes[number] for number in aligned)
            edited = self._editor.pasted(frame, aligned.values(), in_order, self._strength, self._apply_anyway)
            frames += self._settled.add(frame, edited, aligned) if self._settled else [edited]
        return frames


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
            weight = nearness * _similarity(other.edited - own.edited, SIMILARITY_SIGMA)
            edited += weight * other.edited
            edited_weight += weight
            weight = weight * _similarity(other.original - own.original, SIMILARITY_SIGMA)
            change += weight * (other.edited - other.original)
            change_weight += weight
            replaced = np.maximum(replaced, nearness * other.replaced)
        return _blend(change / change_weight, edited / edited_weight - own.original, replaced)


class SettledFaces:
    """What fields make of the faces of a film, drawn towards what they make of them in the frames around.

    Lips that are shut out of a talking mouth are others in every frame, whatever its fields. So the pictures are
    averaged, too, as `BilateralTimeFilter` does it, but at the template's resolution: what is finer stays each frame's
    own. Where a frame was not changed it is left as it is.

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

    matrix: F32  # (2, 3) frame to template
    window: Window
    before: U8  # (h, w, 3) what the window showed
    change: F32  # (h, w, 3) what was added to that, in units of 0..255

    @classmethod
    def of(cls, frame: U8, edited: U8, matrix: F32, window: Window) -> SeenFace:
        """The face before and after the edit."""
        left, top, right, bottom = window
        crops = (warp_to_crop(picture, matrix, CROP_SIZE)[top:bottom, left:right] for picture in (frame, edited))
        before, after = crops
        return cls(matrix, window, before, after.astype(np.float32) - before)

    def drawn_towards(self, change: F32, frame: U8, edited: U8) -> U8:
        """The edited frame with another change of the face: what is finer than the template stays its own."""
        touched = cv2.GaussianBlur((np.abs(self.change).max(-1) > TOUCHED).astype(np.float32), (0, 0), COMPARISON_BLUR)
        left, top, right, bottom = self.window
        corners = np.array([[left, top], [right, top], [left, bottom], [right, bottom]], np.float32)
        place = transform_points(corners, cv2.invertAffineTransform(self.matrix).astype(np.float32))
        height, width = frame.shape[:2]
        (x0, y0), (x1, y1) = np.clip([place.min(0) - 1, place.max(0) + 2], 0, (width, height)).astype(int).tolist()
        if x1 <= x0 or y1 <= y0:
            return edited
        matrix = self.matrix.copy()  # of the frame's part to the window
        matrix[:, 2] += matrix[:, :2] @ np.array([x0, y0]) - np.array([left, top])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        by = cv2.warpAffine(touched[..., None] * (change - self.change), matrix, (x1 - x0, y1 - y0), flags=flags)
        own, here = edited[y0:y1, x0:x1], np.s_[y0:y1, x0:x1]
        result = edited.copy()
        changed = (own != frame[here]).any(-1, keepdims=True)
        result[here] = np.where(changed, np.clip(np.rint(own + by), 0, 255), own).astype(np.uint8)
        return result


class _SmoothedFace(NamedTuple):
    """What the live editor keeps of a face, in units of 0..255."""

    original: F32  # (S, S, 3) the crop
    change: F32  # (S, S, 3) what was added to it
    replaced: F32  # (S, S) how far that replaces content, 0 to 1


class _FaceInFrame(NamedTuple):
    """A face in one frame of a film, in units of 0..255."""

    original: F32  # (S, S, 3) the crop
    edited: F32  # (S, S, 3) with all of its edit
    replaced: F32  # (S, S) how far that replaces content, 0 to 1


def _similarity(difference: F32, sigma: float) -> F32:
    """(S, S, 3) levels of 255 -> (S, S, 1): 1 where there is no difference, near 0 from twice sigma on."""
    size = cv2.GaussianBlur(channel_sum(np.abs(difference), MEAN), (0, 0), COMPARISON_BLUR)
    return np.asarray(np.exp(-((size / sigma) ** 2))[..., None], np.float32)


def _blend(of_edit: F32, of_pixels: F32, replaced: F32) -> F32:
    """One edit out of two, (S, S, 3): the second as far as content is replaced, (S, S)."""
    return np.asarray(of_edit + replaced[..., None] * (of_pixels - of_edit), np.float32)
