"""Pairs that no data set has: one face with and without a local attribute, the one drawn from the other.

CelebA shows nobody twice from one angle, with the mouth open and shut or with glasses on and off. But a mouth can be
shut or opened by moving the person's own lips (`diat.data.mouths`), and glasses put onto a face (`diat.data.glasses`).
Such a drawing fools nobody, and need not. It is the side of the pair that T learns to see through, or a rough picture
of where T's own result should lie, while D, which knows real photographs alone, teaches T what they look like.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diat.data.drawn_glasses import draw_glasses
from diat.data.glasses import BorrowedGlasses
from diat.data.mouths import close_mouth, gaps, open_mouth, widen_mouth
from diat.data.prototypes import MOVEMENTS
from diat.pixels import F32, U8

Draw = Callable[[U8, F32, np.random.Generator], U8]  # crop, its 68 points in pixels of the crop, randomness -> crop


VARIED = 0.5  # share of the inputs whose mouths are widened
SHUT = 0.07  # of its width; a mouth with a larger gap is not shut, whatever CelebA calls it


@dataclass(frozen=True)
class Pairing:
    """How an attribute's pairs are drawn."""

    of_guided: bool  # a pair is (drawing of a guided image, the image); else (input, drawing of it)
    draw: Draw
    vary: Draw | None = None  # what is done to the inputs before T sees them, at random; their drawings stay
    # Which guided images show the attribute beyond doubt, by their landmarks, (N, 68, 2); the others do not train.
    certain: Callable[[F32], NDArray[np.bool_]] | None = None


def _widened_at_times(crop: U8, points68: F32, rng: np.random.Generator) -> U8:
    return widen_mouth(crop, points68, rng)[0] if rng.random() < VARIED else crop


PAIRINGS: dict[str, Pairing] = {
    "mouth_close": Pairing(
        of_guided=False,
        draw=lambda crop, points, rng: close_mouth(crop, points),
        vary=_widened_at_times,
        certain=lambda points: gaps(points) <= SHUT,
    ),
    "mouth_open": Pairing(of_guided=False, draw=lambda crop, points, rng: open_mouth(crop, points)),
    "eyeglasses_remove": Pairing(of_guided=True, draw=draw_glasses),
}


WITH_PAIRS = (*PAIRINGS, *MOVEMENTS)  # the attributes that have pairs, drawn or by prototypes


def with_borrowed(borrowed: BorrowedGlasses) -> Pairing:
    """The pairing of ``eyeglasses_remove`` where one pair in two wears real glasses, borrowed from other faces."""

    def draw(crop: U8, points68: F32, rng: np.random.Generator) -> U8:
        put_on = draw_glasses if rng.random() < 1 / 2 else borrowed.put_on
        return put_on(crop, points68, rng)

    return Pairing(of_guided=True, draw=draw)
