"""Glasses off a photograph: rims and dark lenses replaced, tints and shadows undone, at its own resolution."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from diat.align import transform_points
from diat.heads import HEADS
from diat.native.eyes import with_average_eyes
from diat.native.healing import grain, healed, light_and_tint, membrane, on_grid
from diat.native.region import NativeFace, Window, box_around, inside, sample
from diat.pixels import F32, MEAN, U8, channel_sum, largest, smoothstep

HEAD_SET = HEADS["eyeglasses"]
FEATHER = 4.0  # template units along the window's sides, over which the edit ends
# Alpha below the first leaves the photograph bit-equal, above the second replaces it: on skin a doubt is for replacing,
# since a rim that is left shows and new skin does not, and on eyes and brows, which no fill draws as well, for leaving.
HIDDEN, HIDDEN_ON_FEATURES = (0.04, 0.4), (0.1, 0.85)
LIGHTENED = (0.008, 0.03)  # changes of tint, as shares of white, between which they begin to count
REPLACED = (0.5, 0.9)  # alpha between which the fill's colour comes to count
RING = 5  # pixels of the maps around what is hidden, where the fill is to meet the photograph
GRAIN_ON_FEATURES = 0.25  # share of the skin's grain that eyes and brows get
TOO_LIGHT = (1.4, 1.9)  # times the nose's lightness between which a pixel stops being skin
TOO_DARK = (0.35, 0.55)  # likewise, between which one begins to be skin
OTHER_TINT = (0.25, 0.5)  # likewise of the differences of the shares that the channels have, summed
OTHER_SKIN = (0.2, 0.4)  # likewise, of colours that are averaged
PALE_FILL = (0.4, 0.7)  # likewise, of a fill, which is paler than skin where the network is not sure
SKIN_TINT = 0.7  # share of the tint around that a fill takes, whose own is grey where the network is not sure
SOME = 0.3  # of a pixel that is known to be skin: without one nothing is known of its tint
BROW = 5.0  # how broad a brow is, template units


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
    maps = {name: np.asarray(fields[name], np.float32) for name in HEAD_SET.maps}
    result = face.pixels.copy()
    box = _changing(face, maps)
    if box is None or strength == 0:
        return result
    left, top, right, bottom = box
    part = face.part(box)
    within = inside(part, HEAD_SET.window, FEATHER) * np.float32(min(strength, 1.0))
    hidden = _sigmoid(sample(maps["alpha"], HEAD_SET.window, part))
    features = _features(part)
    doubtful = smoothstep(hidden, *HIDDEN)
    alpha = within * (doubtful + features * (smoothstep(hidden, *HIDDEN_ON_FEATURES) - doubtful))
    changed = part.pixels.astype(np.float32)
    shade = sample(_shade(maps), HEAD_SET.window, part, cubic=False) * within[..., None]
    added = shade[..., :1] * changed + 255 * shade[..., 1:]
    changed += channel_sum(added)[..., None] if face.is_grey else added
    where = np.zeros(face.shape, np.float32)
    where[top:bottom, left:right] = alpha
    nose = _nose(face)
    behind = with_average_eyes(part, _behind(face, part, maps, nose), hidden, nose)
    behind += _skin(behind, nose, features) * grain(face, where)[top:bottom, left:right, None]
    changed += alpha[..., None] * (behind - changed)
    # Where alpha and shade are 0 nothing was added, and rounding gives the very same integers.
    result[top:bottom, left:right] = np.clip(np.rint(changed), 0, 255).astype(np.uint8)
    return result


def _changing(face: NativeFace, maps: Mapping[str, F32]) -> Window | None:
    """Left, top, right, bottom in region pixels of all that changes, or nothing."""
    hidden = _sigmoid(maps["alpha"]) > HIDDEN[0] / 2
    return box_around(hidden | (largest(_shade(maps)) > 0), HEAD_SET.window, face)


def _shade(maps: Mapping[str, F32]) -> F32:
    """Gain and glow, (h, w, 4), where there is a tint or a shadow to speak of."""
    shade = np.stack([maps[name] for name in ("gain", "glow_red", "glow_green", "glow_blue")], -1)
    size = np.asarray(cv2.GaussianBlur(largest(shade), (0, 0), 1.0), np.float32)
    return np.asarray(shade * smoothstep(size, *LIGHTENED)[..., None], np.float32)


def _behind(face: NativeFace, part: NativeFace, maps: Mapping[str, F32], nose: F32) -> F32:
    """What lies behind the glasses; skin meets the skin around. -> of the part, (h, w, 3) levels."""
    hidden = _sigmoid(maps["alpha"])
    fill = 255 * np.stack([maps[name] for name in ("red", "green", "blue")], -1)
    seen = on_grid(face, HEAD_SET.window, (fill.shape[0], fill.shape[1]))
    shade = _shade(maps)
    seen = seen * (1 + shade[..., :1]) + 255 * shade[..., 1:]
    around = cv2.dilate(hidden, np.ones((2 * RING + 1, 2 * RING + 1), np.uint8))
    known = np.clip(1 - 8 * cv2.dilate(hidden, np.ones((3, 3), np.uint8)), 0, 1) * around
    outside = _outside(face, hidden.shape)
    fill += outside[..., None] * membrane(seen - fill, known * outside)
    skin, skin_around = _like_skin(fill, nose, PALE_FILL), _like_skin(seen, nose, OTHER_SKIN)
    known = np.asarray(known * skin * skin_around, np.float32)
    mended = healed(fill, seen, known, smoothstep(hidden, *REPLACED) * skin)
    if known.max() > SOME:
        (light, tint), (_, tint_around) = light_and_tint(mended), light_and_tint(seen)
        mended = light + tint + SKIN_TINT * (membrane(tint_around, known) - tint)
    inside_face = (1 - outside) * cv2.GaussianBlur(skin, (0, 0), 1.0)
    fill += inside_face[..., None] * (np.clip(mended, 0, 255) - fill)
    fill = np.clip(fill, 0, 255)
    if face.is_grey:
        fill = np.repeat(channel_sum(fill)[..., None], 3, -1)
    return sample(fill, HEAD_SET.window, part)


def _skin(behind: F32, nose: F32, features: F32) -> F32:
    """How much of the skin's grain each pixel gets, (h, w, 1).

    What is neither as light as the nose nor of its tint is hair or background, and gets none; in the dark there is less
    to see of it; eyes and brows get hardly any.
    """
    skin = 1 - np.float32(1 - GRAIN_ON_FEATURES) * features
    light, tint = _against(behind, nose)
    alike = (1 - smoothstep(light, *TOO_LIGHT)) * (1 - smoothstep(tint, *OTHER_TINT))
    return np.asarray(skin * alike * np.clip(light, 0.2, 1.2), np.float32)[..., None]


def _outside(face: NativeFace, shape: tuple[int, ...]) -> F32:
    """Where the maps lie beyond the outline of the face, over hair or what is behind it. -> ``shape``, 0 to 1."""
    left, top, right, bottom = HEAD_SET.window
    unit = np.array([shape[1] / (right - left), shape[0] / (bottom - top)])
    points = (transform_points(face.points68, face.to_template) - [left - 0.5, top - 0.5]) * unit - 0.5
    face_itself = np.zeros(shape, np.uint8)
    cv2.fillConvexPoly(face_itself, cv2.convexHull(np.rint(points).astype(np.int32)), 255)
    return np.asarray(1 - cv2.blur(face_itself, (3, 3)) / np.float32(255), np.float32)


def _like_skin(image: F32, nose: F32, other_tint: tuple[float, float]) -> F32:
    """Where an image shows skin as the nose's, (h, w) 0 to 1: neither hair nor background."""
    light, tint = _against(image, nose)
    return np.asarray(
        (1 - smoothstep(light, *TOO_LIGHT)) * smoothstep(light, *TOO_DARK) * (1 - smoothstep(tint, *other_tint)),
        np.float32,
    )


