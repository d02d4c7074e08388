"""Pictures as the pages show them: reduced, close up, and with numbered faces."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import cv2
import numpy as np

from diat.faces import Face
from diat.pixels import U8
from diat.results import EditResult

PREVIEW_SIDE = 1600  # pixels; the download has the photograph's own size
CLOSE_UP_SIDE = 520  # pixels; a smaller face is enlarged to this, the height of the page's picture
CHOSEN_COLOUR, OTHER_COLOUR = (255, 140, 0), (150, 150, 150)
LABEL_WIDTH = 140  # pixels of a face at which its number is drawn at OpenCV's own size

Pair = tuple[U8, U8]  # before and after


def close_ups(result: EditResult) -> Pair:
    """The surroundings of the first edited face, before and after."""
    left, top, right, bottom = surroundings(result.faces[result.edited[0].index], result.photo.shape)
    return enlarged(result.original[top:bottom, left:right]), enlarged(result.photo[top:bottom, left:right])


def surroundings(face: Face, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """A square of twice the face's height around it, cut to the photograph: left, top, right, bottom."""
    left, top, right, bottom = (float(value) for value in face.box)
    x, y, half = (left + right) / 2, (top + bottom) / 2, bottom - top
    return max(0, int(x - half)), max(0, int(y - half)), min(shape[1], int(x + half)), min(shape[0], int(y + half))


def enlarged(pixels: U8) -> U8:
    """A small face is shown large: the longer side at least `CLOSE_UP_SIDE` pixels, at most `PREVIEW_SIDE`."""
    scale = CLOSE_UP_SIDE / max(pixels.shape[:2])
    return reduced(pixels) if scale <= 1 else _resized(pixels, scale, cv2.INTER_CUBIC)


def reduced(pixels: U8) -> U8:
    """A preview: the longer side at most `PREVIEW_SIDE`."""
    scale = PREVIEW_SIDE / max(pixels.shape[:2])
    return pixels if scale >= 1 else _resized(pixels, scale, cv2.INTER_AREA)


def _resized(pixels: U8, scale: float, interpolation: int) -> U8:
    size = [max(1, round(side * scale)) for side in pixels.shape[1::-1]]
    return np.asarray(cv2.resize(pixels, size, interpolation=interpolation), np.uint8)


def draw_faces(photo: U8, faces: Sequence[Face], chosen: Collection[int] | None = None) -> U8:
    """A copy of the photograph with each face boxed and numbered from 1; ``chosen``, by default all, stand out."""
    drawn = photo.copy()
    thickness = max(2, round(max(photo.shape[:2]) / 400))
    for index, face in enumerate(faces):
        left, top, right, bottom = (round(float(value)) for value in face.box)
        colour = CHOSEN_COLOUR if chosen is None or index in chosen else OTHER_COLOUR
        cv2.rectangle(drawn, (left, top), (right, bottom), colour, thickness)
        scale = max(0.6, (right - left) / LABEL_WIDTH)
        label = str(index + 1)
        (width, height), _ = cv2.getTextSize(label, cv2.FONT_HERSHEY_SIMPLEX, scale, thickness)
        cv2.rectangle(drawn, (left, top), (left + width + 8, top + height + 10), colour, -1)
        cv2.putText(drawn, label, (left + 4, top + height + 4), cv2.FONT_HERSHEY_SIMPLEX, scale, (0, 0, 0), thickness)
    return drawn
