"""What an edit gives back: the photograph with its change, its faces, and how to keep it as a marked file."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from diat.attributes import AttributeSpec, attribute_spec
from diat.errors import DiatError, InvalidArgument
from diat.faces import Face
from diat.files import write_file
from diat.keepsake import Keepsake
from diat.photo import Photo
from diat.pixels import U8
from diat.provenance import DEFAULT_QUALITY, KINDS, WRITTEN_AS, edit_of, encode, maker_of

UNCHANGED = "Nothing was changed."
UNTOUCHED = "nothing was changed"  # of a face that has the attribute already
MAX_STEM = 100  # characters of an original's name in a result's: file systems take 255 bytes


@dataclass(frozen=True, eq=False)
class EditedFace:
    """What happened to one face."""

    index: int  # into EditResult.faces, from 0
    before: U8  # (S, S, 3) RGB, the aligned crop that the network saw
    after: U8  # (S, S, 3) RGB, the crop with the change
    needed: float  # probability that the face lacked the attribute, 0..1; 1 where the model does not say
    strength: float  # of its change: what was asked for, or less where an identity was to be kept
    measure: Callable[[], float] = field(repr=False)  # of `identity_similarity`

    @cached_property
    def identity_similarity(self) -> float:
        """Cosine of a recogniser's embeddings of the face before and after, -1..1; 1 for the same picture.

        Before is in the ``original`` of `diat.FaceEditor.edit`, where one was given.

        `diat.faces.SAME_PERSON` is where two faces count as one person. It is measured when first asked for, since the
        recogniser takes longer than the edit.
        """
        return self.measure()

    @property
    def number(self) -> int:
        """How sentences name the face: from 1, largest first."""
        return self.index + 1

    def __getstate__(self) -> dict[str, Any]:
        """For copies and other processes: measured, without the recogniser."""
        similarity = self.identity_similarity
        return {**self.__dict__, "identity_similarity": similarity, "measure": _Known(similarity)}


@dataclass(frozen=True)
class _Known:
    """A measure that was taken."""

    value: float

    def __call__(self) -> float:
        return self.value


def result_name(original: str, attributes: Sequence[str], suffix: str) -> str:
    """What to call a file of some changes: ``"NAME-close-mouth-younger.jpg"``.

    Without a change it is the original's own name, with another ending where the format is another one.
    """
    stem, ending = Path(original).stem[:MAX_STEM], Path(original).suffix
    if not attributes and KINDS.get(ending.lower()) == KINDS[suffix]:
        suffix = ending
    return "-".join([stem, *map(action_in_names, attributes)]) + suffix


def action_in_names(attribute: str) -> str:
    """What files' names call a change: ``"close-mouth"``."""
    return attribute_spec(attribute).action.lower().replace(" ", "-")


def numbered(word: str, words: str, numbers: Sequence[int]) -> str:
    """Some of several, by their numbers: "face 1", "faces 1 and 4", "faces 1, 2 and 4"."""
    *others, last = map(str, numbers)
    return f"{words} {', '.join(others)} and {last}" if others else f"{word} {last}"


def capitalized(words: str) -> str:
    """The words with a capital letter first, and else as they are."""
    return words[:1].upper() + words[1:]


def needless_notices(spec: AttributeSpec, chosen: Sequence[int], left: Sequence[int], anyway: bool) -> list[str]:
    """Sentences for the faces that have the attribute already and were left as they are.

    Args:
        spec: of the attribute.
        chosen: indices of the faces that were to be changed.
        left: those of them.
        anyway: although the change was to be made anyway, for nothing would be seen of it.
    """
    if len(chosen) == 1:
        why = "applying it anyway makes no visible difference" if anyway else UNTOUCHED
        return [f"{capitalized(spec.needless)}: {why}." for _ in left]
    why = ", and applying it anyway makes no visible difference" if anyway else ""
    if not left:
        return []
    were = "was left as it is" if len(left) == 1 else "were left as they are"
    return [f"{numbered('Face', 'Faces', [index + 1 for index in left])} {were}: {spec.needless}{why}."]


def weakened_notices(faces: Sequence[EditedFace], strength: float, identity: float) -> list[str]:
    """Sentences for the faces that were changed less than by ``strength``, to keep the similarity ``identity``."""
    sentences = []
    for face in faces:
        if face.strength < strength:
            who = "The face" if len(faces) == 1 else f"Face {face.number}"
            to_keep = f"keep an identity similarity of {identity:g}"
            sentences.append(
                f"{who} was changed with strength {face.strength:g} instead of {strength:g}, to {to_keep}."
                if face.strength > 0
                else f"{who} was left as it is: no change of it would {to_keep}."
            )
    return sentences


