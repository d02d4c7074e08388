"""What most faces with an attribute have and most without it lack: the difference between two prototypes.

A prototype is the mean of many faces, each laid by its landmarks on the same points (Rowland and Perrett 1995;
Tiddeman, Burt and Perrett 2001). The difference of two of them, laid by its landmarks on a face, changes it where its
own eyes, brows and lips are, and nearly as sharply (`diat.data.prototype_difference` makes it).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diat.native.spline import laid_by_landmarks
from diat.native.working import Work
from diat.pixels import F32

# Names of the tensors in a model's file.
DIFFERENCE, POINTS = "prototypes.difference", "prototypes.points"
USUAL_LIGHTNESS = 70.0  # L of the cheeks of most faces in the prototypes
LIGHTNESS_RANGE = (0.4, 1.3)  # of a face's cheeks against that: dark skin gets changes as much smaller as it is darker


@dataclass(frozen=True, eq=False)
class Prototypes:
    """The difference between those with an attribute and those without."""

    difference: F32  # (S, S, 3) CIELAB
    points: F32  # (68, 2) landmarks that it lies on, template units

    @classmethod
    def of(cls, weights: Mapping[str, NDArray[np.float32]]) -> Prototypes | None:
        """Of a model's tensors; None where it was given none."""
        difference = weights[DIFFERENCE]
        return cls(difference, weights[POINTS]) if difference.any() else None

    def change(self, work: Work) -> F32:
        """The change of a face in CIELAB. -> (S, S, 3)."""
        light = work.usual_lightness / USUAL_LIGHTNESS
        laid = laid_by_landmarks(self.difference, self.points, work.points, work.side)
        return np.asarray(laid * np.float32(np.clip(light, *LIGHTNESS_RANGE)), np.float32)
