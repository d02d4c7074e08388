"""A picture's relief by size: bands of lightness, and limits that take lines and leave pores."""

from __future__ import annotations

import cv2
import numpy as np

from diat.align import CROP_SIZE
from diat.native.geometry import blurred
from diat.pixels import F32

# Borders of the four bands of lightness, as Gaussian sigmas in template units. What is finer is never touched.
BAND_BORDERS = (0.35, 0.7, 1.4, 2.8, 5.6)
LIGHT_SIDE = 2.4  # highlights may be this much stronger than lines are dark: skin shines at every age
# Excursions of so many times a face's own relief are no lines of skin but rims, nostrils, stray hair: they stay.
NO_LINE = 20.0
LEAST_RELIEF = 0.08  # levels of L that a face is taken to have, however smooth: noise of compression


def bands_of(lightness: F32) -> list[F32]:
    """The four bands of a square picture of lightness over the crop; what is finer than its pixels is left out."""
    scale = lightness.shape[0] / CROP_SIZE
    smooth = [widely_blurred(lightness, sigma * scale) for sigma in BAND_BORDERS]
    return [fine - coarse for fine, coarse in zip(smooth, smooth[1:], strict=False)]


def limited(band: F32, limit: F32) -> F32:
    """A band whose dark and light excursions end softly at ``limit`` (levels of L, same shape)."""
    side = np.where(band < 0, limit, LIGHT_SIDE * limit)
    return np.asarray(side * np.tanh(band / np.maximum(side, 1e-3)), np.float32)


def relief(band: F32, where: F32) -> float:
    """Median amplitude of a band inside a mask: how rough this face's own skin is at that size."""
    chosen = np.abs(band)[where > 0.5]
    return 1.2 * float(np.median(chosen)) + LEAST_RELIEF if chosen.size else LEAST_RELIEF


def widely_blurred(image: F32, sigma: float) -> F32:
    """Gaussian blur; wide ones are made on a reduced picture, which looks the same and costs a tenth."""
    factor = int(sigma / 2.5)
    if factor < 2:
        return blurred(image, sigma)
    height, width = image.shape[:2]
    small = cv2.resize(image, (max(width // factor, 8), max(height // factor, 8)), interpolation=cv2.INTER_AREA)
    # Averaging and enlarging blur too, by about 0.4 squared pixels of the small picture.
    small = blurred(np.asarray(small, np.float32), float(np.sqrt(max((sigma / factor) ** 2 - 0.4, 0.16))))
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def refined(masks: F32, guide: F32, radius: int, contrast: float) -> F32:
    """Soft masks made to follow the edges of a picture: the guided filter (He, Sun and Tang 2010), whose coefficients
    are soft themselves and worked out on every second pixel (He and Sun 2015).

    Args:
        masks: (H, W, C) in [0, 1].
        guide: (H, W).
        radius: of its windows, in pixels.
        contrast: difference of the guide that counts as an edge.

    Returns:
        (H, W, C) in [0, 1].
    """
    height, width = guide.shape
    side = (radius + 1, radius + 1)

    def halved(image: F32) -> F32:
        return np.asarray(cv2.resize(image, (width // 2, height // 2), interpolation=cv2.INTER_AREA), np.float32)

    def mean(image: F32) -> F32:
        return np.asarray(cv2.blur(image, side), np.float32)

    there, masks = halved(guide), halved(masks)
    centre = mean(there)
    variance = np.maximum(mean(there * there) - centre * centre, 0) + contrast**2
    of_masks = mean(masks)
    covariance = mean(masks * there[..., None]) - of_masks * centre[..., None]
    slope = np.asarray(covariance / variance[..., None], np.float32)
    offset = np.asarray(of_masks - slope * centre[..., None], np.float32)
    slopes, offsets = (cv2.resize(mean(plane), (width, height)) for plane in (slope, offset))
    return np.asarray(np.clip(slopes * guide[..., None] + offsets, 0, 1), np.float32)