@dataclass(frozen=True, eq=False)
class EditResult:
    """An edited photograph and how it came about."""

    photo: U8  # (H, W, 3) RGB, the size of the original
    original: U8  # (H, W, 3) RGB, as decoded
    faces: tuple[Face, ...]  # every face found, largest first
    edited: tuple[EditedFace, ...]  # the chosen ones
    attribute: str  # what was changed
    strength: float  # and how much, 0 to 1.5: of the face that changed most, where an identity was to be kept
    notices: tuple[str, ...]  # sentences for the user; they number faces from 1
    # Of this photograph alone, per stage: decode, detect, align, network, paste, which holds the recogniser's looks
    # where an identity was to be kept. Of a batch, the network's time is shared out by the number of faces.
    milliseconds: dict[str, float]
    keepsake: Keepsake = Keepsake()  # what of the original's file `save` and `to_bytes` keep

    @cached_property
    def unchanged(self) -> bool:
        """Whether no pixel differs from the original: the face has the attribute already, or the strength is 0.

        The files of such a result do not say that this edit was made, and carry no mark of it.
        """
        return self.photo is self.original or np.array_equal(self.photo, self.original)

    @property
    def edits(self) -> tuple[str, ...] | None:
        """What a file says of each edit that changed it, see `diat.provenance.edit_of`, earlier ones first.

        Empty where the original's file says that it was edited and not how; None for what nothing has edited.
        """
        earlier = self.keepsake.edits
        return earlier if self.unchanged else (*(earlier or ()), edit_of(self.attribute, self.strength))

    @property
    def maker(self) -> str | None:
        """The same in one line, as files have it; None for what nothing has edited."""
        return None if self.edits is None else maker_of(self.edits)

    @property
    def suffix(self) -> str:
        """Ending of a file of the original's own format, or of the nearest that can be written: ``".jpg"``."""
        return WRITTEN_AS[self.keepsake.kind or "PNG"]

    @property
    def image(self) -> Image.Image:
        """The edited photograph as a PIL image, opaque sRGB. Saved by PIL it carries no mark; `save` writes one."""
        return Image.fromarray(self.photo)

    def to_bytes(
        self, kind: str = "PNG", quality: int = DEFAULT_QUALITY, label: bool = False, invisible: bool = True
    ) -> bytes:
        """The edited photograph as a file's content, marked as edited, unless nothing was changed: see `unchanged`.

        It keeps the original file's transparency, colour space with its ICC profile, and dates. A JPEG has no
        transparency: there, what was transparent is white, and the colours are sRGB.

        Args:
            kind: ``"PNG"``, ``"JPEG"`` or ``"WEBP"``, see `diat.provenance.encode`.
            quality: of a JPEG, 1 to 100.
            label: write "Edited with AI" into the corner of what was edited.
            invisible: put an invisible mark into its pixels. Without it, what was not changed is bit-equal to the
                original in a PNG or WebP.

        Raises:
            InvalidArgument: another kind or quality.
        """
        pixels, profile = self.photo, None
        if kind != "JPEG" or not self._transparent:
            pixels, profile = self.keepsake.restored(self.original, self.photo), self.keepsake.profile
        return encode(pixels, self.maker, kind, quality, profile, self.keepsake.exif, label, invisible)

    def file_name(self, original: str, suffix: str | None = None) -> str:
        """What to call a file of the result: ``"NAME-close-mouth.jpg"``, or ``"NAME.jpg"`` if nothing was changed.

        Args:
            original: name of the original's file, with or without its ending.
            suffix: another ending than `suffix`.
        """
        return result_name(original, [] if self.unchanged else [self.attribute], suffix or self.suffix)

    @property
    def as_photo(self) -> Photo:
        """The result as a photograph for another change on top; it keeps of the original's file what this one does."""
        keepsake = replace(self.keepsake, edits=self.edits)
        if keepsake.colours is not None:
            keepsake = replace(keepsake, colours=keepsake.restored(self.original, self.photo)[..., :3])
        return Photo(self.photo, keepsake=keepsake)

    def notices_for(self, kind: str) -> tuple[str, ...]:
        """The notices, and what a file of ``kind`` (see `to_bytes`) cannot hold."""
        lost = ("Transparent parts are white: a JPEG has none.",) if kind == "JPEG" and self._transparent else ()
        return self.notices + lost

    @property
    def _transparent(self) -> bool:
        return self.keepsake.alpha is not None

    def save(
        self,
        path: str | os.PathLike[str],
        quality: int = DEFAULT_QUALITY,
        label: bool = False,
        invisible: bool = True,
    ) -> Path:
        """Write the edited photograph, marked as `to_bytes` says, and return its path. It appears whole or not at all.

        Args:
            path: ends in .png, .jpg, .jpeg or .webp, which chooses the format; folders above it are made.
            quality: of a JPEG, 1 to 100.
            label, invisible: see `to_bytes`.

        Raises:
            InvalidArgument: another ending or quality.
            DiatError: the file cannot be written.
        """
        path = Path(path)
        kind = KINDS.get(path.suffix.lower())
        if kind is None:
            raise InvalidArgument(f"The output must end in {', '.join(KINDS)}; {path.name!r} does not.")
        data = self.to_bytes(kind, quality, label, invisible)
        try:
            write_file(path, data)
        except OSError as error:
            raise DiatError(f"{path} cannot be written ({error.strerror}): choose another place.") from error
        return path

    def _repr_png_(self) -> bytes:
        """How a notebook shows it."""
        return self.to_bytes("PNG")

    def __repr__(self) -> str:
        height, width = self.photo.shape[:2]
        faces = f"{len(self.edited)} of {len(self.faces)} faces"
        return f"EditResult({self.attribute}, strength={self.strength:g}, {width}x{height}, {faces})"
