"""The relief of a clean chin and jaw, for what a beard covers: the photograph shows nothing of it.

It is the average of many clean faces (`diat.data.average_chin` makes it), laid over a face by its landmarks. Only what
is finer than the light on a face is taken from it; without it a shaven chin is flat and goes on into the neck.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from diat.align import CROP_SIZE
from diat.native.geometry import JAW, LIPS, NOSE_BASE, interocular, upwards
from diat.native.working import WORK
from diat.pixels import F32

AVERAGE_CHIN = Path(__file__).parents[1] / "weights" / "average_chin.safetensors"
STRENGTH = 1.4  # of the relief, which averaging has made weaker
OUTER_LIPS = slice(LIPS, LIPS + 12)
BELOW = 0.45  # interocular distances that the neck is laid below the jaw
STIFF = 1.0  # by which the spline may miss a landmark, against its bending: landmarks are noisy
GRID = 32  # side of the grid on which the spline is found


def chin_relief(points: F32) -> F32:
    """How much lighter clean skin is for the shape of chin and jaw, as a share of the cheeks' lightness.

    Args:
        points: (68, 2) in template units.

    Returns:
        (WORK, WORK), about -0.3 under the jaw to 0.2 on the chin; its mean over a wide place is 0.
    """
    average = _average_chin()
    places = warp(points, average["points"])
    x, y = places[..., 0], places[..., 1]
    laid = cv2.remap(average["relief"], x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(STRENGTH * laid, np.float32)


def warp(points: F32, onto: F32, size: int = WORK) -> F32:
    """Where each pixel of one face's lower half lies on another: a thin-plate spline (Bookstein 1989) of landmarks.

    Args:
        points: (68, 2) in template units.
        onto: likewise, of the other face.
        size: side of the result over the crop.

    Returns:
        (size, size, 2) places in template units.
    """
    here, there = _controls(points), _controls(onto)
    count = len(here)
    system = np.zeros((count + 3, count + 3))
    system[:count, :count] = _bending(here, here) + STIFF * np.eye(count)
    system[:count, count:] = np.hstack([np.ones((count, 1)), here])
    system[count:, :count] = system[:count, count:].T
    weights = np.linalg.solve(system, np.vstack([there, np.zeros((3, 2))]))
    steps = (np.arange(GRID) + 0.5) * CROP_SIZE / GRID - 0.5
    grid = np.stack(np.meshgrid(steps, steps), -1).reshape(-1, 2)
    places = np.hstack([_bending(grid, here), np.ones((len(grid), 1)), grid]) @ weights
    coarse = places.reshape(GRID, GRID, 2).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (size, size), interpolation=cv2.INTER_LINEAR), np.float32)


def _controls(points: F32) -> NDArray[np.float64]:
    """Landmarks that the relief follows, and the neck below them. -> (N, 2)."""
    below = points[3:14] - BELOW * interocular(points) * upwards(points)
    return np.vstack([points[JAW], points[NOSE_BASE], points[OUTER_LIPS], below]).astype(np.float64)


def _bending(places: NDArray[np.float64], centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """The spline's kernel, r^2 log r. -> (places, centres)."""
    squared = ((places[:, None] - centres[None]) ** 2).sum(-1)
    kernel: NDArray[np.float64] = 0.5 * squared * np.log(np.maximum(squared, 1e-9))
    return kernel


@cache
def _average_chin() -> dict[str, F32]:
    """``relief`` (128, 128), shares of the cheeks' lightness, and ``points`` (68, 2) of the face it lies on."""
    return {name: np.asarray(values, np.float32) for name, values in load_file(AVERAGE_CHIN).items()}
