"""A stream of frames, edited live: a webcam, a screen, a film that somebody else decodes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from time import monotonic

import numpy as np

from diat.attributes import check_strength
from diat.editor import FaceEditor
from diat.errors import InvalidArgument
from diat.faces import FaceDetector
from diat.pixels import U8
from diat.video.choice import FilmFaces, TrackChooser, check_film_faces
from diat.video.steady import LiveFrameEditor
from diat.video.tracking import FaceTracker

DETECTION_INTERVAL = 0.3  # seconds between two searches for faces; optical flow follows them in between
MIN_SIDE = 16  # pixels; optical flow needs as many


class FrameStream:
    """Edits the frames of one stream, each at once, with its faces followed and the edit steady over time.

    For files `edit_video` is better: it looks at the frames after each one, too. A stream is for one thread at a time,
    or for two that share the work (see `begin`); several streams may share an editor.

    Args:
        editor: of the attribute.
        faces: ``"largest"`` that can be edited, ``"all"``, or the index from 0, largest first, of a person in the first
            frame that shows a face, who is followed by a recogniser.
        strength: factor of the edit, 0 to 1.5.
        detector: finds the faces; the editor's by default.
        apply_anyway: also change faces that have the attribute already.

    Attributes:
        seen: how many faces the last frame shows.
        chosen: how many of those are the ones to edit: they can be, and ``faces`` means them.

    Raises:
        InvalidArgument: ``faces`` or ``strength`` are none of these.

    Example:
        >>> stream = diat.FrameStream(diat.FaceEditor.from_pretrained("mouth_close"))
        >>> for edited in stream.frames(camera):
        ...     show(edited)
    """

    def __init__(
        self,
        editor: FaceEditor,
        faces: FilmFaces = "largest",
        strength: float = 1.0,
        detector: FaceDetector | None = None,
        apply_anyway: bool = False,
    ) -> None:
        self._detector = detector or editor.detector
        self._tracker = FaceTracker(self._detector, DETECTION_INTERVAL)
        self._frame_editor = LiveFrameEditor(editor, apply_anyway)
        self._apply_anyway = apply_anyway
        self._chooser = TrackChooser(faces, self._detector)
        self._faces = check_film_faces(faces)
        self._strength = check_strength(strength)
        self.seen = self.chosen = 0

    def set(
        self, editor: FaceEditor | None = None, faces: FilmFaces | None = None, strength: float | None = None
    ) -> None:
        """Change what the next frames get; what is left out stays. The faces are followed on.

        Raises:
            InvalidArgument: ``faces`` or ``strength`` cannot be.
        """
        if strength is not None:
            self._strength = check_strength(strength)
        if editor is not None and editor is not self._frame_editor.editor:
            self._frame_editor = LiveFrameEditor(editor, self._apply_anyway)
        if faces is not None and faces != self._faces:
            self._chooser, self._faces = TrackChooser(faces, self._detector), faces

    def edit(self, frame: U8, time: float | None = None) -> U8:
        """The next frame, edited: `begin` and then what that gives.

        Args:
            frame: (H, W, 3) RGB uint8; it is left as it is. A frame of another size starts over.
            time: when it was taken, in seconds of any clock that only goes forward; None takes the machine's.

        Returns:
            (H, W, 3) RGB uint8; the frame itself where there is nothing to do.

        Raises:
            InvalidArgument: it is no such frame, or the first one with faces does not show the person of ``faces``.
        """
        return self.begin(frame, time)()

    def begin(self, frame: U8, time: float | None = None) -> Callable[[], U8]:
        """Find out what to change in the next frame; calling what this returns changes it, and gives what `edit` does.

        It is for programs with two threads: one begins the next frame while the other finishes this one. Every frame is
        finished once, in the order of beginning. Arguments and errors are those of `edit`.
        """
        if not isinstance(frame, np.ndarray) or frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
            raise InvalidArgument("A frame must be a (height, width, 3) uint8 RGB array: convert it.")
        if min(frame.shape[:2]) < MIN_SIDE:
            raise InvalidArgument(f"A frame must be at least {MIN_SIDE} pixels wide and high.")
        now = monotonic() if time is None else time
        tracks = self._tracker.update(frame, now)
        chosen = self._chooser.choose(frame, tracks, now)
        self.seen, self.chosen = len(tracks), len(chosen)
        by = self._frame_editor
        return partial(by.finish, by.begin(frame, chosen, self._strength))

    def frames(self, frames: Iterable[U8], rate: float | None = None) -> Iterator[U8]:
        """Each of some frames, edited, as they come.

        Args:
            frames: (H, W, 3) RGB uint8 each.
            rate: how many of them make a second; None goes by the machine's clock, as for a camera.
        """
        for number, frame in enumerate(frames):
            yield self.edit(frame, None if rate is None else number / rate)
