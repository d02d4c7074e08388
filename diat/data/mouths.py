"""Mouths shut, opened and opened wider by their landmarks: what T and the fields' networks train on."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from diat.align import CROP_SIZE, rescaled
from diat.data.fields_mouths import MouthShape, above_rows, below_rows, close_fields, open_fields, window_grid
from diat.data.lip_edges import fitted
from diat.heads import HEADS
from diat.native.mouth_interior import Interior, Light, interior
from diat.native.mouths import render_mouth_close, render_mouth_open
from diat.native.region import NativeFace
from diat.pixels import F32, U8

WIDEST = 0.42  # what `widen_mouth` adds to a gap at most, as a fraction of the mouth's width
NARROWEST = 0.7  # of its width, as in an "o"
LIFT = 0.2  # of what a mouth opens further, by its upper lip
BETWEEN = ("stretched", "darkened", "painted")  # what shows between lips that part further
SHARES = (0.15, 0.2, 0.65)  # of these three
UPPER_LIP, LOWER_LIP = [49, 50, 51, 52, 53, 61, 62, 63], [55, 56, 57, 58, 59, 65, 66, 67]


def gaps(points68: F32) -> F32:
    """How far mouths stand open: the largest gap between the inner lips by the mouth's width. (N, 68, 2) -> (N,)."""
    across = points68[:, 54] - points68[:, 48]
    width = np.maximum(np.linalg.norm(across, axis=1), 1e-3)
    down = np.stack([-across[:, 1], across[:, 0]], 1) / width[:, None]
    apart = points68[:, [67, 66, 65]] - points68[:, [61, 62, 63]]
    relative: F32 = ((apart * down[:, None]).sum(-1).max(1) / width).astype(np.float32)
    return relative


def close_mouth(crop: U8, points68: F32) -> U8:
    """Shut a mouth with its own lips.

    Args:
        crop: (S, S, 3) RGB uint8, aligned as the template.
        points68: (68, 2) pixels of the crop.

    Returns:
        (S, S, 3) RGB uint8; the crop as it is where the lips touch already.
    """
    face = _face(crop, points68)
    return render_mouth_close(face, _maps("mouth_close", face), {}, 1.0)


def open_mouth(crop: U8, points68: F32) -> U8:
    """Open a shut mouth: the person's own lips part, and teeth, a cavity and a tongue show between them.

    Args:
        crop: (S, S, 3) RGB uint8, aligned as the template.
        points68: (68, 2) pixels of the crop.

    Returns:
        (S, S, 3) RGB uint8.
    """
    face = _face(crop, points68)
    return render_mouth_open(face, _maps("mouth_open", face), {}, 1.0)


def widen_mouth(crop: U8, points68: F32, rng: np.random.Generator) -> tuple[U8, F32]:
    """Open an open mouth wider and rounder, as in speech: photographs are mostly of laughs, talk is of every vowel.

    Args:
        crop: (S, S, 3) RGB uint8, aligned as the template.
        points68: (68, 2) pixels of the crop.
        rng: by how much, from hardly to `WIDEST` and `NARROWEST`.

    Returns:
        (S, S, 3) RGB uint8, and where the points have gone.
    """
    face, unit = _face(crop, points68), crop.shape[0] / CROP_SIZE
    in_template = rescaled(points68, crop.shape[0], CROP_SIZE)
    mouth = _mouth(face)
    wider, narrow = 2 * mouth.half * rng.uniform(0.05, WIDEST), rng.uniform(NARROWEST, 1.0)
    left, top, right, bottom = (int(side * unit) for side in HEADS["mouth_close"].window)
    columns, rows = (np.arange(a, b, dtype=np.float32) for a, b in ((left, right), (top, bottom)))
    x, y = mouth.own(*np.meshgrid((columns + 0.5) / unit - 0.5, (rows + 0.5) / unit - 0.5))
    # The mouth's middle stands; what lies far from it stands, too.
    far = np.exp(-2 * ((x / (2.2 * mouth.half)) ** 4 + (y / (1.5 * mouth.half)) ** 4))
    x = (x * (1 + (1 / narrow - 1) * far)).astype(np.float32)
    gap = np.maximum(mouth.at(mouth.inner_lower - mouth.inner_upper, x), 0)
    more = _outline(x, mouth, wider)
    upper = mouth.at(mouth.inner_upper, x) - LIFT * more
    lower = upper + gap + more
    between = rng.choice(BETWEEN, p=SHARES)
    stretched = np.clip((y - upper) / np.maximum(lower - upper, 1e-3), 0, 1) * gap
    shown = np.minimum(y - upper, 0.8 * gap) if between == "darkened" else stretched
    lips = (above_rows(y, mouth.at(mouth.nose, x), mouth.at(mouth.upper, x), LIFT * more),
            below_rows(y, mouth.at(mouth.chin, x), mouth.at(mouth.lower, x), (1 - LIFT) * more))  # fmt: skip
    source = np.where(y < upper, lips[0], np.where(y > lower, lips[1], mouth.at(mouth.inner_upper, x) + shown))
    columns, rows = ((part + start + 0.5) * unit - 0.5
                     for part, start in zip(mouth.turned(x, source), mouth.origin, strict=True))  # fmt: skip
    wide = cv2.remap(crop, columns.astype(np.float32), rows.astype(np.float32), cv2.INTER_CUBIC,
                     borderMode=cv2.BORDER_REPLICATE).astype(np.float32)  # fmt: skip
    if between == "darkened":
        below_teeth = np.clip((y - upper - 0.8 * gap) / 3, 0, 1) * np.clip(lower - y + 0.5, 0, 1)
        wide *= 1 - (rng.uniform(0.4, 0.9) * below_teeth)[..., None]
    if between == "painted":
        wide = _painted(wide, (y - upper, lower - y, x / mouth.half), more, unit, Light.of(face), rng)
    result = crop.copy()
    result[top:bottom, left:right] = np.clip(np.rint(wide), 0, 255)
    return result, _opened_points(points68, in_template, mouth, wider, narrow, unit)


