"""Whether a changed face is still the person's, to a recogniser, and how strongly it may be changed to stay so."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property

import numpy as np

from diat.align import CROP_SIZE, photo_to_crop_matrix, region_of
from diat.faces import Face, FaceDetector
from diat.pixels import F32, U8

# What a change costs of the similarity, 1 - cosine, grows with about this power of its strength (26 faces: 1.4 to 1.8).
EXPONENT = 1.5
EXPONENTS = (0.7, 4.0)  # what two looks at a face may say instead
# Guesses aim lower than the curve says. Where none has held before the last, it must.
CAUTION, LAST_CAUTION = 0.96, 0.88
_NOTHING = 1e-9
NEAR = 0.08  # a guess that holds is taken where the next one would gain no more than this share of it


class Person:
    """One face of a photograph, to be compared with what becomes of it.

    It keeps a copy of its part of the photograph, so that it does not matter what its owner does to the array later.

    Args:
        recogniser: tells people apart.
        photo: (H, W, 3) RGB uint8.
        face: of the photograph.
    """

    def __init__(self, recogniser: FaceDetector, photo: U8, face: Face) -> None:
        self._recogniser = recogniser
        # The whole crop: more than any recogniser looks at.
        self._box = region_of(photo_to_crop_matrix(face.points5), (CROP_SIZE, CROP_SIZE), photo.shape)
        self._points5 = face.points5 - np.array(self._box[:2], np.float32)
        self._before = self._part(photo)

    def compared(self, edited: U8) -> Callable[[], float]:
        """What measures the cosine of the embeddings of the face and of what it is in ``edited``, -1..1; 1 for none."""
        after = self._part(edited)

        def similarity() -> float:
            if np.array_equal(self._before, after):
                return 1.0
            return float(np.clip(self._embedding @ self._recogniser.embed(after, self._points5), -1, 1))

        return similarity

    @cached_property
    def _embedding(self) -> F32:
        return self._recogniser.embed(self._before, self._points5)

    def _part(self, photo: U8) -> U8:
        left, top, right, bottom = self._box
        return photo[top:bottom, left:right].copy()


def allowed_strength(similarity: Callable[[float], float], strength: float, least: float) -> float:
    """How strongly a face may be changed.

    Args:
        similarity: of the face changed by a strength; it is asked three times at most.
        strength: what is wanted.
        least: the similarity to keep, 0 to 1; above it where no change keeps enough.

    Returns:
        ``strength`` where that keeps ``least``; else a lower one that was seen to keep it, in hundredths; 0, no change,
        where none was.
    """
    room, lost = 1 - least, 1 - similarity(strength)
    if lost <= room:
        return strength
    if room <= 0:
        return 0.0
    guess = _hundredths(CAUTION * strength * (room / lost) ** (1 / EXPONENT))
    if guess == 0:
        return 0.0
    then = max(1 - similarity(guess), _NOTHING)
    exponent = math.log(lost / then) / math.log(strength / guess)
    exponent = min(max(exponent, EXPONENTS[0]), EXPONENTS[1])
    held = then <= room
    last = guess * (room / then) ** (1 / exponent) * (CAUTION if held else LAST_CAUTION)
    last = _hundredths(min(last, (guess + strength) / 2))
    if held and last <= (1 + NEAR) * guess:
        return guess
    if last > 0 and 1 - similarity(last) <= room:
        return last
    return guess if held else 0.0


def _hundredths(strength: float) -> float:
    return math.floor(100 * strength) / 100
