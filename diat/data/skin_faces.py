"""Faces to learn the skin's fields from: photographs of CelebA's schema, the larger the better, and their targets.

CelebA's own 178x218 will do, but shows no pores; CelebA-HQ's records with CelebAMask-HQ's parsing (a ``mask`` column of
palette PNGs) teach where skin, hair and neck are, and are what beards and brows are learnt from.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from diat.align import CROP_SIZE, photo_to_crop_matrix, resized, transform_points, warp_to_crop
from diat.attributes import COLUMNS, AttributeSpec
from diat.data.celeba import Record, Rows
from diat.data.fields_skin import SIDE, Faces, SkinFields, SkinTargets, described, hair_of_face, picture_of
from diat.detector import InsightFaceDetector
from diat.errors import TrainingStopped
from diat.heads import HEADS, PARTS
from diat.native.color import to_lab
from diat.pixels import F32, U8, decompressed

FINE = 256  # side of the crops whose relief is compared
SIZE = HEADS["skin"].size  # side of what the network sees
UNKNOWN = 255  # of a parsing mask: outside the photograph
# CelebAMask-HQ's classes as places in `PARTS`. Ears count as neck, which is tinted less; nose as skin; glasses, hats,
# jewellery and clothes as other.
_CLASSES = {"other": (0, 3, 14, 15, 16, 18), "skin": (1, 2), "brow": (6, 7), "eye": (4, 5), "mouth": (10, 11, 12),
            "hair": (13,), "neck": (8, 9, 17)}  # fmt: skip
BEHIND = (0, 14, 15, 16, 18)  # background, hat, jewellery and clothes: no change of a face may touch them
MOST_TURNED = 14.0  # template units that a nose tip may lie beside the middle of the eyes
BEARDS = ("5_o_Clock_Shadow", "Goatee", "Mustache")
# What would hide or change the face: such faces are nobody's neighbours.
HIDING = ("Eyeglasses", "Wearing_Hat", "Blurry", "Bangs")


@dataclass(frozen=True)
class Kinds:
    """Which faces stand for an attribute. Names are CelebA's columns, but of ``free``."""

    not_wanted: tuple[str, ...] = ()  # of faces that have it, but not as it is wanted
    not_lacking: tuple[str, ...] = ()  # of faces that lack it, with something more to take away
    alike: tuple[str, ...] = ()  # neighbours share these, besides sex or age
    free: tuple[str, ...] = ()  # see `diat.data.fields_skin.SkinTargets`


# A smile is the mouth's width and its corners' height, but not its opening.
_SMILE = Kinds(alike=("Mouth_Slightly_Open",), free=("width", "corners"))
# By `AttributeSpec.direction`; of all others every plain face is typical.
KINDS = {
    "Young": Kinds(not_wanted=("Bags_Under_Eyes", "Double_Chin", "Chubby")),
    "not-Male": Kinds(not_lacking=BEARDS),
    "Male": Kinds(not_wanted=BEARDS, not_lacking=("Heavy_Makeup",)),
    "Smiling": _SMILE,
    "not-Smiling": _SMILE,
}


@dataclass(frozen=True, eq=False)
class SkinFaces:
    """N faces, and what is known of each."""

    crops: U8  # (N, SIZE, SIZE, 3)
    attributes: NDArray[np.bool_]  # (N, 40)
    valid: NDArray[np.bool_]  # (N, SIDE, SIDE) what the photograph shows; borders of a tight one are repeated
    parsing: dict[int, U8]  # (SIZE, SIZE) places in PARTS or UNKNOWN, of those that have a mask
    faces: Faces

    def column(self, name: str) -> NDArray[np.bool_]:
        """(N,) values of one of CelebA's attributes."""
        return np.asarray(self.attributes[:, COLUMNS.index(name)])

    @property
    def bearded(self) -> NDArray[np.bool_]:
        """(N,) any hair of the face, stubble too."""
        return np.asarray(~self.column("No_Beard") | np.any([self.column(name) for name in BEARDS], axis=0))

    @property
    def digest(self) -> str:
        """Identifies the data, to tell a resumed run from another."""
        return f"{zlib.crc32(self.attributes.tobytes()):08x}{zlib.crc32(self.faces.points.tobytes()):08x}"


def collect(records: Iterable[Record], detector: InsightFaceDetector) -> SkinFaces:
    """Find and cut out the face of every photograph; those without one are passed over.

    Raises:
        TrainingStopped: there is none.
    """
    crops: list[U8] = []
    attributes, valid, points, pictures, descriptions = [], [], [], [], []
    parsing: dict[int, U8] = {}
    for record in records:
        photo = decompressed(record.jpeg)
        middle = np.array(photo.shape[1::-1], np.float32) / 2
        found = detector.detect(photo)
        if not found:
            continue
        face = min(found, key=lambda face: float(np.linalg.norm(face.points5.mean(0) - middle)))
        matrix = photo_to_crop_matrix(face.points5)
        crop, brow = warp_to_crop(photo, matrix, FINE), np.zeros((SIZE, SIZE), np.float32)
        if record.mask is not None:
            parsing[len(crops)] = parsed(record.mask, photo.shape, matrix)
            brow = (parsing[len(crops)] == PARTS.index("brow")).astype(np.float32)
        points.append(transform_points(face.points68, matrix))
        pictures.append(picture_of(crop, brow))
        descriptions.append(described(pictures[-1], points[-1]))
        crops.append(resized(crop, SIZE))
        shown = cv2.warpAffine(np.ones(photo.shape[:2], np.uint8), _at(matrix, SIDE), (SIDE, SIDE))
        valid.append(shown > 0)
        attributes.append(record.attributes)
    if not crops:
        raise TrainingStopped("No face was found in the data set: give photographs of CelebA's schema.")
    known = np.array([row in parsing for row in range(len(crops))])
    faces = Faces(np.stack(points), np.stack(pictures).astype(np.float16), np.stack(descriptions), known)
    return SkinFaces(np.stack(crops).astype(np.uint8), np.stack(attributes), np.stack(valid), parsing, faces)


