"""A face's part of a photograph, and how fields of the template's frame are laid over it and move its pixels.

Two frames: the *region*, a rectangle of the photograph in its own pixels, and the *template*, the aligned crop of 128
(`diat.align`), in whose units fields and windows are given. Pixel centres lie at integer coordinates in both, so that a
window (left, top, right, bottom) begins half a unit before its first pixel's centre.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from diat.align import CROP_SIZE, photo_to_crop_matrix, region_of, scale_of, transform_points
from diat.pixels import F32, U8, smoothstep

Window = tuple[int, int, int, int]  # left, top, right, bottom

# Levels between the channels of a pixel; no more in any of them is no colour, only compression. Of 3,996 photographs of
# CelebA one has 0 and all others 17 or more.
GREY = 12
# OpenCV's cubic kernel (a = -0.75) makes ripples of a slope, and older versions place samples on a grid of 1/32 pixel.
# So a field is first enlarged this much, exactly and by Catmull and Rom's kernel (a = -0.5): edges get no stairs.
FINER = 4


@dataclass(frozen=True, eq=False)
class NativeFace:
    """One face in its region of the photograph."""

    pixels: U8  # (h, w, 3) RGB: a view of the photograph, never written
    to_template: F32  # (2, 3) region pixel -> template coordinates
    points68: F32  # (68, 2) in region pixels

    @property
    def scale(self) -> float:
        """Photograph pixels per template unit: 3 for a face of 384 pixels, 8 for one of 1,024."""
        return 1 / max(scale_of(self.to_template), 1e-6)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the region."""
        return self.pixels.shape[0], self.pixels.shape[1]

    @cached_property
    def is_grey(self) -> bool:
        """Whether the region has no colour, and must not get any."""
        small = cv2.resize(self.pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        red, green, blue = cv2.split(small)  # much faster than numpy along a short last axis
        spread = cv2.subtract(cv2.max(cv2.max(red, green), blue), cv2.min(cv2.min(red, green), blue))
        return int(spread.max()) <= GREY

    def part(self, box: Window) -> NativeFace:
        """The same face in a smaller region: left, top, right, bottom in region pixels."""
        left, top, right, bottom = box
        matrix = self.to_template.copy()
        matrix[:, 2] += matrix[:, :2] @ np.array([left, top], np.float32)
        return NativeFace(
            self.pixels[top:bottom, left:right], matrix, self.points68 - np.array([left, top], np.float32)
        )


def native_face(photo: U8, points5: F32, points68: F32, window: Window, margin: float) -> tuple[NativeFace, Window]:
    """Cut out what a window of the template covers.

    Args:
        photo: (H, W, 3) RGB uint8; the face keeps a view of it.
        points5: (5, 2) of the face, pixels of the photograph.
        points68: (68, 2) likewise.
        window: in template units.
        margin: template units around the window that the stage may read from.

    Returns:
        The face, and left, top, right, bottom of its region in the photograph, clipped to it.
    """
    matrix = photo_to_crop_matrix(points5)
    left, top, right, bottom = window
    from_window = matrix.copy()
    from_window[:, 2] -= np.array([left - margin - 0.5, top - margin - 0.5], np.float32)
    size = int(np.ceil(right - left + 2 * margin)), int(np.ceil(bottom - top + 2 * margin))
    x0, y0, x1, y1 = region = region_of(from_window, size, photo.shape)
    shifted = matrix.copy()
    shifted[:, 2] += matrix[:, :2] @ np.array([x0, y0], np.float32)
    return NativeFace(photo[y0:y1, x0:x1], shifted, points68 - np.array([x0, y0], np.float32)), region


def box_around(where: NDArray[np.bool_], window: Window, face: NativeFace, cells: int = 1) -> Window | None:
    """The part of a region that some pixels of a field touch, so that nothing else need be worked on.

    Args:
        where: (hf, wf), of a field laid over ``window``.
        window: in template units.
        face: the region.
        cells: pixels of the field around, which interpolation reaches.

    Returns:
        Left, top, right, bottom in region pixels, or None for nothing.
    """
    x, y, width, height = cv2.boundingRect(where.astype(np.uint8))
    if not width:
        return None
    left, top, right, bottom = window
    unit = np.array([right - left, bottom - top], np.float32) / where.shape[::-1]
    low = np.array([left, top]) - 0.5 + (np.array([x, y]) - cells) * unit
    high = np.array([left, top]) - 0.5 + (np.array([x + width, y + height]) + cells) * unit
    corners = np.array([[low[0], low[1]], [high[0], low[1]], [low[0], high[1]], [high[0], high[1]]], np.float32)
    corners = transform_points(corners, cv2.invertAffineTransform(face.to_template).astype(np.float32))
    x0, y0 = np.clip(np.floor(corners.min(0)).astype(int), 0, face.shape[::-1])
    x1, y1 = np.clip(np.ceil(corners.max(0)).astype(int) + 1, 0, face.shape[::-1])
    return (int(x0), int(y0), int(x1), int(y1)) if x0 < x1 and y0 < y1 else None


def template_grid(face: NativeFace) -> tuple[F32, F32]:
    """Template x and y of every region pixel, (h, w) each."""
    height, width = face.shape
    (a, b, c), (d, e, f) = face.to_template
    xs, ys = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None]
    return (a * xs + (b * ys + c)).astype(np.float32), (d * xs + (e * ys + f)).astype(np.float32)


