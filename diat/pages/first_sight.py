"""What the page shows before anybody brings a photograph: one before and after, and examples to click.

The pictures are made by `python -m diat.pages.first_sight`, from the two portraits in the public domain in examples/.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from diat.editor import FaceEditor
from diat.pages.parts import action_of
from diat.pages.pictures import PictureFile, close_ups, cut, known_file, portrait, surroundings
from diat.pages.widgets import Value, compare_value
from diat.pixels import U8, compressed
from diat.provenance import encode

FOLDER = Path(__file__).parent / "showcase"
PORTRAITS = Path(__file__).parents[2] / "examples"  # beside the package, where it was not installed by a wheel
README_PICTURE = Path(__file__).parents[2] / "docs" / "before_after.jpg"
# Those that look right at full size with today's weights. Open mouth (grey teeth on Grace Hopper), Remove glasses
# (smeared sockets) and More feminine (both portraits are of women) have none.
SHOWN = {"eileen_collins": "mouth_close", "grace_hopper": "older_to_younger"}
QUALITY = 88  # of the pair of JPEGs


@dataclass(frozen=True)
class Example:
    """A photograph to click, in the public domain, and the change that suits it."""

    photo: Path
    attribute: str
    thumbnail: Path

    @property
    def name(self) -> str:
        """What a click sends."""
        return self.photo.stem

    @property
    def caption(self) -> str:
        """What is under its thumbnail."""
        return action_of(self.attribute)


def examples() -> list[Example]:
    """Those whose photographs are here."""
    found = [Example(PORTRAITS / f"{name}.jpg", attribute, FOLDER / f"{name}.jpg") for name, attribute in SHOWN.items()]
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
        path.write_bytes(encode(pixels, attribute, 1.0, "JPEG", QUALITY))


def main() -> None:
    """Make the pictures anew, after other weights were released."""
    FOLDER.mkdir(exist_ok=True)
    row: list[U8] = []
    for name, attribute in SHOWN.items():
        result = FaceEditor.from_pretrained(attribute).edit(PORTRAITS / f"{name}.jpg")
        _write(FOLDER / f"{name}.jpg", portrait(result.original, result.faces[0]))
        box = surroundings(result.faces[0], result.photo.shape, 1.6)
        row += [cut(result.original, box), cut(result.photo, box)]
        if name == next(iter(SHOWN)):
            before, after = close_ups(result)
            _write(FOLDER / "before.jpg", before)
            _write(FOLDER / "after.jpg", after, attribute)
    _write(README_PICTURE, _in_a_row(row), " and ".join(SHOWN.values()))


def _in_a_row(pictures: list[U8], side: int = 320) -> U8:
    import cv2

    squares = [cv2.resize(picture, (side, side), interpolation=cv2.INTER_CUBIC) for picture in pictures]
    return np.concatenate(squares, axis=1).astype(np.uint8)


if __name__ == "__main__":
    main()
