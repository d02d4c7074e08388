"""Frames of a stream, one after the other: what `FaceEditor.edit_frame` does, but steady over time."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from diat.align import F32, U8
from diat.editor import FaceEditor
from diat.tracking import Track

KEPT = 0.9  # share of the last frame's change that stays where the face looks as it did
ALIKE = 12.0  # levels of 255; a crop that differs this much from the last is new, as a moving mouth is


class FrameEditor:
    """Changes the attribute in one stream of frames.

    T answers a trembling crop, noise and compression with a trembling face. A face's crops lie one on the other from
    frame to frame, whatever the head does, and so do the changes: where the crop stays as it was, so does most of the
    change, and where it moves, as a talking mouth does, T's new answer is taken.

    Args:
        editor: of the attribute.
    """

    def __init__(self, editor: FaceEditor) -> None:
        self.editor = editor
        self._last: dict[int, tuple[F32, F32]] = {}  # crop and change, by number of the track

    def edit(self, frame: U8, tracks: Sequence[Track], strength: float = 1.0) -> U8:
        """The next frame.

        Args:
            frame: (H, W, 3) RGB uint8.
            tracks: the faces of this frame to change; one that cannot be edited is left as it is.
            strength: factor of the change, 0 to 1.5.

        Returns:
            (H, W, 3) RGB uint8; the frame itself where there is nothing to do.
        """
        self._last = {track.number: self._last[track.number] for track in tracks if track.number in self._last}
        faces = [track.face for track in tracks]
        return self.editor.edit_frame(
            frame, faces, strength, lambda place, crop, change: self.settled(tracks[place].number, crop, change)
        )

    def settled(self, number: int, crop: U8, change: F32) -> F32:
        """T's change of a face, drawn towards the face's last one where the crop looks as it did.

        Args:
            number: of the face's track.
            crop: (S, S, 3) RGB uint8.
            change: (S, S, 3) of it, T(x) - x in units of 0..255.
        """
        now = crop.astype(np.float32)
        if number in self._last:
            before, kept = self._last[number]
            moved = cv2.GaussianBlur(np.abs(now - before).mean(-1), (0, 0), 1.5)
            share = (KEPT * np.exp(-((moved / ALIKE) ** 2)))[..., None]
            change = (change + share * (kept - change)).astype(np.float32)
        self._last[number] = now, change
        return change
