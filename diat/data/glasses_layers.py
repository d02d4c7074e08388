"""Glasses of many styles put onto faces that wear none, with what each layer does to the face known exactly.

A layer either hides the face (rims, mirrored lenses, hard glints) or lets it through, darker or lighter (tints, haze,
shadows). The first must be replaced, the second can be undone and keeps the eye's own pixels, so they are told apart:
clean = (1 - hidden) * ((1 + gain) * picture + glow) + hidden * (what was there).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from diat.align import CROP_SIZE
from diat.data.glasses_shapes import STYLES, Frame, Style, draw_frame
from diat.pixels import F32, U8

F64 = NDArray[np.float64]

DARK = (0.45, 0.6)  # share of the light that a lens takes: between these it goes from being undone to being replaced
MOST_GAIN = 1.6
HIDES = (0.01, 0.12)  # share of a rim that shows: between these it goes from being left to being replaced

METALS = ((150, 150, 155), (190, 190, 195), (185, 155, 95), (150, 110, 90), (60, 60, 65), (25, 25, 28))
PLASTICS = ((20, 20, 22), (20, 20, 22), (28, 25, 25), (60, 35, 22), (95, 55, 30), (115, 25, 32), (35, 45, 85),
            (90, 85, 80), (205, 200, 190), (150, 140, 125))  # fmt: skip
COATINGS = ((255, 255, 255), (255, 255, 255), (150, 110, 255), (110, 140, 255), (130, 230, 170))  # what lenses reflect
TINTS = ((20, 20, 22), (20, 20, 22), (35, 30, 25), (55, 38, 22), (30, 42, 34), (30, 36, 60), (70, 40, 50))


@dataclass(frozen=True, eq=False)
class Worn:
    """A face with glasses and how to take them off again."""

    picture: U8  # (H, W, 3) RGB
    hidden: F32  # (H, W) 0 to 1: what must be replaced
    gain: F32  # (H, W)
    glow: F32  # (H, W, 3) in units of 0..255


def draw_glasses(crop: U8, points68: F32, rng: np.random.Generator) -> U8:
    """Draw glasses at random onto an aligned crop; see `draw_layers`. (S, S, 3), (68, 2) -> (S, S, 3)."""
    return draw_layers(crop, points68, crop.shape[0] / CROP_SIZE, rng).picture


def draw_layers(face: U8, points68: F32, unit: float, rng: np.random.Generator) -> Worn:
    """Draw glasses at random onto a face.

    Args:
        face: (H, W, 3) RGB uint8, part of an aligned crop.
        points68: (68, 2) pixels of ``face``.
        unit: pixels of ``face`` per pixel of the crop of 128.
        rng: what they look like.
    """
    kind = str(rng.choice(list(STYLES), p=[style.weight for style in STYLES.values()]))
    style = STYLES[kind]
    frame = draw_frame(face.shape[:2], points68, unit, kind, rng)
    clean = face.astype(np.float32)
    shade = _shade(frame, unit, rng)
    through, tint = _lens_tint(frame.lenses, kind, rng)
    light = _glare(frame.lenses, unit, rng)
    picture = clean * (shade * through)[..., None] + tint + light
    gain = 1 / np.maximum(shade * through, 1e-3) - 1
    glow = -(tint + light) / np.maximum(shade * through, 1e-3)[..., None]
    # What was dark or glaring beyond mending, or burnt out, is hidden as a rim is.
    hidden = _ramp(1 - shade * through, DARK)
    hidden = np.maximum(hidden, _ramp(light.max(-1), (45, 110)))
    hidden = np.maximum(hidden, _ramp(picture.max(-1), (240, 254)) * frame.lenses)
    shown = _shown(frame, style, kind, rng)
    skin = np.median(face[_inside(points68[27:36], face.shape)], axis=0)
    colour = _rim_colour(frame, style, kind, skin, rng)
    picture += shown[..., None] * (colour - picture)
    hidden = np.maximum(hidden, _ramp(shown, HIDES))
    undone = hidden < 0.98  # what is replaced anyway need not be undone
    return Worn(
        np.clip(np.rint(picture), 0, 255).astype(np.uint8),
        hidden.astype(np.float32),
        (undone * np.clip(gain, 0, MOST_GAIN)).astype(np.float32),
        (undone[..., None] * glow).astype(np.float32),
    )


def _shade(frame: Frame, unit: float, rng: np.random.Generator) -> F32:
    """How much of the light reaches the skin under the rims' shadow, and under the glass. -> (H, W)."""
    offset = rng.normal(0, 1.6, 2) * unit + [0, rng.uniform(0, 3) * unit]
    moved = np.array([[1, 0, offset[0]], [0, 1, offset[1]]], np.float32)
    shadow = cv2.warpAffine(
        cv2.GaussianBlur(frame.rims, (0, 0), rng.uniform(0.5, 2.2) * unit), moved, frame.rims.shape[::-1]
    )
    under = cv2.GaussianBlur(frame.lenses, (0, 0), 1.5 * unit)
    dark = rng.uniform(0, 0.55) * shadow + (rng.uniform(0, 0.12) * under if rng.random() < 0.4 else 0)
    return np.asarray(1 - np.clip(dark, 0, 0.6), np.float32)


