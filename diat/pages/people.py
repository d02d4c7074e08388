"""Faces of a photograph and people of a film as pictures to click, from left to right."""

from __future__ import annotations

from diat.faces import Face, face_fault
from diat.pages.pictures import picture_file, portrait
from diat.pages.widgets import Choice
from diat.pixels import U8


def face_choice(name: str, caption: str, picture: U8, face: Face) -> Choice:
    """One of them; where it cannot be changed, it says why and cannot be clicked.

    Args:
        name: what a click sends.
        caption: under its picture.
        picture: (H, W, 3) RGB uint8, in which the face is.
        face: of the picture.
    """
    image, fault = picture_file(portrait(picture, face)), face_fault(face)
    (height, width), (left, top, right, bottom) = picture.shape[:2], map(float, face.box)
    where = left / width, top / height, (right - left) / width, (bottom - top) / height
    if fault is None:
        return Choice(name, caption, image, where=where)
    why = f"It cannot be changed: {fault}"
    return Choice(name, caption, image, fault.brief, disabled=True, why=why, where=where)
