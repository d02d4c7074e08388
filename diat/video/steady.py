"""Frames one after the other, the change steady over time: live, where the future is not known, and in films."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from diat.align import replaced_by
from diat.detail import DEFAULT_FADE, DetailFade
from diat.editor import FaceEditor
from diat.faces import face_fault
from diat.pixels import F32, U8
from diat.video.tracking import Track

KEPT = 0.9  # share of the last frame's face or change that stays where it looks as it did
ALIKE = 16.0  # levels of 255; what differs this much from the last frame is new

# Of a film's frames:
AROUND = 8  # frames before and after that a change is averaged with
NEAR = 6.0  # frames; standard deviation of their weights
ALONG = 24.0  # levels of 255; where two faces differ this much, the one has little say about the other


class FrameEditor:
    """Changes the attribute in one stream of frames, each as it comes.

    T answers a trembling crop, noise and compression with a trembling face. A face's crops lie one on the other from
    frame to frame, whatever the head does. Where T's answer looks as the last one did, most of the last one is kept: of
    how it looks where it replaces what was there, as lips do teeth, and of the change alone where it tints what, too,
    stays as it was (as in `TemporalFilter`).

    Args:
        editor: of the attribute.
    """

    def __init__(self, editor: FaceEditor) -> None:
        self.editor = editor
        # By number of the track: the crop, its change and how much that replaces.
        self._last: dict[int, tuple[F32, F32, F32]] = {}

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
        now, replaced = crop.astype(np.float32), replaced_by(change, self.editor.spec.detail_fade)
        if number in self._last:
            before, kept, lately = self._last[number]
            replaced = np.maximum(replaced, np.float32(KEPT) * lately)
            stays = np.float32(KEPT) * _alike(now + change - before - kept, ALIKE)
            tinting = change + stays * _alike(now - before, ALIKE) * (kept - change)
            replacing = change + stays * (before + kept - now - change)
            change = _together(tinting, replacing, replaced)
        self._last[number] = now, change, replaced
        return change


class FilmEditor:
    """Changes the attribute in the frames of a film, each when those after it are known.

    Args:
        editor: of the attribute.
        strength: factor of the change, 0 to 1.5.
    """

    def __init__(self, editor: FaceEditor, strength: float = 1.0) -> None:
        self._editor, self._strength = editor, strength
        self._filter = TemporalFilter(editor.spec.detail_fade)
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
        changes = self._editor.changes(crops, [mask for *_, mask in aligned.values()], self._strength)
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
    """Averages the changes of a face with those around it in time: a joint bilateral filter.

    What a change replaces, as lips do teeth, in this frame or one near, is averaged as it looks afterwards: a mouth
    that is shut in every frame hardly moves, however its owner talks, and the changes that shut it have little in
    common. What it tints is averaged as a change, where the crops look alike too, or the filter would take the film's
    own grain away. A face's crops lie one on the other from frame to frame; where another frame's face looks as a
    frame's own does, it counts, the more the nearer in time. A filter that looks both ways lags behind nothing.

    Args:
        fade: sizes of a change between which tinting becomes replacing.
    """

    def __init__(self, fade: DetailFade = DEFAULT_FADE) -> None:
        self._fade = fade
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
        moment = {}
        for number, (crop, change) in faces.items():
            moment[number] = _Seen(crop.astype(np.float32), crop + change, replaced_by(change, self._fade))
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
        own = self._moments[self._next][number]
        result, change, replaced = own.result.copy(), own.result - own.crop, own.replaced
        results, changes = np.ones((2, *own.crop.shape[:2], 1), np.float32)  # weights of what was added up
        for place, moment in enumerate(self._moments):
            if place == self._next or abs(place - self._next) > AROUND or number not in moment:
                continue
            other, distance = moment[number], (place - self._next) / NEAR
            near = np.float32(np.exp(-(distance**2) / 2))
            weight = near * _alike(other.result - own.result, ALONG)
            result += weight * other.result
            results += weight
            weight = weight * _alike(other.crop - own.crop, ALONG)
            change += weight * (other.result - other.crop)
            changes += weight
            replaced = np.maximum(replaced, near * other.replaced)
        return _together(change / changes, result / results - own.crop, replaced)


class _Seen(NamedTuple):
    """A face in one frame, in units of 0..255."""

    crop: F32  # (S, S, 3), as it was
    result: F32  # (S, S, 3), with all of its change
    replaced: F32  # (S, S), how much of what was there that replaces, 0 to 1


def _alike(difference: F32, scale: float) -> F32:
    """(S, S, 3) levels of 255 -> (S, S, 1), 1 where there is no difference and near 0 from twice the scale on."""
    around = cv2.GaussianBlur(np.abs(difference) @ np.full(3, 1 / 3, np.float32), (0, 0), 1.5)
    return np.asarray(np.exp(-((around / scale) ** 2))[..., None], np.float32)


def _together(tinting: F32, replacing: F32, replaced: F32) -> F32:
    """One change out of two, (S, S, 3): the second as far as what was there is replaced, (S, S)."""
    return np.asarray(tinting + replaced[..., None] * (replacing - tinting), np.float32)
