"""The last photographs at hand, decoded, with their faces, and the changes that were made of them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from diat.errors import DiatError
from diat.faces import DetectedFaces, Face, face_fault
from diat.pages.bench import Bench, Change
from diat.pages.editors import EditorPool
from diat.pages.parts import available
from diat.pages.pictures import from_left, tried
from diat.photo import Photo, open_photo
from diat.pixels import U8
from diat.results import EditResult

MAX_HELD = 400 * 2**20  # bytes of pixels that are kept ready, of all visitors: five photographs of 25 megapixels
LOOK_SECONDS = 50  # between two looks for what was deleted
MAX_MOVED = 0.5  # of its width that a face may move by a change and still be the same one


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

    def tried(
        self, path: str, kept: tuple[Change, ...], face: int, attribute: str, apply_anyway: bool = False
    ) -> tuple[U8, bool]:
        """A change of one face on top of those that are kept, see `diat.pages.pictures.tried`.

        Raises:
            DiatError: the photograph cannot be used.
        """

        def try_it() -> tuple[tuple[U8, bool], int]:
            base = self.base(path, kept)
            editor = self._editors.get(attribute)
            shown, seen = tried(editor, base.photo.pixels, base.faces[face], apply_anyway)
            return (shown, seen), shown.nbytes

        thumbnail: tuple[U8, bool] = self._get((path, kept, face, attribute, apply_anyway), try_it)
        return thumbnail

    def can_insist(self, bench: Bench) -> bool:
        """Whether the current change, which left the photograph as it was, does something if it is applied anyway.

        Raises:
            DiatError: it cannot be made.
        """
        insisted = bench.insisted()
        return insisted != bench and not self.result(str(bench.photo), insisted.changes).unchanged

    def made(self, path: str, changes: tuple[Change, ...]) -> dict[int, Change]:
        """Those of some changes that changed anything, by their places, and of their faces those that they changed.

        Raises:
            DiatError: they cannot be made.
        """

        def changed(changes: tuple[Change, ...]) -> tuple[int, ...]:
            def look() -> tuple[tuple[int, ...], int]:
                edited = self.result(path, changes).edited
                return tuple(face.index for face in edited if not np.array_equal(face.before, face.after)), 0

            faces: tuple[int, ...] = self._get((path, changes, "changed"), look)
            return faces

        made = {place: replace(change, faces=changed(changes[: place + 1])) for place, change in enumerate(changes)}
        return {place: change for place, change in made.items() if change.faces}

    def any_made(self, bench: Bench) -> bool:
        """Whether one of the changes of a bench changed anything; those that cannot be made did not."""
        with suppress(DiatError):
            return all(change.faces for change in bench.changes) and bool(self.made(str(bench.photo), bench.changes))
        return False

    def can_undo(self, bench: Bench) -> bool:
        """Whether anything was changed, now or in a step before, or there was another photograph."""
        steps = (bench, *reversed(bench.past))
        return bool(bench.past) and any(step.photo != bench.photo or self.any_made(step) for step in steps)

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
