"""A part of a film: from one moment to another."""

from __future__ import annotations

import math
from dataclasses import dataclass

from diat.errors import InvalidArgument, PhotoRejected

SLACK = 1e-6  # seconds; a time stamp is a fraction, a moment that somebody writes a decimal


@dataclass(frozen=True)
class Part:
    """What of a film is taken, in seconds as a player shows them.

    Args:
        start: its first moment.
        end: the moment at which it is over; None for the end of the film.

    Raises:
        InvalidArgument: these are no moments, or the second is not after the first.
    """

    start: float = 0.0
    end: float | None = None

    def __post_init__(self) -> None:
        end = math.inf if self.end is None else self.end
        if not (math.isfinite(self.start) and 0 <= self.start < end):
            to = "the end" if self.end is None else f"{self.end:g}"
            raise InvalidArgument(
                f"A part of a video starts at 0 seconds or later and ends after that, not from {self.start:g} to {to}."
            )

    @property
    def whole(self) -> bool:
        """Whether nothing is cut off."""
        return self.start == 0 and self.end is None

    def is_before(self, seconds: float) -> bool:
        """Whether the part begins later."""
        return seconds < self.start - SLACK

    def is_over(self, seconds: float) -> bool:
        """Whether the part has ended by then."""
        return self.end is not None and seconds >= self.end - SLACK

    def length(self, film: float) -> float:
        """Seconds of it that a film of so many seconds has.

        Raises:
            PhotoRejected: the film is over before the part begins.
        """
        if self.start >= film:
            raise PhotoRejected(f"The video lasts {film:.1f} seconds: start before that, not at {self.start:g}.")
        return min(film, math.inf if self.end is None else self.end) - self.start
