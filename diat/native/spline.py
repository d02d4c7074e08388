"""A picture that lies on the landmarks of one face laid on those of another: thin-plate splines (Bookstein 1989)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from diat.align import CROP_SIZE
from diat.native.geometry import BROWS, FOREHEAD, interocular, upwards
from diat.pixels import F32

BELOW = 0.45  # interocular distances below the jaw, where the neck is held
STIFF = 1.0  # by which the spline may miss a landmark, against its bending: landmarks are noisy
GRID = 24  # side of the grid on which the spline is found


def laid_by_landmarks(picture: F32, points: F32, onto: F32, size: int) -> F32:
    """A picture of the aligned crop moved so that its landmarks lie on another face's.

    Args:
        picture: (S, S) or (S, S, C).
        points: (68, 2), its landmarks in template units.
        onto: (68, 2), those of the other face.
        size: side of the result.

    Returns:
        (size, size) or (size, size, C).
    """
    scale = picture.shape[0] / CROP_SIZE
    places = (warp(onto, points, size) + np.float32(0.5)) * np.float32(scale) - np.float32(0.5)
    x, y = places[..., 0], places[..., 1]
    return np.asarray(cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)


def warp(points: F32, onto: F32, size: int) -> F32:
    """Where each pixel of one face's crop lies in another's. -> (size, size, 2) in template units."""
    here, there = _controls(points), _controls(onto)
    count = len(here)
    system = np.zeros((count + 3, count + 3))
    system[:count, :count] = _bending(here, here) + STIFF * np.eye(count)
    system[:count, count:] = np.hstack([np.ones((count, 1)), here])
    system[count:, :count] = system[:count, count:].T
    # OpenCV's solver and einsum, for NumPy's would wake BLAS's threads.
    _, weights = cv2.solve(system, np.vstack([there, np.zeros((3, 2))]))
    steps = (np.arange(GRID) + 0.5) * CROP_SIZE / GRID - 0.5
    grid = np.stack(np.meshgrid(steps, steps), -1).reshape(-1, 2)
    places = np.einsum("gc,cx->gx", np.hstack([_bending(grid, here), np.ones((len(grid), 1)), grid]), weights)
    coarse = places.reshape(GRID, GRID, 2).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (size, size), interpolation=cv2.INTER_LINEAR), np.float32)


def _controls(points: F32) -> NDArray[np.float64]:
    """The landmarks, the neck below the jaw and the top of the forehead. -> (N, 2)."""
    up = interocular(points) * upwards(points)
    return np.vstack([points, points[3:14] - BELOW * up, points[BROWS] + FOREHEAD[:, None] * up]).astype(np.float64)


def _bending(places: NDArray[np.float64], centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """The spline's kernel, r^2 log r. -> (places, centres)."""
    squared = (places[:, :1] - centres[:, 0]) ** 2 + (places[:, 1:] - centres[:, 1]) ** 2
    kernel: NDArray[np.float64] = 0.5 * squared * cv2.log(np.maximum(squared, 1e-9))
    return kernel