def speaking_look(rng: np.random.Generator) -> Interior:
    """As in speech: with and without teeth, the tongue low or high, in any light."""
    return Interior(
        teeth=rng.uniform(0.05, 0.45) if rng.random() < 0.65 else 0.0,
        lower_teeth=rng.uniform(0.05, 0.3) if rng.random() < 0.3 else 0.0,
        tongue=rng.uniform(0.1, 0.65) if rng.random() < 0.7 else 0.0,
        width=rng.uniform(0.9, 1.1),
        offset=rng.uniform(-0.05, 0.05),
        whiteness=rng.uniform(0.6, 1.1),
    )


def _face(crop: U8, points68: F32) -> NativeFace:
    per_pixel = CROP_SIZE / crop.shape[0]
    matrix = np.array([[per_pixel, 0, (per_pixel - 1) / 2], [0, per_pixel, (per_pixel - 1) / 2]], np.float32)
    return NativeFace(crop, matrix, points68)


def _maps(heads: str, face: NativeFace) -> dict[str, F32]:
    """What the network of these heads would say if it knew the landmarks."""
    row = HEADS[heads]
    mouth, grid = _mouth(face), window_grid(row.window, *row.map_shape[::-1])
    fields = close_fields(mouth, *grid) if heads == "mouth_close" else open_fields(mouth, *grid)
    return dict(zip(row.maps, fields, strict=True))


def _mouth(face: NativeFace) -> MouthShape:
    return fitted(MouthShape.of(rescaled(face.points68, face.shape[0], CROP_SIZE)), face.pixels)


def _outline(x: F32, mouth: MouthShape, wider: float) -> F32:
    outline: F32 = (wider * np.clip(1 - (x / mouth.half) ** 2, 0, 1) ** 0.8).astype(np.float32)
    return outline


def _painted(
    wide: F32, place: tuple[F32, F32, F32], more: F32, unit: float, light: Light, rng: np.random.Generator
) -> F32:
    """A widened mouth with another inside; place: distances from the lips, positive between them, and across."""
    down, up, across = place
    light = replace(light, skin=(light.skin * rng.uniform(0.6, 1.1)).astype(np.float32))
    height = max(float((down + up).max()), 1.0)
    inside = interior(np.maximum(down, 0), np.maximum(up, 0), across, height, 1 / unit, speaking_look(rng), light)
    covered = np.clip(down * unit + 0.5, 0, 1) * np.clip(up * unit + 0.5, 0, 1) * np.clip(more / 1.5, 0, 1)
    return np.asarray(wide + covered[..., None] * (inside - wide), np.float32)


def _opened_points(points68: F32, in_template: F32, mouth: MouthShape, wider: float, narrow: float, unit: float) -> F32:
    x, y = mouth.own(in_template[:, 0], in_template[:, 1])
    more = _outline(x, mouth, wider)
    y[UPPER_LIP] -= LIFT * more[UPPER_LIP]
    y[LOWER_LIP] += (1 - LIFT) * more[LOWER_LIP]
    moved = (np.stack(mouth.turned(x * narrow, y), 1) + mouth.origin + 0.5) * unit - 0.5
    return np.concatenate([points68[:48], moved[48:]]).astype(np.float32)
