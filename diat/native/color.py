"""Colour of the working picture: CIELAB, and changes of it as levels of RGB that can be added to a photograph."""

from __future__ import annotations

import cv2
import numpy as np

from diat.native.region import GREY
from diat.pixels import F32, U8


def to_lab(rgb: U8 | F32) -> F32:
    """(H, W, 3) RGB in 0..255 -> CIELAB, L in 0..100."""
    return np.asarray(cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)


def to_rgb(lab: F32) -> F32:
    """CIELAB -> RGB in 0..255, float, clipped to what can be shown."""
    rgb = cv2.cvtColor(np.ascontiguousarray(lab, np.float32), cv2.COLOR_LAB2RGB)
    return np.clip(np.asarray(rgb, np.float32) * 255, 0, 255)


def colourfulness(rgb: U8) -> float:
    """0 for a black-and-white picture, 1 for one in colour; between, so that a film does not flip from one to other."""
    red, green, blue = cv2.split(rgb)
    spread = cv2.subtract(cv2.max(cv2.max(red, green), blue), cv2.min(cv2.min(red, green), blue))
    return float(np.clip(float(spread.max()) / GREY - 1, 0, 1))


def tinted(levels: F32, colour: float) -> F32:
    """Levels of RGB, (H, W, 3), with that share of their colour: at 0 the channels are equal."""
    if colour == 1:
        return levels
    mean = levels.mean(-1, keepdims=True)
    return np.asarray(mean + np.float32(colour) * (levels - mean), np.float32)
