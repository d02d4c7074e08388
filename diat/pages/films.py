"""A film as its page reads it: how long it is, frames of it, and whom a choice means."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from diat.errors import DiatError, InvalidArgument
from diat.pages.parts import available
from diat.pixels import U8
from diat.video.choice import FilmFaces
from diat.video.colours import upright
from diat.video.film import MAX_PIXELS, open_film
from diat.video.part import Part
from diat.video.reader import FilmReader


def length_of(film: str | None) -> float:
    """A film's length in seconds, no shorter than it is; 0 where there is none that can be used."""
    try:
        return 0.0 if film is None else math.ceil(100 * seconds_of(Path(available(film)))) / 100
    except DiatError:
        return 0.0  # `VideoPage.people` says why


def seconds_of(film: Path) -> float:
    """A film's length, 0 where it does not say.

    Raises:
        PhotoRejected: it is no film.
    """
    import av

    with open_film(film) as container:
        return float(container.duration or 0) / av.time_base


def frames_from(film: Path, start: float, most: int) -> Iterator[U8]:
    """Some frames of a film, (H, W, 3) RGB, from a second on.

    Raises:
        PhotoRejected: it is no film.
        InvalidArgument: there is no such second.
    """
    with open_film(film) as container:
        reader = FilmReader(container, Part(start), [], lambda _: None, MAX_PIXELS)
        yield from (upright(frame) for frame, _ in islice(reader.frames(), most))


def film_faces(faces: str, number: float | None) -> FilmFaces:
    """The page's choice as `edit_video` takes it; people are counted from 1 here and from 0 there.

    Raises:
        InvalidArgument: there is no such choice.
    """
    if faces == "person":
        if number is None or not number >= 1:
            raise InvalidArgument("People are counted from 1, the largest in the first frame.")
        return int(number) - 1
    return "all" if faces == "all" else "largest"