def _lens_tint(lenses: F32, kind: str, rng: np.random.Generator) -> tuple[F32, F32]:
    """What lenses let through, (H, W), and the colour that they add, (H, W, 3)."""
    chance = rng.random()
    if kind == "sunglasses":
        strength = rng.uniform(0.55, 0.99)
    elif chance < 0.7:
        strength = rng.uniform(0, 0.06)
    else:
        strength = rng.uniform(0.06, 0.5)
    density = np.full(lenses.shape, strength, np.float32)
    if kind == "sunglasses" and rng.random() < 0.4 or strength > 0.06 and rng.random() < 0.3:  # lighter below
        rows = np.flatnonzero(lenses.max(1) > 0.5)
        if len(rows) > 1:
            down = np.clip((np.arange(len(lenses)) - rows[0]) / (rows[-1] - rows[0]), 0, 1)
            density *= (1 - rng.uniform(0.2, 0.9) * down[:, None] ** rng.uniform(0.7, 2)).astype(np.float32)
    covered = density * lenses
    colour = np.array(TINTS[rng.integers(len(TINTS))], np.float32) + rng.uniform(-8, 18, 3)
    if kind == "sunglasses" and rng.random() < 0.3:  # mirrored
        seen = cv2.resize(
            rng.uniform(0, 1, (4, 5, 3)).astype(np.float32), lenses.shape[::-1], interpolation=cv2.INTER_CUBIC
        )
        mixed = 0.4 * seen + 0.6 * seen.mean(-1, keepdims=True)
        return 1 - covered, np.asarray(covered[..., None] * np.clip(colour + 130 * mixed, 0, 235), np.float32)
    return 1 - covered, covered[..., None] * np.clip(colour, 4, 255).astype(np.float32)


