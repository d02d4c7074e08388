"""Faces in a photograph: what is known of one, which can be edited, and which are chosen."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from diat.align import (
    CELEBA_TEMPLATE_128,
    CROP_SIZE,
    scale_of,
    similarity,
    transform_points,
)
from diat.errors import InvalidArgument, PhotoRejected
from diat.pixels import F32, U8

MAX_FACES = 20  # of a photograph; a choice of ours that bounds the work and the page's list
MAX_FACES_NOTICE = f"Only the {MAX_FACES} largest faces are considered; smaller ones stay as they are."

# Cosine of the recogniser's embeddings above which two faces count as one person. Of 2,036,848 pairs of different
# people among 2,020 photographs of CelebA's validation part 25 exceed it, and of 2,342 pairs of one person 89 %; a
# test (`test_strangers_are_told_apart`) takes the first figure again.
SAME_PERSON = 0.35

# What a face must be like to be edited. The networks know faces that are turned less and are sharper than this.
MIN_CROP_SIDE = 64.0  # of the square around the face that the crop covers, in pixels of the photograph: half the crop's
MAX_YAW = 45.0  # degrees; of 11,890 faces of CelebA, on which the networks are trained, 1.5 % are turned more
# Mean distance of the five points from the template after alignment, in crop pixels at 128. Of 11,890 faces of CelebA
# the median is 1.8, one in a hundred has more than 5.7, and 8 have more than this.
MAX_MISFIT = 10.0
# The nose tip stands this far out of the plane of the eyes, in inter-ocular distances: read off CelebA, where faces
# turned by 45 degrees have it 0.55 of the distance beside the middle of the eyes.
NOSE_HEIGHT = 0.55


@dataclass(frozen=True, eq=False)
class Face:
    """One face. Coordinates are pixels of the photograph, x to the right and y down."""

    box: F32  # (4,) left, top, right, bottom
    score: float  # the detector's confidence, 0..1
    points5: F32  # (5, 2) the viewer's left eye, right eye, nose tip, left and right mouth corner
    points68: F32  # (68, 2) iBUG 300-W order

    @property
    def area(self) -> float:
        """Area of the box in square pixels."""
        return float((self.box[2] - self.box[0]) * (self.box[3] - self.box[1]))


class DetectedFaces(list[Face]):
    """The faces of a photograph, largest first, at most `MAX_FACES`, and how many smaller ones were left out."""

    def __init__(self, faces: Iterable[Face] = (), left_out: int = 0) -> None:
        super().__init__(faces)
        self.left_out = left_out


class FaceDetector(Protocol):
    """What the editor and the data preparation need of a detector. Several threads may call one at once."""

    def detect(self, photo: U8) -> list[Face]:
        """Faces of an (H, W, 3) RGB photograph, largest first, at most `MAX_FACES`; see `DetectedFaces`."""
        ...

    def landmarks(self, photo: U8, box: F32) -> F32:
        """The 68 points, (68, 2), of the face in a box, (4,) left, top, right, bottom."""
        ...

    def embed(self, photo: U8, points5: F32) -> F32:
        """Unit-length identity embedding of the face at ``points5``."""
        ...


def yaw(points5: F32) -> float:
    """How far the head is turned to the side, in degrees without sign, estimated from the nose between the eyes."""
    eyes = (points5[1] - points5[0]).astype(np.float64)
    distance = float(np.hypot(*eyes))
    if distance == 0:
        return 90.0
    beside = float((points5[2] - points5[:2].mean(0)) @ eyes) / distance**2
    return float(np.degrees(np.arctan2(abs(beside), NOSE_HEIGHT)))


def crop_side(face: Face) -> float:
    """Side of the square around the face that the crop covers, in pixels of the photograph: how large a face is."""
    return CROP_SIZE / max(scale_of(similarity(face.points5, CELEBA_TEMPLATE_128)), 1e-6)


@dataclass(frozen=True)
class FaceFault:
    """Why a face cannot be edited."""

    brief: str  # for a line under its picture: "too small to change"
    sentence: str  # what was found, what is needed, and what to do: "it is too small, 51 pixels ..."

    def __str__(self) -> str:
        return self.sentence


def face_fault(face: Face) -> FaceFault | None:
    """Why a face cannot be edited, or None."""
    if not np.isfinite(face.points5).all() or float(np.ptp(face.points5, axis=0).min()) < 2:
        return FaceFault(
            "not clear enough to change",
            "its eyes, nose and mouth could not be told apart, so use a clearer photograph.",
        )
    side = crop_side(face)
    if side < MIN_CROP_SIDE:
        return FaceFault(
            "too small to change",
            f"it is too small, {side:.0f} pixels across with its hair where at least {MIN_CROP_SIDE:.0f} are needed, "
            "so use a larger photograph.",
        )
    angle = yaw(face.points5)
    if angle > MAX_YAW:
        return FaceFault(
            "turned too far to change",
            f"it is turned {angle:.0f} degrees to the side where at most {MAX_YAW:.0f} work, "
            "so use one from the front.",
        )
    matrix = similarity(face.points5, CELEBA_TEMPLATE_128)
    misfit = np.linalg.norm(transform_points(face.points5, matrix) - CELEBA_TEMPLATE_128, axis=1).mean()
    if misfit > MAX_MISFIT:
        return FaceFault(
            "not seen from the front",
            "its eyes, nose and mouth do not lie as in a face seen from the front, so use another photograph.",
        )
    return None


FaceChoice = Literal["largest", "all"] | int | Sequence[int]


def usable_faces(faces: Iterable[Face]) -> list[Face]:
    """Those that can be edited, in the same order."""
    return [face for face in faces if face_fault(face) is None]


def choose_faces(faces: Sequence[Face], choice: FaceChoice, notices: list[str]) -> list[int]:
    """Indices of the faces to edit, counted from 0; sentences number faces from 1.

    Raises:
        PhotoRejected: there is no face, or one that was asked for cannot be used.
        InvalidArgument: an index is out of range.
    """
    if not faces:
        raise PhotoRejected("No face found: use a photograph that shows a face from the front, larger or brighter.")
    faults = [face_fault(face) for face in faces]
    usable = [index for index, fault in enumerate(faults) if fault is None]
    if isinstance(faces, DetectedFaces) and faces.left_out:
        notices.append(MAX_FACES_NOTICE)
    if isinstance(choice, str):
        if choice not in ("largest", "all"):
            raise InvalidArgument(_NO_CHOICE.format(choice))
        if not usable and len(faces) == 1:
            raise PhotoRejected(f"The face cannot be used: {faults[0]}")
        if not usable:
            raise PhotoRejected(f"None of the {len(faces)} faces can be used. Face 1: {faults[0]}")
        chosen = usable if choice == "all" else usable[:1]
        # Of the largest, those that would have come before it; of all, every one.
        last = len(faces) if choice == "all" else chosen[0]
        notices.extend(f"Face {i + 1} was left as it is: {fault}" for i, fault in enumerate(faults[:last]) if fault)
        return chosen
    wanted = _indices(choice)
    for index in wanted:
        if not 0 <= index < len(faces):
            there = "1 was found" if len(faces) == 1 else f"{len(faces)} were found, so choose 1 to {len(faces)}"
            raise InvalidArgument(f"There is no face {index + 1} (index {index}): {there}.")
        if faults[index] is not None:
            raise PhotoRejected(f"Face {index + 1} cannot be used: {faults[index]}")
    return wanted


_NO_CHOICE = 'faces must be "largest", "all", an index from 0 or a list of indices, not {!r}.'


def _indices(choice: int | Sequence[int]) -> list[int]:
    """Each index once, in order.

    Raises:
        InvalidArgument: they are no whole numbers, or none.
    """
    try:
        several: Iterable[int] = choice if isinstance(choice, Iterable) else [choice]
        wanted = sorted({operator.index(index) for index in several if not isinstance(index, bool)})
    except TypeError:
        raise InvalidArgument(_NO_CHOICE.format(choice)) from None
    if not wanted:
        raise InvalidArgument("No face was chosen: choose at least one.")
    return wanted


def parse_choice(text: str, option: str = "faces") -> FaceChoice:
    """What a user wrote, "largest", "all" or numbers from 1 such as "1,3", as a choice: indices from 0.

    Raises:
        InvalidArgument: it is none of these; the sentence calls it ``option``.
    """
    text = text.strip()
    if text == "largest" or text == "all":
        return text  # type: ignore[return-value]
    try:
        numbers = [int(number) for number in text.split(",")]
    except ValueError:
        numbers = [0]
    if min(numbers) < 1:
        raise InvalidArgument(f'{option} takes "largest", "all" or numbers from 1 such as 1,3, not {text!r}.')
    return [number - 1 for number in numbers]
