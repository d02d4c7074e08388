"""Pictures as the page shows them: small, close up, and as files that only those find who were told of them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from gradio.utils import get_upload_folder

from diat.editor import FaceEditor
from diat.faces import Face
from diat.files import write_file
from diat.pixels import U8, compressed
from diat.provenance import encode
from diat.results import EditResult

PREVIEW_SIDE = 1600  # pixels; the file that is saved has the photograph's own size
CLOSE_UP_SIDE = 520  # pixels; a smaller face is enlarged to this, the height of the page's picture
THUMBNAIL_SIDE = 200  # pixels
TRIAL_SIDE = 360  # pixels of the surroundings of a face on which changes are tried for thumbnails
PREVIEW_QUALITY = 90  # of a JPEG
TOGETHER = 2.5  # so many times the surroundings of one face are shown close up at most
VISIBLE = 12  # levels of 255 by which the most changed pixel of a thumbnail must differ, to speak of a change

Box = tuple[int, int, int, int]  # left, top, right, bottom
Pair = tuple[U8, U8]  # before and after
PictureFile = dict[str, Any]  # what Gradio makes a file's address of


def picture_file(pixels: U8, maker: str | None = None) -> PictureFile:
    """A picture as a JPEG in the folder of uploads, named by its content, so that the same one is not fetched twice.

    Args:
        pixels: (H, W, 3) RGB uint8.
        maker: if it was edited, see `diat.provenance.encode`.
    """
    data = encode(pixels, maker, "JPEG", PREVIEW_QUALITY) if maker else compressed(pixels, ".jpg", PREVIEW_QUALITY)
    path = Path(get_upload_folder()) / hashlib.sha256(data).hexdigest() / "preview.jpg"
    try:
        os.utime(path)  # it may be on its way to a browser: not written anew, but kept as long as a new one
    except FileNotFoundError:
        write_file(path, data)
    return known_file(path)


def marked_preview(pixels: U8, result: EditResult) -> str:
    """A picture of a result as a file with the result's marks, if any, for a part of the page to show. -> its path."""
    return str(picture_file(pixels, result.maker)["path"])


def before_and_after(
    close: Pair, whole: Pair, maker: str | None, unchanged: bool = False
) -> dict[str, dict[str, PictureFile | None]]:
    """The face and the photograph as `diat.pages.widgets.compare_value` takes them.

    Args:
        close: the face.
        whole: the photograph.
        maker: see `picture_file`.
        unchanged: nothing was changed, so that there is no "after".
    """
    return {
        view: {"before": picture_file(pair[0]), "after": None if unchanged else picture_file(pair[1], maker)}
        for view, pair in (("face", close), ("whole", whole))
    }


def known_file(path: Path) -> PictureFile:
    """A file that Gradio may show."""
    return {"path": str(path), "orig_name": path.name, "meta": {"_type": "gradio.FileData"}}


def close_ups(result: EditResult, original: U8 | None = None, near: bool = False) -> Pair:
    """The surroundings of the edited faces, before and after.

    Args:
        result: of the last change.
        original: the photograph before all changes; None for the one that ``result`` began with.
        near: of faces that stand far from each other, the first alone.
    """
    faces = [result.faces[face.index] for face in result.edited]
    first, box = around(faces[:1], result.photo.shape), around(faces, result.photo.shape)
    if near and _longer_side(box) > TOGETHER * _longer_side(first):
        box = first
    before = result.original if original is None else original
    return enlarged(cut(before, box)), enlarged(cut(result.photo, box))


def _longer_side(box: Box) -> int:
    return max(box[2] - box[0], box[3] - box[1])


def around(faces: Sequence[Face], shape: tuple[int, ...]) -> Box:
    """What holds the surroundings of some faces."""
    boxes = np.array([surroundings(face, shape) for face in faces])
    (left, top), (right, bottom) = boxes[:, :2].min(0), boxes[:, 2:].max(0)
    return int(left), int(top), int(right), int(bottom)


def surroundings(face: Face, shape: tuple[int, ...], heights: float = 2.0) -> Box:
    """A square of so many heights of the face around it, cut to the photograph."""
    left, top, right, bottom = (float(value) for value in face.box)
    x, y, half = (left + right) / 2, (top + bottom) / 2, heights * (bottom - top) / 2
    return max(0, int(x - half)), max(0, int(y - half)), min(shape[1], int(x + half)), min(shape[0], int(y + half))


def cut(photo: U8, box: Box) -> U8:
    """A part of a photograph."""
    left, top, right, bottom = box
    return photo[top:bottom, left:right]


def portrait(photo: U8, face: Face) -> U8:
    """A face as a thumbnail."""
    part = cut(photo, surroundings(face, photo.shape, 1.5))
    scale = THUMBNAIL_SIDE / max(*part.shape[:2], 1)
    return _resized(part, scale, cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)


def from_left(faces: Sequence[Face]) -> list[Face]:
    """Faces as they stand in the picture, from left to right."""
    return sorted(faces, key=lambda face: float(face.box[0] + face.box[2]))


def tried(editor: FaceEditor, photo: U8, face: Face, apply_anyway: bool = False) -> tuple[U8, bool]:
    """A change of a face as a thumbnail, tried on a small copy of its surroundings, and whether anything is seen."""
    box = surroundings(face, photo.shape)
    part = cut(photo, box)
    scale = min(1.0, TRIAL_SIDE / max(part.shape[:2]))
    small = np.ascontiguousarray(part if scale == 1 else _resized(part, scale, cv2.INTER_AREA))
    moved = _moved(face, (box[0], box[1]), scale)
    changed = editor.edit_frame(small, [moved], apply_anyway=apply_anyway)
    difference = cv2.absdiff(portrait(small, moved), portrait(changed, moved))
    return portrait(changed, moved), bool(difference.max() > VISIBLE)


def _moved(face: Face, origin: tuple[int, int], scale: float) -> Face:
    offset = np.array(origin, np.float32)
    box, points5, points68 = (
        ((points.reshape(-1, 2) - offset) * np.float32(scale)).astype(np.float32)
        for points in (face.box, face.points5, face.points68)
    )
    return replace(face, box=box.ravel(), points5=points5, points68=points68)


def enlarged(pixels: U8) -> U8:
    """A small face is shown large: the longer side at least `CLOSE_UP_SIDE` pixels, at most `PREVIEW_SIDE`."""
    scale = CLOSE_UP_SIDE / max(pixels.shape[:2])
    return reduced(pixels) if scale <= 1 else _resized(pixels, scale, cv2.INTER_CUBIC)


def reduced(pixels: U8, side: int = PREVIEW_SIDE) -> U8:
    """A picture whose longer side has at most so many pixels: a preview."""
    scale = side / max(pixels.shape[:2])
    return pixels if scale >= 1 else _resized(pixels, scale, cv2.INTER_AREA)


def _resized(pixels: U8, scale: float, interpolation: int) -> U8:
    size = [max(1, round(side * scale)) for side in pixels.shape[1::-1]]
    return np.asarray(cv2.resize(pixels, size, interpolation=interpolation), np.uint8)
