"""What changes of eyes, brows and lips: soft changes of the working picture, drawn from the landmarks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from diat.native.bands import widely_blurred
from diat.native.geometry import (
    INNER_LIPS,
    LOWER_LIDS,
    UPPER_LIDS,
    blurred,
    filled,
    hull,
    interocular,
    upwards,
)
from diat.native.style import Style
from diat.native.working import Work
from diat.pixels import F32

# Least and greatest change in CIELAB.
LIP_RANGE: F32 = np.array([[-5, -3, -4], [5, 8, 5]], np.float32)
BROW_RANGE: F32 = np.array([[-8, -4, -6], [4, 5, 5]], np.float32)


def under_eyes(work: Work, style: Style) -> F32:
    """Change of L that takes darkness under the eyes. -> (S, S)."""
    if not style.bags:
        return np.zeros_like(work.skin)
    lightness = work.lab[..., 0]
    darkness = np.clip(widely_blurred(lightness, 1.6 * work.unit) - widely_blurred(lightness, 9.0 * work.unit), -9, 0)
    return np.asarray(-style.bags * darkness * bags(work.points, work.side) * work.plain, np.float32)


def bags(points: F32, size: int) -> F32:
    """Where bags under the eyes are. points: (68, 2) in template units. -> (size, size) in [0, 1]."""
    up, unit, mask = upwards(points), interocular(points), np.zeros((size, size), np.float32)
    for lid in LOWER_LIDS:
        edge = points[list(lid)]
        bag = np.vstack([edge - up * 0.06 * unit, (edge - up * 0.38 * unit)[::-1]])
        mask = np.maximum(mask, filled(bag, size, 2.5))
    return mask


def feature_changes(work: Work, scalars: Mapping[str, float], strength: float, style: Style) -> F32:
    """Change of lips, brows, lids and lashes in CIELAB. -> (S, S, 3)."""
    change = np.zeros_like(work.lab)
    wanted = style.lips * _colour(scalars, "lips") + np.array([0, style.lips_red, 0], np.float32)
    change += np.clip(wanted, *LIP_RANGE) * lips_alone(work)[..., None]
    change += np.clip(style.brows * _colour(scalars, "brows"), *BROW_RANGE) * brow_hair(work)[..., None]
    change[..., 0] += eye_change(work, style)
    return np.asarray(change * np.float32(strength), np.float32)


def lips_alone(work: Work) -> F32:
    """The lips without the mouth between them. (S, S) in [0, 1]."""
    inner = filled(hull(work.points[INNER_LIPS:]), work.side, 0.3)
    return np.asarray(np.clip(work.areas.lips - inner, 0, 1), np.float32)


def brow_hair(work: Work) -> F32:
    """What is dark of the brows. (S, S) in [0, 1]."""
    lightness = work.lab[..., 0]
    dark = np.clip((widely_blurred(lightness, 3.0 * work.unit) - lightness) / 8, 0, 1)
    return np.asarray(dark * work.areas.brows, np.float32)


def _colour(scalars: Mapping[str, float], name: str) -> F32:
    return 4 * np.array([scalars[f"{name}_{axis}"] for axis in "lab"], np.float32)


def eye_change(work: Work, style: Style) -> F32:
    """Change of L that makes the lashes of open eyes stronger and the eyes brighter. (S, S)."""
    points, up, unit = work.points, upwards(work.points), interocular(work.points)
    lightness, change = work.lab[..., 0], np.zeros_like(work.skin)
    if not style.eyes:
        return change
    fine = lightness - blurred(lightness, 1.3 * work.unit)
    for lid, first in zip(UPPER_LIDS, (36, 42), strict=True):
        edge, eye = points[list(lid)], points[first : first + 6]
        above = filled(np.vstack([edge + up * 0.10 * unit, (edge - up * 0.03 * unit)[::-1]]), work.side, 0.7)
        ball = filled(hull(eye), work.side, 0.5)
        stronger = style.eyes * (above * np.clip(fine, -14, 0) + 0.35 * ball * np.clip(fine, 0, 10))
        change += _openness(eye) * stronger
    return np.asarray(change, np.float32)


def _openness(eye: F32) -> float:
    """0 for a closed eye, whose lashes lie elsewhere, 1 for an open one. eye: its (6, 2) points."""
    height = float(np.linalg.norm(eye[1] - eye[5]) + np.linalg.norm(eye[2] - eye[4])) / 2
    return float(np.clip((height / max(float(np.linalg.norm(eye[3] - eye[0])), 1e-3) - 0.12) / 0.1, 0, 1))
