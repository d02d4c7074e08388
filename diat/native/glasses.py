"""Glasses off a photograph: rims and dark lenses replaced, tints and shadows undone, at its own resolution."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from diat.heads import HEADS
from diat.native.healing import grain, healed, on_grid
from diat.native.region import NativeFace, inside, sample
from diat.pixels import F32, U8

HEAD_SET = HEADS["eyeglasses"]
FEATHER = 4.0  # template units along the window's sides, over which the edit ends
HIDDEN = (0.06, 0.85)  # alpha below the first leaves the photograph bit-equal, above the second replaces it
LIGHTENED = (0.008, 0.03)  # changes of tint, as shares of white, between which they begin to count
RING = 5  # pixels of the maps around what is hidden, where the fill is to meet the photograph
GRAIN_ON_FEATURES = 0.25  # share of the skin's grain that eyes and brows get
BROW = 5.0  # how broad a brow is, template units
LUMA: F32 = np.array([0.299, 0.587, 0.114], np.float32)  # of RGB, ITU-R BT.601


def render_glasses(face: NativeFace, fields: Mapping[str, F32], scalars: Mapping[str, float], strength: float) -> U8:
    """Take the glasses off.

    Args:
        face: region of `HEAD_SET`'s window.
        fields: `HEAD_SET`'s maps, (h, w) each. ``alpha`` is the logit of what must be replaced; ``red``, ``green`` and
            ``blue`` are what is put there, 0 to 1; ``gain`` and ``glow_red``, ... undo tints and shadows:
            photograph * (1 + gain) + glow, in units of white.
        scalars: not used.
        strength: 0, bit-equal, to 1, all; more changes nothing further.

    Returns:
        (h, w, 3) uint8, bit-equal where there are no glasses and outside the window.
    """
    share = np.float32(min(strength, 1.0))
    maps = {name: np.asarray(fields[name], np.float32) for name in HEAD_SET.maps}
    within = inside(face, HEAD_SET.window, FEATHER)
    alpha = _ramp(_sigmoid(sample(maps["alpha"], HEAD_SET.window, face)), HIDDEN) * within * share
    shade = np.stack([maps[name] for name in ("gain", "glow_red", "glow_green", "glow_blue")], -1)
    size = np.abs(shade).max(-1)
    shade *= _ramp(cv2.GaussianBlur(size, (0, 0), 1.0), LIGHTENED)[..., None]
    photo = face.pixels.astype(np.float32)
    result = photo.copy()
    if shade.any() and share > 0:
        undone = sample(shade, HEAD_SET.window, face, cubic=False) * (within * share)[..., None]
        added = undone[..., :1] * photo + 255 * undone[..., 1:]
        result += added @ LUMA[:, None] if face.is_grey else added
    if alpha.any():
        result += alpha[..., None] * (_replacement(face, maps, alpha) - result)
    untouched = (alpha == 0) & (np.abs(result - photo).max(-1) < 0.5)
    rounded: U8 = np.clip(np.rint(result), 0, 255).astype(np.uint8)
    rounded[untouched] = face.pixels[untouched]
    return rounded


def _replacement(face: NativeFace, maps: Mapping[str, F32], alpha: F32) -> F32:
    """What lies behind the glasses, with its colours healed and the skin's grain. -> (h, w, 3) levels."""
    hidden = _sigmoid(maps["alpha"])
    fill = 255 * np.stack([maps[name] for name in ("red", "green", "blue")], -1)
    seen = on_grid(face, HEAD_SET.window, (fill.shape[0], fill.shape[1]))
    seen = seen * (1 + maps["gain"][..., None]) + 255 * np.stack(
        [maps[f"glow_{c}"] for c in ("red", "green", "blue")], -1
    )
    around = cv2.dilate(hidden, np.ones((2 * RING + 1, 2 * RING + 1), np.uint8))
    known = np.clip(1 - 8 * cv2.dilate(hidden, np.ones((3, 3), np.uint8)), 0, 1) * around
    fill = np.clip(healed(fill, seen, known), 0, 255)
    if face.is_grey:
        fill = np.repeat(fill @ LUMA[:, None], 3, -1)
    smooth = sample(fill, HEAD_SET.window, face)
    skin = np.median(smooth[alpha > 0] @ LUMA) if (alpha > 0).any() else 128.0
    # In the dark there is less to see of grain, and eyes and brows are no skin.
    amount = np.clip((smooth @ LUMA) / max(float(skin), 1.0), 0.2, 1.2) * _skin(face)
    return np.asarray(smooth + grain(face, alpha) * amount[..., None], np.float32)


def _skin(face: NativeFace) -> F32:
    """How much of the skin's grain each pixel gets. -> (h, w)."""
    features = np.zeros(face.shape, np.uint8)
    points, unit = np.rint(face.points68).astype(np.int32), face.scale
    for eye in (points[36:42], points[42:48]):
        cv2.fillConvexPoly(features, cv2.convexHull(eye), 255)
        cv2.polylines(features, [eye], True, 255, max(1, round(2 * unit)))
    for brow in (points[17:22], points[22:27]):
        cv2.polylines(features, [brow], False, 255, max(1, round(BROW * unit)))
    soft = cv2.GaussianBlur(features, (0, 0), max(0.5, unit)).astype(np.float32) / 255
    return np.asarray(1 - (1 - GRAIN_ON_FEATURES) * soft, np.float32)


def _sigmoid(logit: F32) -> F32:
    return np.asarray(1 / (1 + np.exp(-np.clip(logit, -30, 30))), np.float32)


def _ramp(values: F32, between: tuple[float, float]) -> F32:
    t = np.clip((values - between[0]) / (between[1] - between[0]), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)
