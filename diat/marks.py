"""What a picture or a film says of having been edited: reads every mark that `diat.provenance` writes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from diat import credentials
from diat.attributes import ATTRIBUTES
from diat.credentials import Credentials
from diat.errors import DiatError, PhotoRejected
from diat.formats import kind_of
from diat.photo import open_photo, photo_bytes
from diat.provenance import edits_named, is_marked, maker_of
from diat.watermark import THRESHOLD, score

FRAMES = 16  # of a film that are looked at, spread over all of it
METADATA_BYTES = 2**20  # at a film's beginning and its end, where its metadata lie


@dataclass(frozen=True)
class Marks:
    """What was found."""

    edited_by: str | None  # out of the metadata: ``"DIAT mouth_close strength=1"``
    declared: bool  # whether the metadata say that a trained model changed the picture
    score: float  # of the invisible mark, see `diat.watermark.score`
    credentials: Credentials | None

    @property
    def invisible(self) -> bool:
        """Whether the pixels carry DIAT's mark."""
        return self.score > THRESHOLD

    @property
    def edited(self) -> bool:
        """Whether anything says so."""
        return self.declared or self.invisible or self.credentials is not None

    @property
    def sentences(self) -> tuple[str, ...]:
        """For people: the answer first, then what it rests on."""
        said = [f"Yes: {self._changes}."] if self.declared or self.invisible else []
        if self.declared:
            said.append(f"The file says that a trained model changed it ({self.edited_by or 'not which one'}).")
        if self.credentials is not None:
            signer = self.credentials.signer or "nobody known"
            said.append(
                f"Content Credentials by {self.credentials.maker}, signed by {signer}: {self.credentials.state}."
            )
        if self.invisible:
            said.append(f"The pixels carry DIAT's invisible mark (score {self.score:.0f}; {THRESHOLD:.0f} is enough).")
        if not said:
            said += ["No mark was found.", "That does not show that the picture is unedited: marks can be removed."]
        return tuple(said)

    @property
    def _changes(self) -> str:
        """``"made younger with DIAT"``."""
        if self.edited_by is None:
            return "changed with DIAT" if self.invisible else "changed by a trained model"
        names = [edit.split(" ")[0] for edit in self.edited_by.removeprefix("DIAT ").split(", ")]
        done = [ATTRIBUTES[name].done.rstrip(".") if name in ATTRIBUTES else "Changed" for name in names]
        return ", ".join(f"{words[0].lower()}{words[1:]}" for words in dict.fromkeys(done)) + " with DIAT"


def read_marks(source: bytes | Path) -> Marks:
    """The marks of a picture or a film.

    Args:
        source: a path, or a picture's bytes.

    Raises:
        PhotoRejected: it is neither.
    """
    if isinstance(source, Path) and source.is_file() and not _is_picture(source):
        return _film_marks(source)
    data = photo_bytes(source) if isinstance(source, Path) else source
    pixels, kind = open_photo(data).pixels, kind_of(data)
    found = credentials.read(data, kind) if kind in credentials.MIME_TYPES else None
    return Marks(_maker(data), is_marked(data), score(pixels), found)


def _is_picture(path: Path) -> bool:
    with path.open("rb") as file:
        return kind_of(file.read(512)) is not None


def _film_marks(path: Path) -> Marks:
    try:
        from diat.video.colours import upright
        from diat.video.film import open_film
        from diat.video.reader import from_all_over

        with open_film(path) as film:
            scores = [score(upright(frame)) for frame in from_all_over(film, FRAMES)]
    except (ImportError, OSError, ValueError, DiatError):
        raise PhotoRejected(f"{path.name} is neither a picture nor a film that can be read.") from None
    if not scores:
        raise PhotoRejected(f"{path.name} shows no picture that can be decoded: use another film.")
    with path.open("rb") as file:
        data = file.read(METADATA_BYTES)
        file.seek(max(0, path.stat().st_size - METADATA_BYTES))
        data += file.read()
    return Marks(_maker(data), is_marked(data), max(scores), None)


def _maker(data: bytes) -> str | None:
    edits = edits_named(data)
    return maker_of(edits) if edits else None
