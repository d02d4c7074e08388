"""What separates faces with a global attribute from faces without it, as fields of one face: targets for training.

The idea of `prototypes` (Rowland and Perrett 1995), taken apart into quantities that can be enlarged without loss. The
60 faces of either kind that are most like a face in pose, light, skin and sharpness are laid over it by their
landmarks; the difference of their means is the attribute's own: how the shape moves, how skin, lips and brows change
colour, how strong the skin's relief is at each scale, what a clean chin looks like and how thin a brow is.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from diat.align import CROP_SIZE, similarity, transform_points
from diat.native.bands import bands_of
from diat.native.color import to_lab
from diat.native.geometry import Regions, beneath_jaw, blurred, filled, interocular, regions
from diat.pixels import F32, U8

Rows = NDArray[np.int64]

NEIGHBOURS = 60
FEWEST = 5  # faces that share a label: where there are fewer, it is not asked for
GRID = 32  # cells along each side of the fields
SIDE = 64  # of the pictures that are compared, in pixels
REACH = 14.0  # template units: how far a landmark's movement is felt
LAB_UNIT: F32 = np.array([14.0, 9.0, 9.0], np.float32)  # differences of CIELAB that count alike
# The first numbers of `described`: where nose tip and chin are, and the mouth's opening, width and corners' height.
POSE = ("nose_x", "nose_y", "chin_x", "chin_y", "opening", "width", "corners")
# Pixels this far from the colour of a face's own cheeks are not its skin (hair, eyes, shadow).
SKIN_SPREAD: F32 = np.array([30.0, 14.0, 16.0], np.float32)
CHANNELS = slice(0, 3), slice(3, 7), 7  # of `Faces.pictures`: LAB, amplitudes of the bands, share of brow


@dataclass(frozen=True, eq=False)
class Faces:
    """N faces to compare: `picture_of` and `described` of each."""

    points: F32  # (N, 68, 2) in template units
    pictures: NDArray[np.float16]  # (N, SIDE, SIDE, 8): LAB, |band| x 4, probability of brow
    descriptions: F32  # (N, K)
    parsed: NDArray[np.bool_]  # (N,) whether the brow is known; elsewhere that channel is 0


@dataclass(frozen=True, eq=False)
class SkinFields:
    """The fields of one face, what the network learns. Grids cover the crop; colours are CIELAB."""

    flow: F32  # (GRID, GRID, 2) movement of what is there, template units
    bias: F32  # (GRID, GRID, 3) change of the skin's colour
    limits: F32  # (GRID, GRID, 4) amplitude of each band wanted there, in units of the unwanted kind's cheeks
    fill: F32  # (GRID, GRID, 3) colour of clean skin there, against the cheeks'
    thinning: F32  # (SIDE, SIDE) share of the brows' hair that the wanted kind does not have
    lips: F32  # (3,)
    brows: F32  # (3,)


def picture_of(crop: U8, brow: F32) -> F32:
    """What is compared of a face. crop: (S, S, 3) RGB; brow: probability of brow, any size. -> (SIDE, SIDE, 8)."""
    lab = to_lab(crop)
    amplitudes = [_reduced(np.abs(band)) for band in bands_of(lab[..., 0])]
    planes = [_reduced(lab), *(np.minimum(a, 8.0) for a in amplitudes), _reduced(brow)]
    return np.asarray(np.dstack(planes), np.float32)


def described(picture: F32, points: F32) -> F32:
    """Numbers that are close for faces alike in pose, expression, light, skin and sharpness; not in shape, or the
    attribute itself would be matched away. -> (K,).
    """
    unit, eyes = interocular(points), points[36:48].mean(0)
    width = float(np.linalg.norm(points[54] - points[48]))
    nose, chin, mouth = (points[30] - eyes) / unit, (points[8] - eyes) / unit, points[62]
    opening = float(np.linalg.norm(points[66] - mouth)) / width
    corners = float(((points[48] + points[54]) / 2 - mouth)[1]) / width
    pose = [nose[0] * 8, nose[1] * 6, chin[0] * 5, chin[1] * 2, opening * 8, width / unit * 5, corners * 8]
    coarse = cv2.resize(picture[..., :3], (8, 8), interpolation=cv2.INTER_AREA)[2:8, 1:7] / LAB_UNIT / 2.2
    cheeks = regions(points, SIDE).cheeks
    sharpness = [np.log(_mean(picture[..., 3 + band], cheeks) + 0.05) for band in (0, 1)]
    return np.asarray(np.r_[pose, coarse.ravel(), sharpness], np.float32)


class SkinTargets:
    """The fields that move a face of one kind towards another.

    Args:
        faces: all of them.
        without: rows of those that lack the attribute, as typical as can be had.
        wanted: rows of those that have it.
        alike: (N,) a label that neighbours must share, such as sex where age is changed.
        keep_lightness: leave the skin as light as it is on the whole.
        free: of `POSE`, what neighbours need not share, since it is the attribute.
    """

    def __init__(
        self,
        faces: Faces,
        without: Rows,
        wanted: Rows,
        alike: NDArray[np.int64],
        keep_lightness: bool,
        free: Collection[str] = (),
    ) -> None:
        self._faces, self._alike, self._keep_lightness = faces, alike, keep_lightness
        self._kinds = (without, wanted)
        self._counts = np.ones(faces.descriptions.shape[1], np.float32)
        self._counts[[place for place, name in enumerate(POSE) if name in free]] = 0

    def __call__(self, picture: F32, points: F32, alike: int, row: int = -1) -> SkinFields:
        """The fields of a face. ``row``: its place in the faces, which are not to be its own neighbours."""
        description = described(picture, points)
        near = [self._nearest(kind, description, alike, row) for kind in self._kinds]
        felt, areas = _felt(points), regions(points, SIDE)
        shapes = [self._faces.points[rows].mean(0) for rows in near]
        # Faces are aligned by the mouth too: a smile, which widens it, would pull the eyes down and together.
        held = transform_points(shapes[1], similarity(_eyes(shapes[1]), _eyes(shapes[0])))
        flow = (felt @ (held - shapes[0])).reshape(GRID, GRID, 2)
        (before, before_weight), (after, after_weight) = (self._mean_face(rows, points, felt, areas) for rows in near)
        change = after[..., :3] - before[..., :3]
        skin = areas.oval * (1 - areas.features)
        # The features' own darkness must not leak onto the skin beside them: they are left out of the average.
        bias = _normalised_blur(change, skin * np.minimum(before_weight, after_weight), 2.0)
        if self._keep_lightness:
            bias[..., 0] -= _mean(bias[..., 0], areas.cheeks)
        cheek_relief = np.array([_mean(before[..., 3 + band], areas.cheeks) for band in range(4)], np.float32)
        limits = blurred(after[..., 3:7] / cheek_relief, 1.2)
        cheek_colour = np.array([_mean(after[..., i], areas.cheeks) for i in range(3)], np.float32)
        fill = _normalised_blur(after[..., :3], after_weight, 1.25) - cheek_colour
        thinning = picture[..., 7] * np.clip(1.6 * (1 - after[..., 7] / (before[..., 7] + 0.05)), 0, 1)
        lips, brows = (np.array([_mean(change[..., i], m) for i in range(3)]) for m in (areas.lips, areas.brows))
        bias, limits, fill = (_reduced(field, GRID) for field in (bias, limits, fill))
        return SkinFields(
            flow.astype(np.float32), bias, limits, fill, thinning, lips.astype(np.float32), brows.astype(np.float32)
        )

    def _nearest(self, kind: Rows, description: F32, alike: int, row: int) -> Rows:
        rows = kind[self._alike[kind] == alike]
        if len(rows) < FEWEST:  # such as women without a beard among men who have one
            rows = kind
        distance = self._distance(rows, description)
        distance[rows == row] = np.inf
        count = min(NEIGHBOURS, len(rows) - 1)
        return np.asarray(rows[np.argpartition(distance, count)[:count]])

    def _distance(self, rows: Rows, description: F32) -> F32:
        away = (self._faces.descriptions[rows] - description) * self._counts
        return np.asarray((away**2).sum(1), np.float32)

    def _mean_face(self, rows: Rows, points: F32, felt: F32, areas: Regions) -> tuple[F32, F32]:
        """The mean picture of faces laid over these points, pixels weighted by how likely skin is; those weights."""
        count = len(rows)
        away = (self._faces.points[rows] - points).transpose(1, 0, 2).reshape(68, -1)
        flows = (felt @ away).reshape(GRID, GRID, count, 2) * np.float32(SIDE / CROP_SIZE)
        ys, xs = np.indices((SIDE, SIDE), dtype=np.float32)
        laid = np.empty((count, 2, SIDE, SIDE, 4), np.float32)  # OpenCV moves four channels at once
        for place, row in enumerate(rows):
            moved = cv2.resize(np.ascontiguousarray(flows[:, :, place]), (SIDE, SIDE))
            x, y = xs + moved[..., 0], ys + moved[..., 1]
            picture = self._faces.pictures[row].astype(np.float32)
            for half in range(2):
                part = np.ascontiguousarray(picture[..., 4 * half : 4 * half + 4])
                cv2.remap(part, x, y, cv2.INTER_LINEAR, dst=laid[place, half], borderMode=cv2.BORDER_REPLICATE)
        colour = laid[:, 0, areas.cheeks > 0.5, :3].mean(1)
        off = (laid[:, 0, :, :, :3] - colour[:, None, None]) / SKIN_SPREAD
        weights = np.exp(-0.5 * np.einsum("nyxc,nyxc->nyx", off, off)) + np.float32(0.02)
        total = weights.sum(0)
        mean = np.concatenate([np.einsum("nyxc,nyx->yxc", laid[:, half], weights) for half in range(2)], -1)
        mean = np.asarray(mean / total[..., None], np.float32)
        mean[..., 7] = laid[:, 1, :, :, 3].sum(0) / max(int(self._faces.parsed[rows].sum()), 1)
        return mean, np.asarray(total / count, np.float32)


def hair_of_face(lab: F32, points: F32, fill: F32, allowed: F32) -> F32:
    """Where a beard is: darker than clean skin would be there, or rougher than the cheeks.

    Args:
        lab: (128, 128, 3) of the face.
        fill: (GRID, GRID, 3) colour of clean skin against the cheeks'.
        allowed: (128, 128) probability of face, neck or hair.

    Returns:
        (SIDE, SIDE) in [0, 1].
    """
    areas = regions(points, CROP_SIZE)
    cheeks = areas.cheeks > 0.5
    if cheeks.sum() < 30:
        return np.zeros((SIDE, SIDE), np.float32)
    clean = np.median(lab[cheeks][:, 0]) + cv2.resize(fill[..., 0], (CROP_SIZE, CROP_SIZE))
    dark = np.clip((clean - blurred(lab[..., 0], 1.0) - 5) / 12, 0, 1)
    roughness = blurred(np.abs(lab[..., 0] - blurred(lab[..., 0], 1.4)), 1.6)
    rough = np.clip((roughness / (np.median(roughness[cheeks]) + 0.15) - 1.8) / 1.6, 0, 1)
    # Below the jaw a shadow is dark too: there only what is also rough counts, and less the farther down.
    neck = blurred(filled(beneath_jaw(points, 0.75), CROP_SIZE), 0.06 * interocular(points)) * (1 - areas.lips)
    found = np.maximum(dark, 0.9 * rough) * areas.beard
    found = np.maximum(found, np.sqrt(dark * rough) * neck) * allowed
    grown = cv2.dilate(blurred(np.clip(found, 0, 1).astype(np.float32), 0.8), np.ones((3, 3), np.uint8))
    return np.clip(_reduced(blurred(np.clip(grown * 1.3, 0, 1).astype(np.float32), 0.8)), 0, 1)


def _eyes(points: F32) -> F32:
    """The centres of both eyes. -> (2, 2)."""
    return np.stack([points[36:42].mean(0), points[42:48].mean(0)])


def _felt(points: F32) -> F32:
    """(GRID * GRID, 68): how much of each landmark's movement each cell of the fields feels, none far from the face."""
    steps = (np.arange(GRID, dtype=np.float32) + 0.5) * CROP_SIZE / GRID - 0.5
    cells = np.stack(np.meshgrid(steps, steps), -1).reshape(-1, 1, 2)
    distance = ((cells - points) ** 2).sum(-1)
    weights = np.exp(-distance / (2 * (0.5 * REACH) ** 2)) + 1e-9
    near = np.exp(-np.maximum(np.sqrt(distance.min(-1)) - 0.6 * REACH, 0) / REACH)
    return np.asarray(weights * (near / weights.sum(-1))[:, None], np.float32)


def _mean(values: F32, weights: F32) -> float:
    return float((values * weights).sum() / (weights.sum() + 1e-3))


def _normalised_blur(values: F32, weights: F32, sigma: float) -> F32:
    """Blurred by weights: where they are small, values come from around."""
    weights = weights + 1e-4
    both = blurred(np.dstack([values * weights[..., None], weights]).astype(np.float32), sigma)
    return both[..., :-1] / both[..., -1:]


def _reduced(image: F32, size: int = SIDE) -> F32:
    return np.asarray(cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA), np.float32)
