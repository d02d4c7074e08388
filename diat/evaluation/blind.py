"""A blind choice between two models: pairs of results with their sides shuffled, and the count of the answers.

Figures do not see everything that an owner of a photograph sees. Somebody who does not know which model made which
side looks at the results at the photograph's own resolution and writes down the better one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from scipy.stats import binomtest

from diat.align import photo_to_crop_matrix, region_of
from diat.errors import DiatError, InvalidArgument
from diat.faces import Face
from diat.pixels import U8, save_image

KEY = "key.json"  # which side shows which model, to be opened after the answers
SIDES = ("A", "B")
CONFIDENCE = 0.95
GAP = 8  # white pixels between the pictures of a pair


@dataclass(frozen=True)
class Pair:
    """One pair of results."""

    number: int
    photograph: str  # its file's name
    new: str  # the side, "A" or "B", that shows the new model


@dataclass(frozen=True)
class Tally:
    """How often the new model was taken."""

    taken: int
    answered: int  # pairs with an answer for either side; a pair may be left undecided
    undecided: int
    low: float  # of the 95 % interval of the share (Wilson)
    high: float


def face_picture(photo: U8, face: Face) -> U8:
    """The face with hair and chin, cut out of a photograph at its own resolution. -> (h, w, 3)."""
    left, top, right, bottom = region_of(photo_to_crop_matrix(face.points5), (128, 128), photo.shape)
    return photo[top:bottom, left:right]


def shuffled(names: Sequence[str], seed: int) -> list[Pair]:
    """Sides for pairs of these photographs: as often A as B, in an order that nobody can guess."""
    rng = np.random.default_rng(seed)
    sides = rng.permutation(np.arange(len(names)) % 2)
    order = rng.permutation(len(names))
    return [
        Pair(number, names[place], SIDES[side]) for number, (place, side) in enumerate(zip(order, sides, strict=True))
    ]


def write_pair(folder: Path, pair: Pair, source: U8, old: U8, new: U8) -> None:
    """Write a pair's picture: the photograph, A and B beside one another, at 100 %. All (h, w, 3)."""
    results = (new, old) if pair.new == "A" else (old, new)
    white = (255, 255, 255)
    titled = [
        cv2.putText(cv2.copyMakeBorder(image, 40, GAP, GAP, GAP, cv2.BORDER_CONSTANT, value=white), title, (GAP, 30),
                    cv2.FONT_HERSHEY_SIMPLEX, 1.0, (0, 0, 0), 2, cv2.LINE_AA)
        for title, image in zip(("photograph", *SIDES), (source, *results), strict=True)
    ]  # fmt: skip
    save_image(folder / f"{pair.number:02d}.png", np.concatenate(titled, axis=1).astype(np.uint8, copy=False))


def write_key(folder: Path, pairs: Sequence[Pair]) -> None:
    """Write down which side is which."""
    (folder / KEY).write_text(json.dumps([asdict(pair) for pair in pairs], indent=1) + "\n")


def tally(folder: Path, answers: str) -> Tally:
    """Count answers.

    Args:
        folder: holds the pairs and their key.
        answers: a line for each pair, such as ``03 B``; ``03 =`` leaves it undecided.

    Raises:
        DiatError: there is no key, or a line is no answer.
    """
    try:
        key = {entry["number"]: Pair(**entry) for entry in json.loads((folder / KEY).read_text())}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DiatError(f"{folder} holds no pairs ({error}): make them first.") from None
    said: dict[int, str] = {}
    for line in filter(None, (line.strip() for line in answers.splitlines())):
        number, _, side = line.partition(" ")
        side = side.strip()
        if not number.isdigit() or int(number) not in key or side not in (*SIDES, "="):
            raise InvalidArgument(f"{line!r} is no answer: give a pair's number and A, B or =, such as `03 B`.")
        said[int(number)] = side
    if missing := sorted(key.keys() - said.keys()):
        raise InvalidArgument(f"No answer for {len(missing)} of {len(key)} pairs, the first of them {missing[0]:02d}.")
    decided = [number for number, side in said.items() if side != "="]
    taken = sum(said[number] == key[number].new for number in decided)
    if not decided:
        return Tally(0, 0, len(said), 0.0, 1.0)
    interval = binomtest(taken, len(decided)).proportion_ci(CONFIDENCE, method="wilson")
    return Tally(taken, len(decided), len(said) - len(decided), float(interval.low), float(interval.high))
