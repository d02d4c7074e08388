"""Pairs that no data set has: one face with and without an attribute, the one made from the other.

CelebA shows nobody twice from one angle, with the mouth open and shut or with glasses on and off. But a mouth can be
shut or opened by moving the person's own lips (`diat.data.mouths`), glasses put onto a face
(`diat.data.glasses_layers`, `diat.data.glasses`), and a whole face moved towards those that have an attribute
(`diat.data.prototypes`). Such a picture fools nobody, and need not. It is the side of the pair that T learns to see
through, or a rough picture of where T's own result should lie, while D, which knows real photographs alone, teaches T
what they look like.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from diat.attributes import ATTRIBUTES, AttributeSpec
from diat.data.celeba import Rows
from diat.data.glasses import BorrowedGlasses, load_borrowed
from diat.data.glasses_layers import draw_glasses
from diat.data.mouths import close_mouth, gaps, open_mouth, widen_mouth
from diat.data.pack import Pack
from diat.data.prototypes import PrototypeTargets
from diat.errors import TrainingStopped
from diat.pixels import F32, U8

Draw = Callable[[U8, F32, np.random.Generator], U8]  # crop, its 68 points in pixels of the crop, randomness -> crop

VARIED = 0.5  # share of the inputs whose mouths are widened
SHUT = 0.07  # of its width; a mouth with a larger gap is not shut, whatever CelebA calls it
BORROWED = 1 / 2  # share of the pairs that wear glasses of other faces, where there are such


class Pairs(Protocol):
    """The pairs of an attribute. Crops are (S, S, 3) RGB uint8, of the pack's size or the batches'."""

    of_guided: bool  # a pair is (picture made of a guided image, the image); else (input, picture made of it)
    guided: Rows  # the guided images that train

    def varied(self, row: int, rng: np.random.Generator) -> U8:
        """An input as T gets it; the pair's other side is made of the photograph as it is."""
        ...

    def made(self, row: int, rng: np.random.Generator) -> U8:
        """The pair's other side, made of an input or of a guided image."""
        ...


@dataclass(frozen=True)
class Drawing:
    """How pairs of a kind are drawn."""

    of_guided: bool
    draw: Draw
    vary: Draw | None = None  # what is done to the inputs before T sees them, at random
    # Which guided images show the attribute beyond doubt, by their landmarks, (N, 68, 2); the others do not train.
    certain: Callable[[F32], NDArray[np.bool_]] | None = None


def _widened_at_times(crop: U8, points68: F32, rng: np.random.Generator) -> U8:
    return widen_mouth(crop, points68, rng)[0] if rng.random() < VARIED else crop


# By the kind of AttributeSpec.pairs; "prototypes" draw nothing.
DRAWINGS: dict[str, Drawing] = {
    "shut mouths": Drawing(
        of_guided=False,
        draw=lambda crop, points, rng: close_mouth(crop, points),
        vary=_widened_at_times,
        certain=lambda points: gaps(points) <= SHUT,
    ),
    "opened mouths": Drawing(of_guided=False, draw=lambda crop, points, rng: open_mouth(crop, points)),
    "put-on glasses": Drawing(of_guided=True, draw=draw_glasses),
}


class DrawnPairs:
    """Pairs whose other side is drawn."""

    def __init__(self, pack: Pack, drawing: Drawing, guided: Rows) -> None:
        self.of_guided, self._pack, self._drawing = drawing.of_guided, pack, drawing
        self.guided = guided if drawing.certain is None else guided[drawing.certain(pack.points68[guided])]

    def varied(self, row: int, rng: np.random.Generator) -> U8:
        """See `Pairs`."""
        return self._drawn(row, self._drawing.vary, rng)

    def made(self, row: int, rng: np.random.Generator) -> U8:
        """See `Pairs`."""
        return self._drawn(row, self._drawing.draw, rng)

    def _drawn(self, row: int, draw: Draw | None, rng: np.random.Generator) -> U8:
        crop = np.asarray(self._pack.crops[row])
        return crop if draw is None else draw(crop, self._pack.points68[row], rng)


class PrototypePairs:
    """Pairs of inputs and their targets by prototypes."""

    of_guided = False

    def __init__(self, pack: Pack, spec: AttributeSpec, inputs: Rows, guided: Rows, size: int) -> None:
        self.guided, self._pack = guided, pack
        self._targets = PrototypeTargets(pack, spec, inputs, guided, size)

    def varied(self, row: int, rng: np.random.Generator) -> U8:
        """See `Pairs`."""
        return np.asarray(self._pack.crops[row])

    def made(self, row: int, rng: np.random.Generator) -> U8:
        """See `Pairs`."""
        return self._targets[row]


def pairs_of(
    pack: Pack, spec: AttributeSpec, inputs: Rows, guided: Rows, size: int, borrowed: Path | None = None
) -> Pairs:
    """The pairs of an attribute, as its row in diat/attributes.py has them.

    Args:
        pack: the data.
        spec: the attribute.
        inputs: rows of the input set.
        guided: rows of the guided set.
        size: side of the batches' images in pixels.
        borrowed: glasses from `diat.data.glasses.save_borrowed`, for put-on glasses.

    Raises:
        TrainingStopped: the attribute has no pairs, or the glasses are not as they should be.
    """
    if spec.pairs is None:
        having = ", ".join(name for name, known in ATTRIBUTES.items() if known.pairs is not None)
        raise TrainingStopped(f"{spec.name} has no pairs, only {having} have: lambda_pair=0.")
    if spec.pairs.kind == "prototypes":
        return PrototypePairs(pack, spec, inputs, guided, size)
    drawing = DRAWINGS[spec.pairs.kind]
    if borrowed is not None and drawing.draw is draw_glasses:
        drawing = with_borrowed(load_borrowed(borrowed, pack))
    return DrawnPairs(pack, drawing, guided)


def with_borrowed(borrowed: BorrowedGlasses) -> Drawing:
    """Put-on glasses of which one pair in two is real, borrowed from other faces."""

    def draw(crop: U8, points68: F32, rng: np.random.Generator) -> U8:
        put_on = draw_glasses if rng.random() < 1 - BORROWED else borrowed.put_on
        return put_on(crop, points68, rng)

    return Drawing(of_guided=True, draw=draw)
