"""Images as arrays: their types, the one place that writes files, and sheets of them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

LUMA: F32 = np.array([0.299, 0.587, 0.114], np.float32)  # of RGB, ITU-R BT.601
MEAN: F32 = np.full(3, 1 / 3, np.float32)


def channel_sum(image: U8 | F32, weights: F32 = LUMA) -> F32:
    """The weighted sum of the channels, by default the lightness: (..., 3) and (3,) -> (...)."""
    image = np.asarray(image, np.float32)
    pixels = np.ascontiguousarray(image).reshape(-1, 1, 3)
    return np.asarray(cv2.transform(pixels, weights[None]), np.float32).reshape(image.shape[:-1])


def largest(change: F32) -> F32:
    """Of each pixel the largest of the channels' sizes, (..., C) -> (...): NumPy is slow along so short an axis."""
    channels = cv2.split(np.abs(change).reshape(-1, 1, change.shape[-1]))
    return np.asarray(reduce(np.maximum, channels), np.float32).reshape(change.shape[:-1])


def smoothstep(values: NDArray[np.floating] | float, low: float = 0.0, high: NDArray[np.floating] | float = 1.0) -> F32:
    """0 up to ``low``, 1 from ``high`` on, 3t^2 - 2t^3 between, elementwise."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def contact_sheet(rows: Iterable[tuple[U8, ...]], columns: int = 4, scale: int = 1) -> U8:
    """Lay out cells of images side by side (before, after, ...), ``columns`` cells to a line, 4 pixels apart."""
    cells: list[NDArray[Any]] = [np.concatenate(row, axis=1) for row in rows]
    cells += [np.full_like(cells[0], 255)] * (-len(cells) % columns)
    cells = [cv2.copyMakeBorder(cell, 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=(255, 255, 255)) for cell in cells]
    sheet = np.concatenate([np.concatenate(cells[i : i + columns], axis=1) for i in range(0, len(cells), columns)])
    if scale != 1:
        sheet = cv2.resize(sheet, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST)
    return sheet.astype(np.uint8, copy=False)


def compressed(image: U8, kind: Literal[".jpg", ".webp"], quality: int) -> bytes:
    """An RGB image as the bytes of a file. ``quality``: 0 to 100, as the format has it."""
    option = {".jpg": cv2.IMWRITE_JPEG_QUALITY, ".webp": cv2.IMWRITE_WEBP_QUALITY}[kind]
    return cv2.imencode(kind, image[..., ::-1], [option, quality])[1].tobytes()


def decompressed(data: bytes | U8) -> U8:
    """The image of a file's bytes. -> (H, W, 3) RGB.

    Raises:
        ValueError: the bytes are no image.
    """
    # OpenCV asserts on an empty buffer and returns None for a bad one.
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB) if len(data) else None
    if image is None:
        raise ValueError("not a decodable image")
    return image.astype(np.uint8, copy=False)


def save_image(path: Path, image: U8) -> None:
    """Write an RGB image; the ending chooses the format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image[..., ::-1])