def parsed(mask: bytes, photo_shape: tuple[int, ...], photo_to_crop: F32, size: int = SIZE) -> U8:
    """CelebAMask-HQ's mask of a photograph, at any size, as parts of the aligned crop. -> (size, size)."""
    table = np.full(256, UNKNOWN, np.uint8)
    for part, classes in _CLASSES.items():
        table[list(classes)] = PARTS.index(part)
    labels = table[_classes(mask)]
    full = cv2.resize(labels, photo_shape[1::-1], interpolation=cv2.INTER_NEAREST)
    matrix = _at(photo_to_crop, size)
    return np.asarray(
        cv2.warpAffine(full, matrix, (size, size), flags=cv2.INTER_NEAREST, borderValue=UNKNOWN), np.uint8
    )


def behind(mask: bytes, photo_shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Where a photograph shows neither face, hair nor neck, by its mask. -> (H, W)."""
    shown = np.isin(_classes(mask), BEHIND).astype(np.uint8)
    return cv2.resize(shown, photo_shape[1::-1], interpolation=cv2.INTER_NEAREST) > 0


def _classes(mask: bytes) -> U8:
    """CelebAMask-HQ's class of each pixel of a mask."""
    return np.asarray(Image.open(io.BytesIO(mask)).convert("P"))


def targets(data: SkinFaces, spec: AttributeSpec, rows: Rows) -> tuple[dict[int, SkinFields], dict[int, F32]]:
    """The fields of faces that lack the attribute, and where hair of the face is, for those of whom it is known.

    Raises:
        TrainingStopped: too few faces of either kind.
    """
    made = prototypes(data, spec)
    labels, bearded = alike(data, spec), data.bearded
    fields: dict[int, SkinFields] = {}
    hair: dict[int, F32] = {}
    for row in rows.tolist():
        picture = data.faces.pictures[row].astype(np.float32)
        fields[row] = made(picture, data.faces.points[row], int(labels[row]), row)
        if not bearded[row]:
            hair[row] = np.zeros((SIDE, SIDE), np.float32)
        elif row in data.parsing:
            # No beard grows on background, brows and eyes.
            allowed = ~np.isin(data.parsing[row], [PARTS.index(part) for part in ("other", "brow", "eye")])
            large = cv2.resize(data.crops[row], (CROP_SIZE, CROP_SIZE), interpolation=cv2.INTER_CUBIC)
            where = cv2.resize(allowed.astype(np.float32), (CROP_SIZE, CROP_SIZE), interpolation=cv2.INTER_NEAREST)
            hair[row] = hair_of_face(
                to_lab(large), data.faces.points[row], fields[row].fill, np.asarray(where, np.float32)
            )
    return fields, hair


def prototypes(data: SkinFaces, spec: AttributeSpec) -> SkinTargets:
    """What the fields of an attribute are made from: typical faces of either kind, from the front, nothing hidden."""
    turned = np.abs(data.faces.points[:, 30, 0] - data.faces.points[:, 36:48, 0].mean(1)) > MOST_TURNED
    plain = ~turned & ~np.any([data.column(name) for name in HIDING], axis=0)
    having = data.column(spec.column) == spec.wanted
    kinds = KINDS.get(spec.direction, Kinds())
    typical = plain & ~np.any([data.column(name) for name in (*kinds.not_wanted, *HIDING)], axis=0)
    lacking = plain & ~np.any([data.column(name) for name in (*kinds.not_lacking, *HIDING)], axis=0)
    wanted, without = np.flatnonzero(having & typical), np.flatnonzero(~having & lacking)
    for name, rows in (("with", wanted), ("without", without)):
        if len(rows) < 2:
            raise TrainingStopped(f"Only {len(rows)} faces {name} {spec.title!r} are plain enough: use more data.")
    return SkinTargets(data.faces, without, wanted, alike(data, spec), spec.column == "Male", kinds.free)


def alike(data: SkinFaces, spec: AttributeSpec) -> NDArray[np.int64]:
    """A label that a face's neighbours share with it. -> (N,)."""
    names = ("Male" if spec.column != "Male" else "Young", *KINDS.get(spec.direction, Kinds()).alike)
    return np.asarray(sum(data.column(name).astype(np.int64) << place for place, name in enumerate(names)), np.int64)


def _at(photo_to_crop: F32, size: int) -> F32:
    """The matrix into a crop of another size, pixel centres kept."""
    factor = size / CROP_SIZE
    matrix = photo_to_crop * np.float32(factor)
    matrix[:, 2] += (factor - 1) / 2
    return np.asarray(matrix, np.float32)
