"""Edits that stay steady from frame to frame: `LiveFrameEditor` looks back only, `FilmFrameEditor` both ways.

A network answers a trembling crop, noise and compression with a trembling face. Both classes smooth what a model adds
to a face in the coordinates of its aligned crop, where a face lies still however the head moves. They see one face in
one frame as a (crop, edit) pair, `FaceEdit`, and know nothing of how the edit was made.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from diat.align import photo_to_crop_matrix, replaced_by
from diat.editor import FaceEditor
from diat.faces import face_fault
from diat.heads import Fields
from diat.methods import AlignedFace, Moving
from diat.native.stage import faded
from diat.pixels import F32, U8
from diat.video.steady_fields import FieldSmoother, FieldTimeFilter
from diat.video.steady_pictures import BilateralTimeFilter, SeenFace, SettledFaces, blend, similarity
from diat.video.tracking import Track
from diat.video.window import FaceEdit, TimeWindow

# All of these were set by looking at films and by the figures of benchmarks/stability.py.

# Live:
KEEP_SHARE = 0.9  # share of the last frame's edit that is kept where the face looks as it did
KEEP_SIGMA = 16.0  # levels of 255; a face that differs this much from the last frame's is hardly smoothed


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
        for track in (track for track in tracks if face_fault(track.face) is None):
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
            keep = np.float32(KEEP_SHARE) * similarity(edited - last_edited, KEEP_SIGMA)
            of_edit = change + keep * similarity(original - last.original, KEEP_SIGMA) * (last.change - change)
            of_pixels = change + keep * (last_edited - edited)
            change = blend(of_edit, of_pixels, replaced)
        self._last[number] = _SmoothedFace(original, change, replaced)
        return change


class FilmFrameEditor:
    """Edits the frames of a film: each as soon as enough of those after it are known.

    Args:
        editor: of the attribute.
        strength: factor of the edit, 0 to 1.5.
        apply_anyway: also change faces that have the attribute already.

    Attributes:
        left: how many frames were left as they are, for their faces have the attribute already.
        would_change: whether ``apply_anyway``, which is not set, would be seen to change one of those. The first, the
            second, the fourth and so on are looked at, until it would.
    """

    def __init__(self, editor: FaceEditor, strength: float = 1.0, apply_anyway: bool = False) -> None:
        self._editor, self._strength, self._apply_anyway = editor, strength, apply_anyway
        self.left, self.would_change = 0, False
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
            in_order = [changes[number] for number in aligned]
            edited = self._editor.pasted(frame, aligned.values(), in_order, self._strength, self._apply_anyway)
            if edited is frame and any(map(self._is_needless, in_order)):
                self.left += 1
                if self.left.bit_count() == 1 and not self._apply_anyway and not self.would_change:
                    anyway = self._editor.pasted(frame, aligned.values(), in_order, self._strength, apply_anyway=True)
                    self.would_change = anyway is not frame
            frames += self._settled.add(frame, edited, aligned) if self._settled else [edited]
        return frames

    def _is_needless(self, change: Any) -> bool:
        return faded(self._editor.method.needed(change), self._editor.spec.fade) == 0


class _SmoothedFace(NamedTuple):
    """What the live editor keeps of a face, in units of 0..255."""

    original: F32  # (S, S, 3) the crop
    change: F32  # (S, S, 3) what was added to it
    replaced: F32  # (S, S) how far that replaces content, 0 to 1
