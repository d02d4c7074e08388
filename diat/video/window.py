"""What filters over time share: live, what a face was like in the last frame; of a film, a window of frames, each given
back when those after it are known.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Container, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from diat.pixels import U8

WINDOW_FRAMES = 8  # frames before and after that an edit is averaged with
TIME_SIGMA = 6.0  # frames; standard deviation of their weights in time


class FaceEdit(NamedTuple):
    """One face in one frame."""

    crop: U8  # (S, S, 3) RGB, what the network saw
    change: Any  # what it says, see `diat.methods`: (S, S, 3) to add, in units of 0..255, or `diat.heads.Fields`


class Smoother(ABC):
    """Of one live stream: each face's edit drawn towards that in the last frame; how, a subclass says."""

    def __init__(self) -> None:
        self._last: dict[int, Any] = {}  # by number of the track

    def forget(self, all_but: Container[int]) -> None:
        """Drop the faces that are gone."""
        self._last = {number: last for number, last in self._last.items() if number in all_but}

    @abstractmethod
    def smooth(self, number: int, crop: U8, change: Any) -> Any:
        """What to make of a face instead.

        Args:
            number: of the face's track.
            crop: (S, S, 3) RGB uint8.
            change: of it, see `FaceEdit`.
        """


class TimeWindow(ABC):
    """Averages each face's edits over `WINDOW_FRAMES` frames before and after; how, a subclass says."""

    def __init__(self) -> None:
        self._frames: deque[dict[int, Any]] = deque()  # those that this frame or a later one still needs
        self._next = 0  # which of them is given next

    def add(self, faces: Mapping[int, FaceEdit]) -> list[dict[int, Any]]:
        """Take the next frame's faces.

        Args:
            faces: by number of the track.

        Returns:
            The change of each face, by number of the track, in the frame that is finished now, if there is.
        """
        self._frames.append({number: self._seen(edit) for number, edit in faces.items()})
        return [self._finish_next()] if len(self._frames) - self._next > WINDOW_FRAMES else []

    def rest(self) -> list[dict[int, Any]]:
        """The frames that waited for more, in order."""
        return [self._finish_next() for _ in range(len(self._frames) - self._next)]

    def _finish_next(self) -> dict[int, Any]:
        current = self._frames[self._next]
        changes = {number: self._average(own, list(self._others(number))) for number, own in current.items()}
        self._next += 1
        if self._next > WINDOW_FRAMES:
            self._frames.popleft()
            self._next -= 1
        return changes

    def _others(self, number: int) -> Iterator[tuple[Any, np.float32]]:
        """The face in the other frames of the window, and how near each is in time, 0 to 1."""
        for place, frame in enumerate(self._frames):
            if place != self._next and abs(place - self._next) <= WINDOW_FRAMES and number in frame:
                yield frame[number], np.float32(np.exp(-(((place - self._next) / TIME_SIGMA) ** 2) / 2))

    @abstractmethod
    def _seen(self, edit: FaceEdit) -> Any:
        """What to remember of a face in a frame."""

    @abstractmethod
    def _average(self, own: Any, others: list[tuple[Any, np.float32]]) -> Any:
        """A face's change out of what was remembered of it in its frame and in others."""
