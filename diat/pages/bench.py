"""A photograph on the bench: the changes that were made to it, one on top of another, and the last pictures at hand."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from diat.errors import DiatError
from diat.faces import DetectedFaces, Face, face_fault
from diat.pages.editors import EditorPool
from diat.pages.parts import available
from diat.pages.pictures import from_left
from diat.photo import Photo, open_photo
from diat.results import EditResult

MAX_HELD = 400 * 2**20  # bytes of pixels that are kept ready, of all visitors: five photographs of 25 megapixels
LOOK_SECONDS = 50  # between two looks for what was deleted
MAX_UNDONE = 100  # steps back
MAX_MOVED = 0.5  # of its width that a face may move by a change and still be the same one


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
    moved: str = field(default="", compare=False)  # the slider that made this one, of which one drag is many events

    @property
    def changes(self) -> tuple[Change, ...]:
        """All of them, in order."""
        return self.kept if self.current is None else (*self.kept, self.current)

    def picked(self, attribute: str) -> Bench:
        """Another change in place of the current one."""
        return self._stepped(current=Change(attribute, self.faces, identity=self.identity))

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
        return self._stepped(kept=self.changes, current=None)

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


@dataclass(frozen=True, eq=False)
class Opened:
    """A photograph, decoded, and its faces."""

    photo: Photo
    faces: DetectedFaces  # from left to right, as the page numbers them

    @property
    def largest(self) -> int:
        """Index of the largest face that can be changed, of which there must be one."""
        return max(self.usable, key=lambda index: self.faces[index].area)

    @property
    def usable(self) -> list[int]:
        """Indices of the faces that can be changed."""
        return [index for index, face in enumerate(self.faces) if face_fault(face) is None]


class PhotoShelf:
    """Opens photographs and makes changes, and keeps the last ones: a strength that moves asks for the same again.

    What it holds is forgotten soon after the upload is deleted.

    Args:
        editors: the models.
    """

    def __init__(self, editors: EditorPool) -> None:
        self._editors = editors
        self._lock = threading.Lock()
        self._held: OrderedDict[tuple[Any, ...], tuple[Any, int]] = OrderedDict()  # what, and how many bytes it takes
        self._looking = False  # whether a timer will look for files that are deleted

    def opened(self, path: str) -> Opened:
        """The photograph as it came.

        Raises:
            PhotoRejected: it cannot be used, or is no longer there.
        """
        available(path)

        def open_it() -> tuple[Opened, int]:
            photo = open_photo(path)
            found = self._editors.detector.detect(photo.pixels)
            return Opened(photo, DetectedFaces(from_left(found), getattr(found, "left_out", 0))), photo.pixels.nbytes

        opened: Opened = self._get((path,), open_it)
        return opened

    def base(self, path: str, kept: tuple[Change, ...]) -> Opened:
        """The photograph with the changes that are kept, and its faces in the order of the photograph as it came.

        Raises:
            DiatError: it cannot be used.
        """
        if not kept:
            return self.opened(path)

        def detect_again() -> tuple[Opened, int]:
            result, before = self.result(path, kept), self.opened(path)
            photo = result.as_photo
            found = self._editors.detector.detect(photo.pixels)
            colours = photo.keepsake.colours
            # Not the pixels, which are the result's.
            return Opened(photo, _in_order_of(before.faces, found)), 0 if colours is None else colours.nbytes

        base: Opened = self._get((path, kept, "base"), detect_again)
        return base

    def result(self, path: str, changes: tuple[Change, ...]) -> EditResult:
        """The last of some changes, made on top of the others.

        Raises:
            DiatError: it cannot be made.
        """
        available(path)

        def edit() -> tuple[EditResult, int]:
            *kept, last = changes
            base = self.base(path, tuple(kept))
            result = self._editors.get(last.attribute).edit(
                base.photo,
                last.faces,
                last.strength,
                found=base.faces,
                apply_anyway=last.apply_anyway,
                identity=last.identity,
                original=self.opened(path).photo.pixels,
            )
            return result, result.photo.nbytes

        result: EditResult = self._get((path, changes), edit)
        return result

    def can_insist(self, bench: Bench) -> bool:
        """Whether the current change, which left the photograph as it was, does something if it is applied anyway.

        Raises:
            DiatError: it cannot be made.
        """
        insisted = bench.insisted()
        return insisted != bench and not self.result(str(bench.photo), insisted.changes).unchanged

    def made(self, path: str, changes: tuple[Change, ...]) -> tuple[Change, ...]:
        """Those of some changes that changed anything.

        Raises:
            DiatError: they cannot be made.
        """

        def unchanged(changes: tuple[Change, ...]) -> bool:
            return bool(self._get((path, changes, "unchanged"), lambda: (self.result(path, changes).unchanged, 0)))

        return tuple(change for number, change in enumerate(changes, 1) if not unchanged(changes[:number]))

    def any_made(self, path: str, stacks: Iterable[tuple[Change, ...]]) -> bool:
        """Whether one of some stacks of changes changed anything; those that cannot be made did not."""

        def made(changes: tuple[Change, ...]) -> bool:
            with suppress(DiatError):
                return all(change.faces for change in changes) and bool(self.made(path, changes))
            return False

        return any(map(made, stacks))

    def _get(self, key: tuple[Any, ...], make: Callable[[], tuple[Any, int]]) -> Any:
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key][0]
        made, size = make()  # without the lock: others are served meanwhile
        with self._lock:
            self._held[key] = made, size
            while sum(size for _, size in self._held.values()) > MAX_HELD and len(self._held) > 1:
                self._held.popitem(last=False)
            if not self._looking:
                self._look_later()
        return made

    def _look_later(self) -> None:
        self._looking = True
        timer = threading.Timer(LOOK_SECONDS, self._forget)
        timer.daemon = True
        timer.start()

    def _forget(self) -> None:
        """Drop what was made of files that are deleted; look again later as long as anything is held."""
        with self._lock:
            for key in [key for key in self._held if not Path(key[0]).is_file()]:
                del self._held[key]
            self._looking = False
            if self._held:
                self._look_later()


def _in_order_of(before: DetectedFaces, found: Sequence[Face]) -> DetectedFaces:
    """Each face as it was found again after a change, or as it was where it was not."""

    def again(face: Face) -> Face:
        middle, width = face.points5.mean(0), float(face.box[2] - face.box[0])
        near = min(found, key=lambda other: float(np.linalg.norm(other.points5.mean(0) - middle)), default=face)
        return near if np.linalg.norm(near.points5.mean(0) - middle) < MAX_MOVED * width else face

    return DetectedFaces([again(face) for face in before], before.left_out)
