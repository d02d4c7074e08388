"""Between a photograph and the aligned 128x128 crop that the networks see: one similarity, one warp each way.

Matrices are 2x3 and named for their direction. Pixel centres lie at integer coordinates, as in OpenCV.
"""

from __future__ import annotations

import cv2
import numpy as np

from diat.detail import DEFAULT_FADE, DetailFade
from diat.pixels import F32, MEAN, U8, channel_sum

CROP_SIZE = 128

# Mean of the detector's five points over the 18,015 faces it finds among 18,023 photographs of CelebA, cropped as in
# section 5.1. Measured by `python train/prepare.py`, which prints it.
CELEBA_TEMPLATE_128: F32 = np.array(
    [[50.029, 66.188], [77.682, 66.094], [63.566, 82.717], [51.813, 95.273], [75.833, 95.215]], np.float32
)

# Linear interpolation takes every pixel into account down to about this scale.
NO_ALIAS = 0.75


def similarity(source: F32, target: F32) -> F32:
    """The 2x3 matrix of the least-squares similarity (rotation, scale, shift) that takes ``source`` to ``target``.

    Umeyama 1991 without reflection, in closed form for two dimensions. source, target: (N, 2) points in pixels, N >= 2.

    Raises:
        ValueError: the source points coincide.
    """
    a, b = source.astype(np.float64), target.astype(np.float64)
    a_mean, b_mean = a.mean(0), b.mean(0)
    a, b = a - a_mean, b - b_mean
    norm = (a**2).sum()
    if norm == 0:
        raise ValueError("the source points coincide: no similarity exists")
    cosine = (a * b).sum() / norm
    sine = (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum() / norm
    linear = np.array([[cosine, -sine], [sine, cosine]])
    return np.hstack([linear, (b_mean - linear @ a_mean)[:, None]]).astype(np.float32)


def photo_to_crop_matrix(points5: F32) -> F32:
    """The similarity from a photograph with these five points to the 128x128 crop (section 5.4). (5, 2) -> (2, 3)."""
    return similarity(points5, CELEBA_TEMPLATE_128)


def scale_of(matrix: F32) -> float:
    """How much a similarity enlarges: output pixels per input pixel."""
    return float(np.hypot(matrix[0, 0], matrix[1, 0]))


def transform_points(points: F32, matrix: F32) -> F32:
    """Apply a 2x3 matrix to (N, 2) points."""
    moved: F32 = (points @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    return moved


def warp_to_crop(photo: U8, photo_to_crop: F32, size: int = CROP_SIZE) -> U8:
    """Cut the aligned crop out of a photograph.

    The crop is warped at twice its size and halved by area averaging, the filter that made the training crops; a
    photograph much finer than that is reduced by area averaging first, or it would alias.

    Args:
        photo: (H, W, 3) RGB uint8.
        photo_to_crop: from `photo_to_crop_matrix`.
        size: side of the crop in pixels; the matrix is for 128.

    Returns:
        (size, size, 3) RGB uint8. What lies outside the photograph repeats its border.
    """
    matrix = rescaled_matrix(photo_to_crop, size / CROP_SIZE)
    left, top, right, bottom = region_of(matrix, (size, size), photo.shape, pad=4)
    region, matrix = photo[top:bottom, left:right], shifted_matrix(matrix, left, top)
    reduction = 2 * scale_of(matrix)
    if reduction < NO_ALIAS:
        height, width = region.shape[:2]
        small = (max(1, round(width * reduction)), max(1, round(height * reduction)))
        region = cv2.resize(region, small, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        matrix = _undo_reduction(matrix, small[0] / width, small[1] / height)
    twice = cv2.warpAffine(region, rescaled_matrix(matrix, 2.0), (2 * size, 2 * size), borderMode=cv2.BORDER_REPLICATE)
    crop: U8 = cv2.resize(twice, (size, size), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    return crop


def resized(crop: U8, size: int) -> U8:
    """A crop reduced to (size, size, 3) by area averaging."""
    if crop.shape[0] == size:
        return np.asarray(crop)
    small: U8 = cv2.resize(np.asarray(crop), (size, size), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    return small


def rescaled(points: F32, size: int, other_size: int) -> F32:
    """Points, (..., 2), in pixels of a crop of one size, in those of the same crop at another size.

    A pixel's centre lies at its integer coordinate, so the crop begins at -0.5.
    """
    return ((points + 0.5) * (other_size / size) - 0.5).astype(np.float32)


def paste_back(
    photo: U8,
    crop: U8,
    change: F32,
    mask: F32,
    photo_to_crop: F32,
    strength: float = 1.0,
    fade: DetailFade = DEFAULT_FADE,
) -> U8:
    """Add a change of the crop to the photograph, at the photograph's own resolution.

    The change is enlarged and added to the original pixels, so that skin and hair keep detail that the crop never had.
    Where the change is large it replaces content (frames of glasses, teeth), and there that detail, which belongs to
    what is gone, is faded out.

    Args:
        photo: (H, W, 3) RGB uint8, left as it is.
        crop: (S, S, 3) uint8, the crop that the network saw.
        change: (S, S, 3) float, T(x) - x in units of 0..255.
        mask: (S, S) float in [0, 1]. Where it is 0, and outside the crop, the photograph stays bit-equal.
        photo_to_crop: the matrix that made the crop at 128 pixels.
        strength: factor of the change, at least 0; 0 returns an equal copy.
        fade: sizes of a change between which detail fades.

    Returns:
        (H, W, 3) RGB uint8.
    """
    result = photo.copy()
    made = change_of_photo(photo, crop, change, mask, photo_to_crop, strength, fade)
    if made is not None:
        added, (left, top, right, bottom) = made
        # Rounded and clipped. Where nothing is added that gives the very same integers.
        result[top:bottom, left:right] = cv2.add(photo[top:bottom, left:right], added, dtype=cv2.CV_8U)
    return result


def change_of_photo(
    photo: U8,
    crop: U8,
    change: F32,
    mask: F32,
    photo_to_crop: F32,
    strength: float,
    fade: DetailFade,
) -> tuple[F32, tuple[int, int, int, int]] | None:
    """What `paste_back` adds, (h, w, 3) float in units of 0..255, and to which left, top, right, bottom; or nothing."""
    size = crop.shape[0]
    if strength == 0 or not mask.any():
        return None
    matrix = rescaled_matrix(photo_to_crop, size / CROP_SIZE)
    # Only where the mask is, with a pixel of nothing around it.
    x, y, width, height = cv2.boundingRect((mask > 0).astype(np.uint8))
    x0, y0, x1, y1 = max(x - 1, 0), max(y - 1, 0), min(x + width + 1, size), min(y + height + 1, size)
    crop, change, mask = crop[y0:y1, x0:x1], change[y0:y1, x0:x1], mask[y0:y1, x0:x1]
    matrix[:, 2] -= (x0, y0)
    left, top, right, bottom = region_of(matrix, (x1 - x0, y1 - y0), photo.shape)
    matrix = shifted_matrix(matrix, left, top)

    def enlarge(image: F32 | U8) -> F32:
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        enlarged: F32 = cv2.warpAffine(image, matrix, (right - left, bottom - top), flags=flags)  # type: ignore[assignment]
        return enlarged

    added = enlarge(change * (np.float32(strength) * mask)[..., None])
    replaced = enlarge(replaced_by(change, fade) * mask) * np.float32(min(strength, 1.0))
    detail = cv2.subtract(photo[top:bottom, left:right], enlarge(crop), dtype=cv2.CV_32F)
    added -= replaced[..., None] * detail
    return added, (left, top, right, bottom)


def region_of(matrix: F32, size: tuple[int, int], shape: tuple[int, ...], pad: int = 1) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the part of a photograph that a crop of (width, height) covers, clipped to it."""
    width, height = size
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]], np.float32)
    corners = transform_points(corners, cv2.invertAffineTransform(matrix).astype(np.float32))
    low = np.floor(corners.min(0)).astype(int) - pad
    high = np.ceil(corners.max(0)).astype(int) + pad + 1
    height, width = shape[:2]
    left, right = np.clip([low[0], high[0]], 0, width)
    top, bottom = np.clip([low[1], high[1]], 0, height)
    # A face whose crop misses the photograph altogether still needs a pixel to repeat.
    return int(min(left, width - 1)), int(min(top, height - 1)), int(max(right, 1)), int(max(bottom, 1))


def replaced_by(change: F32, fade: DetailFade) -> F32:
    """Where a change, (S, S, 3), is so large that it replaces what was there (1) or only tints it (0). -> (S, S)."""
    size = cv2.GaussianBlur(channel_sum(np.abs(change), MEAN), (0, 0), 1.0)
    replaced: F32 = np.clip((size - fade.low) / (fade.high - fade.low), 0, 1).astype(np.float32)
    return replaced


def rescaled_matrix(matrix: F32, factor: float) -> F32:
    """The same matrix into a grid ``factor`` times as fine, pixel centres kept."""
    rescaled = matrix * np.float32(factor)
    rescaled[:, 2] += np.float32((factor - 1) / 2)
    return rescaled


def shifted_matrix(matrix: F32, left: int, top: int) -> F32:
    """The same matrix from a photograph cut off at (left, top)."""
    shifted = matrix.copy()
    shifted[:, 2] += matrix[:, :2] @ np.array([left, top], np.float32)
    return shifted


def _undo_reduction(matrix: F32, x: float, y: float) -> F32:
    """The same matrix from a photograph that was reduced by factors x and y."""
    full_from_small = np.array([[1 / x, 0, 0.5 / x - 0.5], [0, 1 / y, 0.5 / y - 0.5], [0, 0, 1]])
    undone: F32 = (matrix.astype(np.float64) @ full_from_small).astype(np.float32)
    return undone
