"""What is told of a film: how far the work on it is, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass

from diat.attributes import AttributeSpec


@dataclass(frozen=True)
class VideoReport:
    """What happened to a video."""

    frames: int  # written
    changed: int  # of them, with an edited face
    damaged: int  # that could not be decoded and are missing
    seconds: float  # of work
    left: int = 0  # of the frames, that were left as they are, for their faces have the attribute already
    would_change: bool = False  # `apply_anyway`, which was not set, would be seen to change such frames

    def sentence_of_left(self, spec: AttributeSpec, apply_anyway: bool) -> str:
        """Why frames were left as they are; nothing where none were.

        Args:
            spec: of the attribute.
            apply_anyway: whether that was set.
        """
        if not self.left:
            return ""
        were = "1 frame was left as it is" if self.left == 1 else f"{self.left} frames were left as they are"
        so = ", and applying it anyway makes no visible difference" if apply_anyway else ""
        return f"{were}: {spec.needless}{so}."


@dataclass(frozen=True)
class Progress:
    """Where the work stands."""

    done: int  # frames
    total: int  # frames, 0 where the file does not say
    rate: float  # frames a second

    @property
    def seconds_left(self) -> float | None:
        """None where it is not known."""
        return (self.total - self.done) / self.rate if self.total > self.done and self.rate > 0 else None