def _against(image: F32, nose: F32) -> tuple[F32, F32]:
    """How light each pixel is against the nose, (h, w), and how far its tint is from the nose's, (h, w)."""
    sums, own = 3 * channel_sum(image, MEAN), float(nose.sum())
    tint = 3 * channel_sum(np.abs(image / np.maximum(sums, 1)[..., None] - nose / own), MEAN)
    return np.asarray(sums / own, np.float32), tint


def _features(face: NativeFace) -> F32:
    """Where eyes and brows are, (h, w) 0 to 1."""
    features = np.zeros(face.shape, np.uint8)
    points, unit = np.rint(face.points68).astype(np.int32), face.scale
    for eye in (points[36:42], points[42:48]):
        cv2.fillConvexPoly(features, cv2.convexHull(eye), 255)
        cv2.polylines(features, [eye], True, 255, max(1, round(2 * unit)))
    for brow in (points[17:22], points[22:27]):
        cv2.polylines(features, [brow], False, 255, max(1, round(BROW * unit)))
    return np.asarray(cv2.blur(features, (2 * round(unit) + 1,) * 2) / np.float32(255), np.float32)


def _nose(face: NativeFace) -> F32:
    """The colour of the tip of the nose, which glasses leave free. -> (3,) levels."""
    x, y = np.clip(np.rint(face.points68[30:36].T).astype(int), 0, np.array(face.shape)[::-1, None] - 1)
    return np.asarray(np.maximum(np.median(face.pixels[y, x], axis=0), 1), np.float32)


def _sigmoid(logit: F32) -> F32:
    return np.asarray(1 / (1 + np.exp(-np.clip(logit, -30, 30))), np.float32)