def sample(field: F32, window: Window, face: NativeFace, cubic: bool = True) -> F32:
    """A field laid over a window of the template, at every region pixel.

    Args:
        field: (hf, wf) or (hf, wf, C) float.
        window: what the field covers, template units. Beyond it the field's border repeats.
        cubic: whether to enlarge smoothly, as flows and distances must be; masks may overshoot and are better linear.

    Returns:
        (h, w) or (h, w, C) float32.
    """
    field = np.ascontiguousarray(field, np.float32)
    if field.ndim == 3 and field.shape[2] > 4:  # more channels than OpenCV warps at once
        parts = [sample(field[..., start : start + 4], window, face, cubic) for start in range(0, field.shape[2], 4)]
        return np.concatenate([part.reshape(*face.shape, -1) for part in parts], axis=2)
    channels = field.shape[2:]
    if cubic:
        field = _enlarged(field)
    height, width = face.shape
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    matrix = _template_to_field(window, field.shape[:2]) @ np.vstack([face.to_template, [0, 0, 1]])
    sampled = cv2.warpAffine(field, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(sampled, np.float32).reshape(height, width, *channels)


def displaced(face: NativeFace, dx: F32, dy: F32, box: Window | None = None) -> U8:
    """The photograph's own pixels moved: the result at p is the photograph at p + R (dx, dy).

    Args:
        dx: (h, w) in template units along the template's x axis, for every region pixel (see `sample`).
        dy: likewise along its y axis.
        box: left, top, right, bottom of the part of the region that is wanted, of which ``dx`` and ``dy`` then are; all
            of it when not given.

    Returns:
        (h, w, 3) uint8, cubic; bit-equal where both are 0.
    """
    left, top, right, bottom = box or (0, 0, *face.shape[::-1])
    (a, b), (c, d) = np.linalg.inv(face.to_template[:, :2].astype(np.float64)).astype(np.float32)
    xs, ys = np.arange(left, right, dtype=np.float32), np.arange(top, bottom, dtype=np.float32)[:, None]
    moved = cv2.remap(face.pixels, xs + a * dx + b * dy, ys + c * dx + d * dy, cv2.INTER_CUBIC,
                      borderMode=cv2.BORDER_REPLICATE)  # fmt: skip
    return np.asarray(moved, np.uint8)


def coverage(distance: F32, face: NativeFace, softness: float = 0.5) -> F32:
    """How much of each pixel lies on the positive side of a signed distance: an edge as sharp as the photograph.

    Args:
        distance: (h, w) in template units.
        softness: of the edge, pixels of the photograph.

    Returns:
        (h, w) float in 0..1: sigmoid(distance * scale / softness).
    """
    z = np.clip(distance * np.float32(face.scale / softness), -30, 30)
    return np.asarray(1 / (1 + np.exp(-z)), np.float32)


def inside(face: NativeFace, window: Window, feather: float) -> F32:
    """A mask of a window: 0 outside, rising to 1 within ``feather`` template units of its sides. -> (h, w)."""
    x, y = template_grid(face)
    left, top, right, bottom = window
    nearest = np.minimum(
        np.minimum(x - (left - 0.5), (right - 0.5) - x), np.minimum(y - (top - 0.5), (bottom - 0.5) - y)
    )
    return smoothstep(nearest / np.float32(feather))


def layered(layers: Sequence[tuple[F32 | U8, F32]]) -> F32:
    """Layers joined by their weights: sum(image * weight) / sum(weight).

    Args:
        layers: images (h, w, 3) and weights (h, w), at least 0 and somewhere above it at every pixel.

    Returns:
        (h, w, 3) float32.
    """
    total = np.sum([weight for _, weight in layers], axis=0)
    joined = np.zeros_like(layers[0][0], np.float32)
    for image, weight in layers:
        joined += image * (weight / total)[..., None]
    return joined


def blended(face: NativeFace, result: F32 | U8, alpha: F32) -> U8:
    """The photograph where ``alpha``, (h, w), is 0, bit-equal, and ``result``, (h, w, 3), where it is 1. -> uint8."""
    added = (result - face.pixels.astype(np.float32)) * alpha[..., None]
    mixed: U8 = cv2.add(face.pixels, added, dtype=cv2.CV_8U).astype(np.uint8, copy=False)
    return mixed


def points_in_template(face: NativeFace) -> F32:
    """The 68 points in template units. -> (68, 2)."""
    return transform_points(face.points68, face.to_template)


def _enlarged(field: F32) -> F32:
    """A field (h, w[, C]) `FINER` times as fine, smooth, exact for slopes; borders repeat.

    By OpenCV's filters and not by NumPy's matrices: these are BLAS's, whose threads spin while they wait for one
    another. They gained nothing, took a second processor, and beside one busy process "Younger" took 67 to 120 ms for
    its 33 (`tests/unit/runtime/test_blas.py`).
    """
    kernels = _catmull_rom()
    finer = np.empty((FINER * field.shape[0], FINER * field.shape[1], *field.shape[2:]), np.float32)
    for y, down in enumerate(kernels):
        for x, across in enumerate(kernels):
            samples = cv2.sepFilter2D(field, cv2.CV_32F, across, down, borderType=cv2.BORDER_REPLICATE)
            finer[y::FINER, x::FINER] = samples.reshape(field.shape)
    return finer


@cache
def _catmull_rom() -> F32:
    """(FINER, 5): of each of a pixel's samples, the weights of the pixels from -2 to 2. Keys 1981, a = -0.5."""
    places = (np.arange(FINER) + 0.5) / FINER - 0.5
    first = np.floor(places).astype(int)
    t = places - first
    weights = np.stack([-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, -(t**2) + t**3], -1) / 2
    kernels = np.zeros((FINER, 5), np.float32)
    for kernel, start, four in zip(kernels, first + 1, weights, strict=True):
        kernel[start : start + 4] = four
    return kernels


def _template_to_field(window: Window, shape: tuple[int, ...]) -> F32:
    """The 2x3 matrix from template coordinates to a field's pixels."""
    left, top, right, bottom = window
    x, y = shape[1] / (right - left), shape[0] / (bottom - top)
    return np.array([[x, 0, (0.5 - left) * x - 0.5], [0, y, (0.5 - top) * y - 0.5]], np.float32)


def crop_face(crop: U8, points68: F32) -> NativeFace:
    """An aligned crop, (S, S, 3), taken for a photograph; its points are in its own pixels."""
    scale = CROP_SIZE / crop.shape[0]
    shift = 0.5 * scale - 0.5
    return NativeFace(crop, np.array([[scale, 0, shift], [0, scale, shift]], np.float32), points68)
