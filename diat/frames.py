"""Frames one after the other, the change steady over time: live, where the future is not known, and in films."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from diat.align import F32, U8
from diat.editor import FaceEditor
from diat.faces import face_fault
from diat.tracking import Track

KEPT = 0.9  # share of the last frame's change that stays where the face looks as it did
ALIKE = 12.0  # levels of 255; a crop that differs this much from the last is new, as a moving mouth is

# Of a film's frames:
AROUND = 8  # frames before and after that a change is averaged with
NEAR = 6.0  # frames; standard deviation of their weights
ALONG = 16.0  # levels of 255; where a crop differs this much from another, moved onto it, that has no say


class FrameEditor:
    """Changes the attribute in one stream of frames, each as it comes.

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


class FilmEditor:
    """Changes the attribute in the frames of a film, each when those after it are known.

    Args:
        editor: of the attribute.
        strength: factor of the change, 0 to 1.5.
    """

    def __init__(self, editor: FaceEditor, strength: float = 1.0) -> None:
        self._editor, self._strength = editor, strength
        self._filter = TemporalFilter()
        self._waiting: deque[tuple[U8, dict[int, tuple[F32, U8, F32]]]] = deque()

    def add(self, frame: U8, tracks: Sequence[Track]) -> list[U8]:
        """Take the next frame.

        Args:
            frame: (H, W, 3) RGB uint8.
            tracks: the faces of this frame to change; one that cannot be edited is left as it is.

        Returns:
            The frame that is done now, `AROUND` before this one, if there is: (H, W, 3) RGB uint8, the frame itself
            where there was nothing to do.
        """
        usable = [track for track in tracks if face_fault(track.face) is None and self._strength > 0]
        aligned = {track.number: self._editor.aligned(frame, track.face) for track in usable}
        crops = [crop for _, crop, _ in aligned.values()]
        changes = self._editor.changes(crops, [mask for *_, mask in aligned.values()])
        self._waiting.append((frame, aligned))
        return self._done(self._filter.add(dict(zip(aligned, zip(crops, changes, strict=True), strict=True))))

    def rest(self) -> list[U8]:
        """The film is over: the frames that waited for more, in order."""
        return self._done(self._filter.rest())

    def _done(self, settled: list[dict[int, F32]]) -> list[U8]:
        frames = []
        for changes in settled:
            frame, aligned = self._waiting.popleft()
            in_order = (changes[number] for number in aligned)
            frames.append(self._editor.pasted(frame, aligned.values(), in_order, self._strength))
        return frames


class TemporalFilter:
    """Averages the changes of a face with those around it in time: a joint bilateral filter along the optical flow.

    The crops of the frames before and after are moved onto a frame's own crop. Where one then looks as it does, its
    change counts, the more the nearer in time; where a mouth has opened meanwhile, or what was moved is hidden, it does
    not. A filter that looks both ways lags behind nothing.
    """

    def __init__(self) -> None:
        self._moments: deque[dict[int, _Seen]] = deque()  # those that a moment to come may still need
        self._next = 0  # which of them is to be given next

    def add(self, faces: Mapping[int, tuple[U8, F32]]) -> list[dict[int, F32]]:
        """Take the next frame's faces.

        Args:
            faces: by number of the track: the crop, (S, S, 3) RGB uint8, and T's change of it, (S, S, 3) in units of
                0..255.

        Returns:
            The changes to make, by number of the track, of the frame that is done now, if there is.
        """
        before = self._moments[-1] if self._moments else {}
        moment = {}
        for number, (crop, change) in faces.items():
            grey = np.asarray(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), np.uint8)
            moment[number] = seen = _Seen(grey, np.dstack([grey, change]).astype(np.float32))
            if number in before:
                last = before[number]
                seen.to_last, last.to_next = _flow(grey, last.grey), _flow(last.grey, grey)
        self._moments.append(moment)
        return [self._give()] if len(self._moments) - self._next > AROUND else []

    def rest(self) -> list[dict[int, F32]]:
        """Those that waited for more, in order."""
        return [self._give() for _ in range(len(self._moments) - self._next)]

    def _give(self) -> dict[int, F32]:
        changes = {number: self._settled(number) for number in self._moments[self._next]}
        self._next += 1
        if self._next > AROUND:
            self._moments.popleft()
            self._next -= 1
        return changes

    def _settled(self, number: int) -> F32:
        seen = self._moments[self._next][number]
        total, weights = seen.layers[..., 1:].copy(), np.ones((*seen.grey.shape, 1), np.float32)
        for step in (-1, 1):
            there, place = seen, _grid(len(seen.grey))
            for distance in range(1, AROUND + 1):
                other = self._next + step * distance
                flow = there.to_last if step < 0 else there.to_next
                if flow is None or not 0 <= other < len(self._moments):
                    break
                place = place + (flow if distance == 1 else _moved(flow, place))
                there = self._moments[other][number]
                layers = _moved(there.layers, place)
                differs = cv2.GaussianBlur(np.abs(layers[..., 0] - seen.layers[..., 0]), (0, 0), 1.5)
                weight = np.exp(-((differs / ALONG) ** 2) - (distance / NEAR) ** 2 / 2)[..., None]
                total += weight * layers[..., 1:]
                weights += weight
        return np.asarray(total / weights, np.float32)


@dataclass(eq=False)
class _Seen:
    """A face in one frame."""

    grey: U8  # (S, S), of its crop
    layers: F32  # (S, S, 4): the same, and the change
    to_last: F32 | None = None  # (S, S, 2): how far each pixel's place in the frame before is from its own
    to_next: F32 | None = None


def _flow(from_: U8, to: U8) -> F32:
    estimator = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)  # type: ignore[attr-defined]
    return np.asarray(estimator.calc(from_, to, None), np.float32)


def _moved(layers: F32, place: F32) -> F32:
    """Layers, (S, S, C), seen from other places, (S, S, 2) in pixels."""
    moved = cv2.remap(layers, place, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload]
    return np.asarray(moved, np.float32)


@cache
def _grid(size: int) -> F32:
    rows, columns = np.indices((size, size), dtype=np.float32)
    return np.stack([columns, rows], -1)
