"""The working picture of a face: its crop at one or two pixels to a template unit, and which part of it is what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property

import cv2
import numpy as np

from diat.align import CROP_SIZE, warp_to_crop
from diat.heads import PARTS
from diat.native.bands import LEAST_RELIEF, refined, widely_blurred
from diat.native.color import colourfulness, to_lab
from diat.native.geometry import Regions, blurred, regions
from diat.native.region import NativeFace, points_in_template
from diat.pixels import F32, U8, smoothstep

WORK = 256  # side of the working picture in pixels
# That of a face with no more pixels per template unit than a webcam's. Of 60 frames of 640x480 a whole frame then takes
# 0.6 to 0.7 times as long, and differs by 0.01 to 0.03 levels in the mean, where the change is one of 0.4 to 0.6.
SMALL_WORK, SMALL_SCALE = 128, 3.0
BORDER = 0.07  # width of the soft edge of the crop, as a share of its side
FINE = 0.7  # template units: roughness, hair's above all, is what a Gaussian of that takes away
LEAST_CHEEKS = 50  # square template units of the cheeks, below which parsing is not believed


@dataclass(frozen=True, eq=False)
class Work:
    """The working picture of a face, S pixels square (see `side_for`), and what is known of it. Masks are (S, S)."""

    points: F32  # (68, 2) template units
    colour: float  # 0 for a black-and-white photograph, 1 for one in colour
    rgb: U8  # (S, S, 3)
    lab: F32
    areas: Regions
    skin: F32  # of the face, by parsing
    neck: F32
    hair: F32
    other: F32  # neither face, hair nor neck, by parsing alone: background, clothes, glasses
    plain: F32  # skin without lips, brows, eyes and nostrils
    cheeks: F32  # plain skin that sets what is usual for this face

    @classmethod
    def of(cls, face: NativeFace, fields: Mapping[str, F32], side: int = WORK) -> Work:
        """Cut the picture out of a face's region and parse it by the maps of `diat.heads.PARTS`."""
        points, unit = points_in_template(face), side // CROP_SIZE
        rgb = warp_to_crop(face.pixels, face.to_template, side)
        lab, colour = to_lab(rgb), colourfulness(rgb)
        areas = regions(points, side)
        logits = np.stack([fields[f"part_{part}"] for part in PARTS], -1)
        odds = np.exp(logits - logits.max(-1, keepdims=True))
        parts = cv2.resize((odds / odds.sum(-1, keepdims=True)).astype(np.float32), (side, side))
        chosen = refined(parts[..., [1, 2, 6]], lab[..., 0], radius=4 * unit, contrast=4.0)
        # Features lie in the face too. The outermost percent of a soft mask is cut, so that it ends.
        features = np.clip(areas.brows + areas.eyes + areas.lips, 0, 1) * areas.oval
        skin = np.clip(1.6 * np.maximum(chosen[..., 0], features * (1 - parts[..., 2])) - 0.25, 0, 1)
        neck = np.clip(1.5 * chosen[..., 2] - 0.25, 0, 1)
        hair = np.clip(1.4 * chosen[..., 1] - 0.2, 0, 1)
        plain = skin * (1 - np.clip(blurred(areas.features, 0.5 * unit), 0, 1))
        cheeks = areas.cheeks * (skin > 0.6)
        return cls(
            points, colour, rgb, lab, areas, skin, neck, hair, np.ascontiguousarray(parts[..., PARTS.index("other")]),
            plain, cheeks if cheeks.sum() > LEAST_CHEEKS * unit**2 else areas.cheeks,
        )  # fmt: skip

    @property
    def side(self) -> int:
        """S, of the picture in pixels."""
        return int(self.rgb.shape[0])

    @property
    def unit(self) -> int:
        """Pixels of the picture per template unit."""
        return self.side // CROP_SIZE

    @cached_property
    def usual_lightness(self) -> float:
        """Mean L of the cheeks."""
        return float(self.usual(self.lab)[0])

    def usual(self, values: F32) -> F32:
        """Mean of (S, S, C) values over the cheeks. -> (C,)."""
        # Sums over two axes are slow in numpy, and einsum needs no threads of BLAS.
        return np.asarray(np.einsum("yxc,yx->c", values, self.cheeks) / (self.cheeks.sum() + 1e-3), np.float32)

    @cached_property
    def roughness(self) -> F32:
        """How many times as rough as the cheeks the surroundings of each pixel are. (S, S)."""
        fine = np.abs(self.lab[..., 0] - blurred(self.lab[..., 0], self.unit * FINE))
        cheeks = fine[self.cheeks > 0.5]
        usual = (float(cheeks.mean()) if cheeks.size else 0.0) + LEAST_RELIEF
        return widely_blurred(np.asarray(fine / usual, np.float32), 2.0 * self.unit)


def side_for(face: NativeFace) -> int:
    """The side of the working picture that a face is changed on."""
    return SMALL_WORK if face.scale <= SMALL_SCALE else WORK


@cache
def border(side: int) -> F32:
    """1 inside the crop, 0 along its edges: where the network's sight ends no seam may show. (S, S)."""
    from_edge = np.minimum(np.arange(side), np.arange(side)[::-1]) / (BORDER * side)
    ramp = smoothstep(from_edge)
    return np.outer(ramp, ramp).astype(np.float32)


def laid(field: F32, side: int) -> F32:
    """A map over the crop, at the working picture's pixels; averaged over cells of two first, as it was learnt."""
    half = cv2.resize(field, (field.shape[1] // 2, field.shape[0] // 2), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(half, (side, side), interpolation=cv2.INTER_LINEAR), np.float32)


def sigmoid(x: F32 | float) -> F32:
    """The probability of a logit."""
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -30, 30))), np.float32)


def risen(values: F32 | float, low: float, within: float) -> F32:
    """0 up to ``low``, and 1 from ``within`` above that on."""
    return np.asarray(np.clip((values - low) / within, 0, 1), np.float32)