def _glare(lenses: F32, unit: float, rng: np.random.Generator) -> F32:
    """Light that lenses reflect: soft spots, windows, haze. -> (H, W, 3) in units of 0..255."""
    light = np.zeros(lenses.shape, np.float32)
    if rng.random() < 0.45:
        spots = cv2.GaussianBlur(rng.random((8, 12)).astype(np.float32) ** 5, (0, 0), 0.9)
        spots = np.clip(cv2.resize(spots / spots.max(), lenses.shape[::-1], interpolation=cv2.INTER_CUBIC), 0, 1)
        light += rng.uniform(15, 200) * spots
    if rng.random() < 0.35:  # a window or a lamp, the same in both lenses
        panes = np.zeros(lenses.shape, np.float32)
        columns = np.flatnonzero(lenses.max(0) > 0.5)
        rows = np.flatnonzero(lenses.max(1) > 0.5)
        if len(columns) > 8 and len(rows) > 8:
            half = np.ptp(columns) / 2
            first = np.array([rng.uniform(columns[0], columns[0] + 0.8 * half), rng.uniform(rows[0], rows[-1])])
            side, slant = rng.uniform(1, 9, 2) * unit, rng.uniform(-0.5, 0.5) * unit * 4
            pane = np.array([[0, 0], [side[0], slant], [side[0], slant + side[1]], [0, side[1]]]) - side / 2
            for shift in (0.0, half * rng.uniform(1.0, 1.2)):
                cv2.fillPoly(panes, [np.rint(16 * (first + pane + [shift, 0])).astype(np.int32)], 1.0, cv2.LINE_AA, 4)
            light += rng.uniform(40, 250) * cv2.GaussianBlur(panes, (0, 0), rng.uniform(0.3, 1.2) * unit)
    if rng.random() < 0.2:
        light += rng.uniform(5, 45)
    coating = np.array(COATINGS[rng.integers(len(COATINGS))], np.float32) / 255
    return np.asarray((light * lenses)[..., None] * coating, np.float32)


def _shown(frame: Frame, style: Style, kind: str, rng: np.random.Generator) -> F32:
    """How much of the rims shows, (H, W)."""
    shown = frame.rims * rng.uniform(*style.shown)
    if kind in ("clear", "rimless") and rng.random() < 0.8:
        # Light from a side shows one half of such a rim, and leaves the other to its shadow; its edges show most.
        shown *= _uneven(shown.shape, (0.25, 1.0), 4, rng)
        edge = 4 * frame.rims * (1 - frame.rims) if rng.random() < 0.5 else frame.bevel
        shown = np.maximum(shown, rng.uniform(0.2, 0.9) * edge * _uneven(shown.shape, (0, 1), 6, rng))
    return np.asarray(np.clip(shown, 0, 1), np.float32)


def _rim_colour(frame: Frame, style: Style, kind: str, skin: F64, rng: np.random.Generator) -> F32:
    """The rims' colour everywhere, (H, W, 3), with what shines on them."""
    if kind == "clear":
        base = (skin * rng.choice([0.75, 1.15, 1.3]) + rng.uniform(-10, 25)).astype(np.float32)
    else:
        table = METALS if style.metal or kind == "sunglasses" and rng.random() < 0.4 else PLASTICS
        base = np.asarray(table[rng.integers(len(table))] + rng.uniform(-12, 12, 3), np.float32)
    shape = frame.rims.shape
    colour = base * _uneven(shape, (1 - rng.uniform(0, 0.5), 1 + rng.uniform(0, 0.8)), 9, rng)[..., None]
    if kind == "acetate" and rng.random() < 0.25:  # tortoiseshell
        colour = colour + (_uneven(shape, (0, 1), 40, rng)[..., None] > 0.6) * np.array([70, 38, 12], np.float32)
    gloss = rng.uniform(0, 1) * frame.bevel * _uneven(shape, (0, 1), 10, rng) ** 2
    colour = colour + (gloss * rng.uniform(60, 220))[..., None]
    return np.asarray(np.clip(colour, 0, 255), np.float32)


def _uneven(shape: tuple[int, ...], between: tuple[float, float], spots: int, rng: np.random.Generator) -> F32:
    """Values that differ slowly from place to place. -> (H, W)."""
    values = rng.uniform(*between, (spots, spots)).astype(np.float32)
    return np.asarray(cv2.resize(values, shape[1::-1]), np.float32)


def _ramp(values: F32, between: tuple[float, float]) -> F32:
    return np.asarray(np.clip((values - between[0]) / (between[1] - between[0]), 0, 1), np.float32)


def _inside(points: F32, shape: tuple[int, ...]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of the points' pixels."""
    x, y = np.rint(points).astype(np.int64).T
    return np.clip(y, 0, shape[0] - 1), np.clip(x, 0, shape[1] - 1)
