"""What the page shows before anybody brings a photograph: one before and after, and examples to click.

The pictures are made by `python -m diat.pages.first_sight`, from the two portraits in the public domain in examples/.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from diat.editor import FaceEditor
from diat.faces import Face
from diat.pages.parts import action_of
from diat.pages.pictures import PictureFile, close_ups, cut, known_file, portrait, surroundings
from diat.pages.widgets import Value, compare_value
from diat.pixels import U8, compressed
from diat.provenance import edited_by, encode

FOLDER = Path(__file__).parent / "showcase"
PORTRAITS = Path(__file__).parents[2] / "examples"  # beside the package, where it was not installed by a wheel
README_PICTURE = Path(__file__).parents[2] / "docs" / "before_after.jpg"
# The first is the page's own before and after; the first two are the README's.
SHOWN = {
    "mouth_close": "eileen_collins",
    "eyeglasses_remove": "grace_hopper",
    "older_to_younger": "grace_hopper",
    "mouth_open": "grace_hopper",
    "male_to_female": "grace_hopper",
}
README_SHOWS = 2  # of them
LINK_PICTURE = FOLDER / "link_preview.jpg"  # the first before and after, for other sites that show a link
LINK_PICTURE_SIZE = 1200, 600  # width and height: two squares, about as wide as such sites show
QUALITY = 88  # of the JPEGs


@dataclass(frozen=True)
class Example:
    """A photograph to click, in the public domain, and the change that suits it."""

    photo: Path
    attribute: str
    thumbnail: Path

    @property
    def name(self) -> str:
        """What a click sends."""
        return self.attribute

    @property
    def caption(self) -> str:
        """What is under its thumbnail."""
        return action_of(self.attribute)


def examples() -> list[Example]:
    """Those whose photographs are here."""
    found = [Example(PORTRAITS / f"{who}.jpg", what, FOLDER / f"{what}.jpg") for what, who in SHOWN.items()]
    return [example for example in found if example.photo.is_file()]


def sight() -> dict[str, PictureFile]:
    """The pair: "before" and "after"."""
    return {name: known_file(FOLDER / f"{name}.jpg") for name in ("before", "after")}


def first_sight() -> Value:
    """The pair, for `diat.pages.widgets.compare`."""
    words = "An example: her mouth was closed. Choose your own photo, or click an example."
    return compare_value({"face": sight()}, words, from_start=True, example=True)


def _write(path: Path, pixels: U8, attribute: str | None = None) -> None:
    if attribute is None:
        path.write_bytes(compressed(pixels, ".jpg", QUALITY))
    else:
        path.write_bytes(encode(pixels, edited_by(attribute, 1.0), "JPEG", QUALITY))


def main() -> None:
    """Make the pictures anew, after other weights were released."""
    FOLDER.mkdir(exist_ok=True)
    row: list[U8] = []
    for attribute, name in SHOWN.items():
        result = FaceEditor.from_pretrained(attribute).edit(PORTRAITS / f"{name}.jpg")
        halves = [_half(picture, result.faces[0]) for picture in (result.original, result.photo)]
        _write(FOLDER / f"{attribute}.jpg", np.concatenate(halves, axis=1), attribute)
        if not row:
            before, after = close_ups(result)
            _write(FOLDER / "before.jpg", before)
            _write(FOLDER / "after.jpg", after, attribute)
            _write(LINK_PICTURE, _in_a_row([before, after], LINK_PICTURE_SIZE[1]), attribute)
        box = surroundings(result.faces[0], result.photo.shape, 1.6)
        row += [cut(result.original, box), cut(result.photo, box)]
    _write(README_PICTURE, _in_a_row(row[: 2 * README_SHOWS]), " and ".join([*SHOWN][:README_SHOWS]))


def _half(photo: U8, face: Face) -> U8:
    """The face as half of a thumbnail, which shows it before and after: twice as high as wide."""
    square = portrait(photo, face)
    height, side = square.shape[:2]
    half = square[:, (side - height // 2) // 2 : (side + height // 2) // 2].copy()
    half[:, :2] = 255  # a line between the two
    return half


def _in_a_row(pictures: list[U8], side: int = 320) -> U8:
    import cv2

    squares = [cv2.resize(picture, (side, side), interpolation=cv2.INTER_CUBIC) for picture in pictures]
    return np.concatenate(squares, axis=1).astype(np.uint8)


if __name__ == "__main__":
    main()
