"""Frames of a stream, one after the other: what `FaceEditor.edit_frame` does, but steady over time."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from diat.align import F32, U8
from diat.editor import FaceEditor
from diat.tracking import Track

KEPT = 0.95  # share of the last frame's change that stays where the face looks as it did
STILL = 0.25  # pixels of the crop
ALIKE = 30.0  # levels of 255; where a crop differs this much from the last it shows something new, as teeth


class FrameEditor:
    """Changes the attribute in one stream of frames.

    T answers a trembling crop, noise and compression with a trembling face. A face's crops lie one on the other from
    frame to frame, whatever the head does, and lips and lids are followed by optical flow. Where the crop looks as it
    did before it moved, most of the change stays, and moves with it; where something new comes into sight, as teeth
    do, T's new answer is taken.

    Args:
        editor: of the attribute.
    """

    def __init__(self, editor: FaceEditor) -> None:
        self.editor = editor
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
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
        """T's change of a face, drawn towards the face's last one, moved as the crop moved since.

        Args:
            number: of the face's track.
            crop: (S, S, 3) RGB uint8.
            change: (S, S, 3) of it, T(x) - x in units of 0..255.
        """
        now = crop.astype(np.float32)
        if number in self._last:
            before, kept = self._last[number]
            before, kept = self._moved(before, kept, crop)
            differs = cv2.GaussianBlur(np.abs(now - before).mean(-1), (0, 0), 1.5)
            share = (KEPT * np.exp(-((differs / ALIKE) ** 2)))[..., None]
            change = (change + share * (kept - change)).astype(np.float32)
        self._last[number] = now, change
        return change

    def _moved(self, before: F32, kept: F32, crop: U8) -> tuple[F32, F32]:
        """The last crop and its change as lips and eyes have moved since, which the crop does not follow."""
        grey = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (crop, before.astype(np.uint8))]
        flow = self._flow.calc(grey[0], grey[1], None)  # type: ignore[call-overload]
        # Less than this is noise, and moving by it again and again would blur the change.
        flow *= np.clip(np.linalg.norm(flow, axis=-1, keepdims=True) / STILL - 1, 0, 1)
        rows, columns = np.indices(grey[0].shape, dtype=np.float32)
        columns, rows = columns + flow[..., 0], rows + flow[..., 1]

        def moved(image: F32) -> F32:
            there = cv2.remap(image, columns, rows, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
            return there.astype(np.float32)

        return moved(before), moved(kept)
