"""Colour of the working picture: CIELAB, and changes of it as levels of RGB that can be added to a photograph."""

from __future__ import annotations

import cv2
import numpy as np

from diat.pixels import F32, U8


def to_lab(rgb: U8, grey: bool = False) -> F32:
    """(H, W, 3) RGB uint8 -> CIELAB, L in 0..100. ``grey``: a and b are exactly 0."""
    lab = np.asarray(cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)
    if grey:
        lab[..., 1:] = 0
    return lab


def to_rgb(lab: F32) -> F32:
    """CIELAB -> RGB in 0..255, float, clipped to what can be shown."""
    rgb = cv2.cvtColor(np.ascontiguousarray(lab, np.float32), cv2.COLOR_LAB2RGB)
    return np.clip(np.asarray(rgb, np.float32) * 255, 0, 255)


def change_in_rgb(before: F32, after: F32, grey: bool = False) -> F32:
    """What turns one CIELAB picture into the other, in levels of RGB; the same in all channels if ``grey``."""
    change = to_rgb(after) - to_rgb(before)
    if grey:
        change = np.repeat(change.mean(-1, keepdims=True), 3, -1)
    return change
