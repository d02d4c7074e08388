"""Edits that stay steady from frame to frame: `LiveFrameEditor` looks back only, `FilmFrameEditor` both ways.

A network answers a trembling crop, noise and compression with a trembling face. Both classes smooth what a model adds
to a face in the coordinates of its aligned crop, where a face lies still however the head moves. They see one face in
one frame as a (crop, edit) pair, `FaceEdit`, and know nothing of how the edit was made.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

from diat.editor import FaceEditor
from diat.faces import face_fault
from diat.methods import AlignedFace, Moving
from diat.native.stage import faded
from diat.pixels import U8
from diat.video.steady_fields import FieldSmoother, FieldTimeFilter
from diat.video.steady_pictures import BilateralTimeFilter, PictureSmoother, SeenFace, SettledFaces
from diat.video.tracking import Track
from diat.video.window import FaceEdit, Smoother, TimeWindow


class LiveFrameEditor:
    """Edits one live stream: each frame at once, smoothed with the frames before it.

    What the network says is drawn towards what it said of the last frame; where that is fields, so is what they make
    of the face.

    Args:
        editor: of the attribute.
        apply_anyway: also change faces that have the attribute already.
    """

    def __init__(self, editor: FaceEditor, apply_anyway: bool = False) -> None:
        self.editor, self._apply_anyway = editor, apply_anyway
        self._said: Smoother = PictureSmoother(editor.spec.detail_fade)
        self._made, self._window = PictureSmoother(editor.spec.detail_fade), None
        if isinstance(editor.method, Moving):
            self._said, self._window = FieldSmoother(), editor.method.heads.window

    def edit(self, frame: U8, tracks: Sequence[Track], strength: float = 1.0) -> U8:
        """The next frame, edited: `begin` and then `finish`.

        Args:
            frame: (H, W, 3) RGB uint8.
            tracks: the faces of this frame to edit; one that cannot be edited is left as it is.
            strength: factor of the edit, 0 to 1.5.

        Returns:
            (H, W, 3) RGB uint8; the frame itself where there is nothing to do.
        """
        return self.finish(self.begin(frame, tracks, strength))

    def begin(self, frame: U8, tracks: Sequence[Track], strength: float = 1.0) -> BegunFrame:
        """What is to change in the next frame; the arguments are those of `edit`."""
        self._said.forget(all_but={track.number for track in tracks})
        aligned, changes = _asked(self.editor, frame, tracks, strength)
        settled = [
            self._said.smooth(number, face.crop, change)
            for (number, face), change in zip(aligned.items(), changes, strict=True)
        ]
        return BegunFrame(frame, aligned, settled, strength)

    def finish(self, begun: BegunFrame) -> U8:
        """Make that change. Frames are finished in the order in which they were begun.

        Another thread may begin the next frame meanwhile.
        """
        frame, aligned, changes, strength = begun
        self._made.forget(all_but=aligned)
        edited = self.editor.pasted(frame, aligned.values(), changes, strength, self._apply_anyway)
        if self._window is None or edited is frame:
            return edited
        for number, face in aligned.items():
            seen = SeenFace.of(frame, edited, face.matrix, self._window)
            change = self._made.smooth(number, seen.before, seen.change)
            edited = seen.drawn_towards(change, frame, edited)
        return edited


class BegunFrame(NamedTuple):
    """A frame of which it is known what will change."""

    frame: U8  # (H, W, 3) RGB
    aligned: dict[int, AlignedFace]  # the faces to edit, by number of the track ...
    changes: list[Any]  # ... and what to change of them, see `diat.methods`
    strength: float


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
        aligned, changes = _asked(self._editor, frame, tracks, self._strength)
        crops = [face.crop for face in aligned.values()]
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


def _asked(
    editor: FaceEditor, frame: U8, tracks: Sequence[Track], strength: float
) -> tuple[dict[int, AlignedFace], Sequence[Any]]:
    """The faces of a frame that can be edited, by number of the track, and what the network says of each."""
    usable = [track for track in tracks if face_fault(track.face) is None and strength > 0]
    aligned = {track.number: editor.aligned(frame, track.face) for track in usable}
    return aligned, editor.changes(list(aligned.values()), strength)
