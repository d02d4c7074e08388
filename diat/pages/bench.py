"""A photograph on the bench: the changes that are made to it, one on top of another, and the steps back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

MAX_UNDONE = 100  # steps back
LOOK = "look"  # at one change after another, see `Bench.moved`


@dataclass(frozen=True)
class Change:
    """One change of some faces."""

    attribute: str
    faces: tuple[int, ...]  # indices from 0 into the faces of the photograph as it came, from left to right
    strength: float = 1.0
    apply_anyway: bool = False
    identity: float | None = None  # the similarity to keep, see `diat.FaceEditor.edit`


@dataclass(frozen=True)
class Bench:
    """What one visitor is working on. Each step gives another bench that remembers the one before, for Undo."""

    photo: str | None = None  # path of the upload
    faces: tuple[int, ...] = ()  # that are chosen
    kept: tuple[Change, ...] = ()  # under the current one
    current: Change | None = None
    identity: float | None = None  # of changes to come
    past: tuple[Bench, ...] = field(default=(), compare=False, repr=False)  # before each step; theirs are left out
    unasked: bool = field(default=False, compare=False)  # the current change is the page's own choice
    # What made this one and is one step with more of its kind: a slider, of which one drag is many events, or a look at
    # one change after another. To keep a change, which nothing shows, is one step with what is then put on top.
    moved: str = field(default="", compare=False)

    @property
    def changes(self) -> tuple[Change, ...]:
        """All of them, in order."""
        return self.kept if self.current is None else (*self.kept, self.current)

    def replaced(self, photo: str | None, faces: Sequence[int] = (), identity: float | None = None) -> Bench:
        """Another photograph in the place of this one, which Undo brings back; None for one that cannot be used."""
        before = self.past if self.photo is None else (*self.past, replace(self, past=()))
        return Bench(photo, tuple(faces), identity=identity, past=before[-MAX_UNDONE:])

    def begun(self, attribute: str, unasked: bool) -> Bench:
        """The first change of a photograph. Undo takes back one that was not asked for and leaves the photograph; an
        example that was asked for goes with its change, where there was another photograph before it.
        """
        bench = self.picked(attribute)
        if unasked:
            return replace(bench, unasked=True)
        return replace(bench, past=self.past or bench.past, moved="")

    def picked(self, attribute: str) -> Bench:
        """Another change in place of the current one. Several that are looked at in a row are one step."""
        return self._stepped(LOOK, current=Change(attribute, self.faces, identity=self.identity))

    def unpicked(self) -> Bench:
        """Without the current change; those that are kept stay."""
        return self._stepped(current=None)

    def chosen(self, faces: Sequence[int]) -> Bench:
        """The current change on other faces."""
        chosen = tuple(sorted(set(faces)))
        current = None if self.current is None else replace(self.current, faces=chosen)
        return self._stepped(faces=chosen, current=current)

    def adjusted(self, strength: float) -> Bench:
        """The current change with another strength."""
        return self._current("strength", strength=strength)

    def insisted(self) -> Bench:
        """The current change, applied anyway."""
        return self._current(apply_anyway=True)

    def limited(self, identity: float) -> Bench:
        """The current change and those to come keep a similarity; 0 asks for none."""
        wanted = identity or None
        current = None if self.current is None else replace(self.current, identity=wanted)
        return self._stepped("identity", current=current, identity=wanted)

    def kept_on(self) -> Bench:
        """The current change stays, and the next one is made on top of it."""
        return self if self.current is None else replace(self._stepped(kept=self.changes, current=None), moved=LOOK)

    def without(self, number: int) -> Bench:
        """Without one of the changes, counted from 0; the others stay."""
        if not 0 <= number < len(self.changes):
            return self
        current = None if number == len(self.kept) else self.current
        return self._stepped(kept=self.kept[:number] + self.kept[number + 1 :], current=current)

    def undone(self) -> Bench:
        """As it was before the last step."""
        *earlier, last = self.past or (self,)
        return replace(last, past=tuple(earlier), moved="")

    def _current(self, moved: str = "", **values: Any) -> Bench:
        return self if self.current is None else self._stepped(moved, current=replace(self.current, **values))

    def _stepped(self, moved: str = "", **values: Any) -> Bench:
        """Another bench, unless nothing is different. What one slider does in a row is one step."""
        same = bool(moved) and moved == self.moved
        past = self.past if same else (*self.past, replace(self, past=()))[-MAX_UNDONE:]
        after = replace(self, past=past, unasked=False, moved=moved, **values)
        return after.undone() if after == past[-1] else after
