"""The relief of a clean chin and jaw, for what a beard covers: the photograph shows nothing of it.

It is the average of many clean faces (`diat.data.average_chin` makes it), laid over a face by its landmarks. Only what
is finer than the light on a face is taken from it; without it a shaven chin is flat and goes on into the neck.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from diat.native.spline import laid_by_landmarks
from diat.pixels import F32

AVERAGE_CHIN = Path(__file__).parents[1] / "weights" / "average_chin.safetensors"
STRENGTH = 0.9  # of the relief: stronger, and the chin glows


def chin_relief(points: F32, side: int) -> F32:
    """How much lighter clean skin is for the shape of chin and jaw, as a share of the cheeks' lightness.

    Args:
        points: (68, 2) in template units.
        side: of the result in pixels, S.

    Returns:
        (S, S), about -0.3 under the jaw to 0.2 on the chin; its mean over a wide place is 0.
    """
    average = _average_chin()
    return np.asarray(STRENGTH * laid_by_landmarks(average["relief"], average["points"], points, side), np.float32)


@cache
def _average_chin() -> dict[str, F32]:
    """``relief`` (128, 128), shares of the cheeks' lightness, and ``points`` (68, 2) of the face it lies on."""
    return {name: np.asarray(values, np.float32) for name, values in load_file(AVERAGE_CHIN).items()}
