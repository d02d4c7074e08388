"""An invisible mark in the pixels: it stays when a picture is saved anew, reduced or shown on a screen and captured.

Spread spectrum (Cox et al., "Secure Spread Spectrum Watermarking for Multimedia", 1997): a fixed pattern of noise in a
band of middle frequencies is added to the lightness, stronger where the picture is busy. The pattern is laid over the
whole picture whatever its size, as a square of `SIDE` samples, so that scaling it, also out of proportion, changes
nothing. Cutting the picture does: who looks at a part of it sees no mark. The mark says one thing, that DIAT changed
the picture; what and how much is in the file's metadata (`diat.provenance`).
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from diat.pixels import F32, U8

SIDE = 256  # samples of the pattern along each side of the picture, as it is looked for
DRAWN = 2 * SIDE  # and as it is drawn
SEED = 0x44494154  # "DIAT"; another seed is another mark
BAND = (28, 100)  # cycles per picture: above what pictures are full of, below what reducing and JPEG take
FLAT, BUSY = 0.5, 1.6  # levels (RMS) that are added where nothing and where much is going on
MOST = 3.0  # levels that any pixel changes
SMALL = 320  # pixels; smaller pictures have fewer pixels to hide the same pattern in, which is stronger there,
MOST_BOOST = 3.0  # up to so many times
DETAIL, NEAR = 2.0, 4.0  # samples: what counts as detail is finer, and what is near it lies within
BUSINESS = 12.0  # levels of detail nearby at which the mark is at its strongest
STEPS = 64  # of a level, in which the mark is drawn
MIN_MARKED_SIDE = 64  # pixels; smaller pictures cannot hold the pattern, and no face that can be edited
# `score` of pictures without the mark has mean 0 and spread 1 (benchmarks/watermark.py); of a million none passes.
THRESHOLD = 6.0


@lru_cache(maxsize=1)
def _spectrum() -> tuple[F32, F32]:
    """The pattern's cosine coefficients, of mean square 1 in the band and 0 outside; and the band, 0 or 1."""
    frequency = np.arange(SIDE, dtype=np.float32) / 2  # of a cosine transform: half cycles
    radius = np.hypot(frequency[:, None], frequency[None, :])
    band = ((radius >= BAND[0]) & (radius <= BAND[1])).astype(np.float32)
    signs = np.random.default_rng(SEED).integers(0, 2, (SIDE, SIDE)).astype(np.float32) * 2 - 1
    return signs * band, band


@lru_cache(maxsize=1)
def _pattern() -> F32:
    """The pattern at `DRAWN` samples a side, of mean square 1."""
    signs, _ = _spectrum()
    square = cv2.idct(np.pad(signs, (0, DRAWN - SIDE)))
    return np.asarray(square / np.sqrt(np.mean(square**2)), np.float32)


def watermarked(pixels: U8) -> U8:
    """A copy of a picture with the mark, or the picture itself where it is too small for one.

    Args:
        pixels: (H, W, 3) RGB, or (H, W, 4), whose transparency stays as it is.
    """
    height, width = pixels.shape[:2]
    if min(height, width) < MIN_MARKED_SIDE:
        return pixels
    boost = float(np.clip(SMALL / np.sqrt(height * width), 1, MOST_BOOST))
    lightness: U8 = cv2.cvtColor(np.ascontiguousarray(pixels[..., :3]), cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)
    change = np.clip(_strength(lightness) * _pattern(), -MOST, MOST) * (boost * STEPS)
    # Whole numbers, of which a photograph of a hundred megapixels needs half the memory.
    levels = cv2.resize(np.rint(change).astype(np.int16), (width, height), interpolation=cv2.INTER_CUBIC)
    levels += STEPS // 2
    levels //= STEPS
    colours = cv2.add(pixels[..., :3], cv2.merge([levels] * 3), dtype=cv2.CV_8U)
    if pixels.shape[2] == 3:
        return np.asarray(colours, np.uint8)
    alpha = pixels[..., 3]
    np.copyto(colours, pixels[..., :3], where=alpha[..., None] == 0)  # nobody sees it there
    return np.dstack([colours, alpha]).astype(np.uint8, copy=False)


def _strength(lightness: U8) -> F32:
    """(DRAWN, DRAWN) levels of the mark: more where there is detail to hide it."""
    small = cv2.resize(lightness, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    detail = np.abs(small - cv2.GaussianBlur(small, (0, 0), DETAIL))
    local = cv2.GaussianBlur(detail, (0, 0), NEAR)
    strength = FLAT + (BUSY - FLAT) * np.clip(local / BUSINESS, 0, 1)
    return np.asarray(cv2.resize(strength, (DRAWN, DRAWN), interpolation=cv2.INTER_LINEAR), np.float32)


def score(pixels: U8) -> float:
    """How sure it is that a picture carries the mark: see `THRESHOLD`; 0 for one that is too small.

    Args:
        pixels: (H, W, 3) RGB.
    """
    if min(pixels.shape[:2]) < MIN_MARKED_SIDE:
        return 0.0
    lightness = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY)
    square = cv2.resize(lightness, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    # What is busy would drown the rest: every place counts by how little goes on there.
    detail: F32 = square - cv2.GaussianBlur(square, (0, 0), DETAIL).astype(np.float32, copy=False)
    detail /= cv2.GaussianBlur(np.abs(detail), (0, 0), NEAR) + 1.0
    spectrum: F32 = cv2.dct(detail).astype(np.float32, copy=False)
    signs, band = _spectrum()
    # And every frequency by how little the picture has of its neighbours.
    spectrum /= cv2.GaussianBlur(np.abs(spectrum), (0, 0), 4.0) + 1e-3
    np.clip(spectrum, -3, 3, out=spectrum)
    inside = band > 0
    found = spectrum[inside] * signs[inside]
    return float(found.sum() / (np.sqrt(np.sum(found**2)) + 1e-9))


def is_watermarked(pixels: U8) -> bool:
    """Whether a picture carries the mark."""
    return score(pixels) > THRESHOLD
