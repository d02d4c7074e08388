"""The difference between the prototypes of two kinds of faces (`diat.native.prototypes`), from the faces of a pack.

As many of either kind share sex, age, a smile and an open mouth, so that the difference is the attribute's alone. Each
face is laid by its landmarks on the mean of all, and mirrored.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from diat.align import CROP_SIZE, rescaled, resized
from diat.attributes import AttributeSpec
from diat.data.celeba import Rows
from diat.data.fields_glasses import MIRRORED_68
from diat.data.pack import Pack
from diat.data.skin_faces import BEARDS
from diat.errors import TrainingStopped
from diat.native.color import to_lab
from diat.native.geometry import regions
from diat.native.prototypes import Prototypes
from diat.native.spline import laid_by_landmarks
from diat.pixels import F32

LEAST = 100  # faces in a prototype
MATCHED = ("Male", "Young", "Smiling", "Mouth_Slightly_Open")
HIDING = ("Eyeglasses", "Wearing_Hat", "Blurry")
AHEAD = 0.15  # of the face's width, by which the nose may lie nearer to one side
COARSE = 8.0  # template units: what a Gaussian of that leaves of the difference is light, which the fields know better
MOST = (-60.0, 40.0)  # CIELAB, of a face against its cheeks: beyond is hair, clothes and background
SEED = 0  # of the choice


def prototype_difference(pack: Pack, spec: AttributeSpec) -> Prototypes:
    """What the train part's faces with an attribute differ by from those without.

    Args:
        pack: the data.
        spec: the attribute.

    Raises:
        TrainingStopped: too few faces of either kind are alike.
    """
    points = rescaled(pack.points68, pack.size, CROP_SIZE)
    kinds = _alike(pack, spec, points)
    mean = symmetric(np.concatenate([points[rows] for rows in kinds]).mean(0))
    having, lacking = (_prototype(pack, points, rows, mean) for rows in kinds)
    difference = having - lacking
    difference -= cv2.GaussianBlur(difference, (0, 0), COARSE)
    return Prototypes(np.asarray(difference, np.float32), mean)


def look_ahead(points: F32, most: float) -> NDArray[np.bool_]:
    """Which faces do, by how far the nose is from either side of the jaw, in widths of it. points: (N, 68, 2)."""
    left, nose, right = points[:, 1, 0], points[:, 30, 0], points[:, 15, 0]
    ahead: NDArray[np.bool_] = np.abs((nose - left) - (right - nose)) < most * (right - left)
    return ahead


def symmetric(points: F32) -> F32:
    """Landmarks, (68, 2) in template units, and their mirror image averaged."""
    flipped = points[MIRRORED_68] * np.array([-1, 1]) + np.array([CROP_SIZE - 1, 0])
    return np.asarray((points + flipped) / 2, np.float32)


def against_cheeks(pack: Pack, row: int, points: F32) -> tuple[F32, F32]:
    """A face in CIELAB, (128, 128, 3), less the colour of its cheeks, and that colour, (3,)."""
    lab = to_lab(resized(pack.crops[row], CROP_SIZE))
    cheeks = regions(points, CROP_SIZE).cheeks > 0.5
    colour = np.median(lab[cheeks] if cheeks.any() else lab.reshape(-1, 3), axis=0)
    return np.asarray(lab - colour, np.float32), np.asarray(colour, np.float32)


def _alike(pack: Pack, spec: AttributeSpec, points: F32) -> tuple[Rows, Rows]:
    """Rows of faces with the attribute and without it, as many of each that share the matched columns."""
    plain = np.zeros(len(pack.crops), bool)
    plain[pack.rows("train")] = True
    plain &= pack.has_face
    plain[plain] = look_ahead(points[plain], AHEAD)
    plain &= ~np.any([pack.column(name) for name in HIDING if name != spec.column], axis=0)
    if spec.column not in (*BEARDS, "No_Beard"):
        plain &= pack.column("No_Beard") & ~np.any([pack.column(name) for name in BEARDS], axis=0)
    having = pack.column(spec.column) == spec.wanted
    names = [name for name in MATCHED if name != spec.column]
    kind = sum(pack.column(name).astype(np.int64) << place for place, name in enumerate(names))
    rng = np.random.default_rng(SEED)
    chosen: tuple[list[Rows], list[Rows]] = ([], [])
    for value in range(1 << len(names)):
        both = [rng.permutation(np.flatnonzero(plain & (kind == value) & (having == has))) for has in (True, False)]
        for rows, of_kind in zip(chosen, both, strict=True):
            rows.append(of_kind[: min(map(len, both))])
    with_it, without = (np.sort(np.concatenate(rows)) for rows in chosen)
    if len(with_it) < LEAST:
        raise TrainingStopped(
            f"The pack holds {len(with_it)} faces with {spec.title!r} that have their like without, of the {LEAST} "
            "that are needed: use more data."
        )
    return with_it, without


def _prototype(pack: Pack, points: F32, rows: Rows, mean: F32) -> F32:
    """The mean of faces laid on the mean landmarks, and of its mirror image. -> (128, 128, 3) CIELAB."""
    total = np.zeros((CROP_SIZE, CROP_SIZE, 3))
    for row in rows:
        lab, _ = against_cheeks(pack, int(row), points[row])
        total += laid_by_landmarks(np.clip(lab, *MOST), points[row], mean, CROP_SIZE)
    return np.asarray((total + total[:, ::-1]) / (2 * len(rows)), np.float32)
