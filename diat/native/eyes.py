"""Eyes behind dark lenses. The photograph shows nothing of them: they are average ones, and not the person's.

What is laid over the skin is a picture of ratios, eye to skin around it, which takes on the light and the colour of
whatever skin it is laid over (`diat.data.average_eyes` makes it).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import cv2
import numpy as np
from safetensors.numpy import load_file

from diat.native.healing import membrane
from diat.native.region import NativeFace
from diat.pixels import F32, MEAN, channel_sum, smoothstep

AVERAGE_EYES = Path(__file__).parents[1] / "weights" / "average_eyes.safetensors"
SIZE = (64, 96)  # height and width of the picture, which shows a right eye: its outer corner is on the left
ACROSS = 0.95  # half of what the picture shows, in widths of the eye from corner to corner
ABOVE, BELOW = -0.62, 0.64  # what it shows above and below the line through the corners, likewise
OPENING = 0.3  # from lid to lid at the middle, of a picture's eye; likewise
# Landmarks of an eye: outer corner, inner corner, upper lid, lower lid.
EYES = ((36, 39, (37, 38), (40, 41)), (45, 42, (43, 44), (46, 47)))
FREE, DARK = 0.6, 0.9  # share of an eye that is hidden, between which an average one comes to show
AROUND = 2.0  # template units around the lids that count for that
FADES = ((0.62, 0.98), (0.55, 0.98))  # where the picture fades across and down, as shares of its halves


def eye_matrix(points68: F32, eye: int, opening: float | None = None) -> F32:
    """Where the picture lies on a face.

    Args:
        points68: (68, 2).
        eye: 0 for the one on the left of the picture, 1 for the other.
        opening: from lid to lid, in widths of the eye; the landmarks' own for None.

    Returns:
        (2, 3) from pixels of the picture to the points' frame.
    """
    outer_at, inner_at, upper, lower = EYES[eye]
    outer, inner = points68[outer_at].astype(np.float64), points68[inner_at].astype(np.float64)
    outwards = outer - inner
    down = np.array([outwards[1], -outwards[0]]) * (1 if eye == 0 else -1)
    if opening is None:
        lids = points68[list(lower)].mean(0) - points68[list(upper)].mean(0)
        opening = float(np.clip(lids @ down / max(float(outwards @ outwards), 1e-6), 0.22, 0.4))
    down *= opening / OPENING
    height, width = SIZE
    x_axis, y_axis = 2 * ACROSS / (width - 1) * -outwards, (BELOW - ABOVE) / (height - 1) * down
    origin = (outer + inner) / 2 + ACROSS * outwards + ABOVE * down
    return np.stack([x_axis, y_axis, origin], axis=1).astype(np.float32)


def with_average_eyes(face: NativeFace, behind: F32, hidden: F32, skin: F32) -> F32:
    """Average eyes where both lids and what lies between them are hidden.

    Args:
        face: the part of a region that ``behind`` covers.
        behind: (h, w, 3) levels, what a network says lies behind the glasses.
        hidden: (h, w) 0 to 1, what they hide.
        skin: (3,) levels, the skin's colour, whose lightness chooses among the average eyes.

    Returns:
        (h, w, 3) levels; ``behind`` itself where an eye is seen.
    """
    shares = [float(smoothstep(_hidden_share(face, hidden, eye), FREE, DARK)) for eye in (0, 1)]
    if max(shares) == 0:
        return behind
    matrices = [eye_matrix(face.points68, eye, OPENING) for eye in (0, 1)]
    size = face.shape[::-1]
    masks = [
        share * cv2.warpAffine(shown(), matrix, size, flags=cv2.INTER_LINEAR)
        for share, matrix in zip(shares, matrices, strict=True)
    ]
    smooth = _without_eyes(behind, np.maximum(*masks), max(1, round(face.scale)))
    ratios = _ratios(skin)
    if face.is_grey:
        ratios = np.repeat(channel_sum(ratios, MEAN)[..., None], 3, -1)
    result = behind.copy()
    for mask, matrix in zip(masks, matrices, strict=True):
        if mask.any():
            flags, border = cv2.INTER_CUBIC, cv2.BORDER_REPLICATE
            eye = smooth * cv2.warpAffine(ratios, matrix, size, flags=flags, borderMode=border)
            result += mask[..., None] * (eye - result)
    return result


def _hidden_share(face: NativeFace, hidden: F32, eye: int) -> float:
    """How much of an eye, lids included, is hidden, 0 to 1."""
    lids = np.rint(face.points68[36 + 6 * eye : 42 + 6 * eye]).astype(np.int32)
    within = np.zeros(face.shape, np.uint8)
    cv2.fillConvexPoly(within, cv2.convexHull(lids), 1)
    within = np.asarray(cv2.dilate(within, np.ones((max(1, round(AROUND * face.scale)),) * 2, np.uint8)))
    return float(hidden[within > 0].mean()) if within.any() else 0.0


def _without_eyes(behind: F32, eyes: F32, reduction: int) -> F32:
    """The skin around carried on over the eyes, found at a smaller size: it is smooth."""
    height, width = (-(-side // reduction) for side in eyes.shape)
    small, taken = (cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA) for image in (behind, eyes))
    known = np.clip(1 - 2 * taken, 0, 1) ** 2
    carried = membrane(np.asarray(small, np.float32), np.asarray(known, np.float32))
    return np.asarray(np.clip(cv2.resize(carried, eyes.shape[::-1]), 0, 255), np.float32)


def _ratios(skin: F32) -> F32:
    """Eye to skin around it, (*SIZE, 3), for a skin's colour."""
    eyes = _average_eyes()
    light = float(cv2.cvtColor(np.asarray(skin / 255, np.float32)[None, None], cv2.COLOR_RGB2LAB)[0, 0, 0])
    dark_skin, light_skin = (float(value) for value in eyes["lightness"])
    share = np.float32(np.clip((light - dark_skin) / (light_skin - dark_skin), 0, 1))
    dark, pale = eyes["ratios"].astype(np.float32)
    return np.asarray(dark + share * (pale - dark), np.float32)


@cache
def _average_eyes() -> dict[str, F32]:
    """``ratios`` (2, *SIZE, 3) and the ``lightness`` in CIELAB of the skin that each is of, (2,)."""
    return load_file(AVERAGE_EYES)


@cache
def shown() -> F32:
    """Where the picture shows, (*SIZE), 1 in the middle and 0 at its sides."""
    down, across = (np.abs(np.linspace(-1, 1, side)) for side in SIZE)
    columns, rows = (1 - smoothstep(values, *fade) for values, fade in zip((across, down), FADES, strict=True))
    return np.sqrt(np.outer(rows, columns)).astype(np.float32)
