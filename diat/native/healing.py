"""What replaces a part of a face, made to belong: colours that meet what is around, and the skin's own grain.

A network's fill is smooth and a little off in colour. `membrane` carries the mismatch at its border inwards, and
`grain` puts the fine detail back that no fill has, taken from the same person's cheeks.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from diat.native.region import NativeFace, Window
from diat.pixels import F32, U8, channel_sum, largest

# Of the 68 landmarks, those around a cheek, the nose, the other cheek.
PLACES = ((31, 41, 48, 3, 2), (30,), (35, 46, 54, 13, 14))
PATCH = 6.0  # side of the patches that grain is made of, template units
FINE = 0.8  # standard deviation, template units: detail is what a Gaussian of that takes away
BESIDE = 2.0  # template units around what is replaced that lend nothing
SPREAD = 12.0  # template units around the middle of a cheek, within which patches are taken
TRIED = 7  # places along each side of that square
LIKE = 0.25  # share of the places, the plainest, that lend; folds, edges and highlights are among the others
LARGEST = 3.0  # detail larger than this many times the median is a spot or an edge, and is cut down
BORDER = 30.0  # levels of a mismatch that is one between two things, and not to be evened out
TEXTURES = 16  # patches that are made without lines, enough that none is seen to repeat
SMOOTHED = 4  # relaxations at each size of the pyramid
_EPSILON = 1e-6


def membrane(values: F32, weight: F32) -> F32:
    """Known values carried on smoothly into where none is known.

    Pull-push (Gortler et al. 1996): averages of ever larger surroundings, each used where finer ones know nothing, and
    relaxed at every size.

    Args:
        values: (h, w) or (h, w, C).
        weight: (h, w), 0 where nothing is known, 1 where a value is certain.

    Returns:
        As ``values``; their own where the weight is 1, and 0 where there is no weight at all.
    """
    planes = values if values.ndim == 3 else values[..., None]
    sums: list[F32] = [np.asarray(planes * weight[..., None], np.float32)]
    weights: list[F32] = [weight.astype(np.float32)]
    while min(weights[-1].shape) > 2:
        sums.append(_planes(cv2.pyrDown(sums[-1])))
        weights.append(np.asarray(cv2.pyrDown(weights[-1]), np.float32))
    known: F32 = np.asarray(sums[-1] / np.maximum(weights[-1], _EPSILON)[..., None], np.float32)
    for total, share in zip(sums[-2::-1], weights[-2::-1], strict=True):
        coarse = _planes(cv2.resize(known, share.shape[::-1], interpolation=cv2.INTER_LINEAR))
        own = np.clip(share, 0, 1)[..., None]
        kept, known = own * (total / np.maximum(share, _EPSILON)[..., None]), coarse
        for _ in range(SMOOTHED):  # towards the mean of the neighbours, as a membrane's every point is
            mean = _planes(cv2.blur(known, (3, 3), borderType=cv2.BORDER_REPLICATE))
            known = np.asarray(kept + (1 - own) * mean, np.float32)
    return np.asarray(known.reshape(values.shape), np.float32)


def healed(fill: F32, surroundings: F32, known: F32, replaced: F32) -> F32:
    """A fill whose colours meet what surrounds it.

    Its lightness is corrected by the mismatch around what it replaces, carried inwards. Its tint, which changes little
    over a face, is the surroundings' in the mean: there a network that has hardly seen such a light errs most.

    Args:
        fill: (h, w, 3) levels, given also around what it replaces.
        surroundings: (h, w, 3) levels, the photograph there.
        known: (h, w) 0 to 1: where the photograph is to be met.
        replaced: (h, w) 0 to 1: where the fill is used.

    Returns:
        (h, w, 3) float32.
    """
    light, tint = light_and_tint(fill)
    wanted_light, wanted_tint = light_and_tint(surroundings)
    carried = membrane(tint, replaced)
    light += _carried_inwards(wanted_light - light, known)
    tint = carried + replaced[..., None] * (tint - carried) + _carried_inwards(wanted_tint - carried, known)
    return np.asarray(light + tint, np.float32)


def _carried_inwards(mismatch: F32, known: F32) -> F32:
    """A mismatch where the photograph is known, carried on; a large one is a border between two things."""
    size = largest(mismatch) / np.float32(BORDER)
    return membrane(mismatch, np.asarray(known * np.exp(-(size**2)), np.float32))


def light_and_tint(image: F32) -> tuple[F32, F32]:
    """(h, w, 1) lightness and (h, w, 3) what is left."""
    light = channel_sum(image)[..., None]
    return light, np.asarray(image - light, np.float32)


def grain(face: NativeFace, where: F32, untouched: F32 | None = None, seed: int = 0) -> F32:
    """The fine detail of the person's cheeks, endless, for what is replaced.

    Patches at random places of the cheeks, each with its phases drawn anew, so that pores keep their size and strength
    and no line of a cheek is seen again (Galerne, Gousseau and Morel 2011), joined by weights / sqrt(sum of squared
    weights), which keeps the variance where they overlap (Heitz and Neyret 2018).

    Args:
        where: (h, w) above 0 where detail is wanted.
        untouched: (h, w) 0 to 1: what may lend it; all but ``where`` and a rim around it when not given.
        seed: of the places.

    Returns:
        (h, w) float32 levels of lightness, mean about 0; 0 outside ``where``, and everywhere when no cheek shows.
    """
    result = np.zeros(face.shape, np.float32)
    x, y, width, height = cv2.boundingRect((where > 0).astype(np.uint8))
    side = int(np.clip(round(PATCH * face.scale), 6, 96)) // 2 * 2
    lent = _cheek_patches(face, side, _beside(where, face.scale) if untouched is None else untouched)
    if not width or not len(lent):
        return result
    ramp = np.sin(np.pi * (np.arange(side) + 0.5) / side) ** 2
    window = np.outer(ramp, ramp).astype(np.float32)
    step, rng = side // 2, np.random.default_rng(seed)
    rows, columns = -(-height // step) + 1, -(-width // step) + 1
    lent = _without_lines(lent, window, rng)
    chosen = rng.integers(len(lent), size=(rows, columns))
    squares = _overlapping((window * window)[None], np.zeros_like(chosen))
    joined = _overlapping(lent * window, chosen) / np.sqrt(np.maximum(squares, _EPSILON))
    here = np.s_[y : y + height, x : x + width]
    result[here] = joined[step : step + height, step : step + width] * (where[here] > 0)
    return result


def _overlapping(patches: F32, chosen: NDArray[np.int64]) -> F32:
    """The sum of patches each of which begins half a patch beside the one before.

    Args:
        patches: (N, S, S).
        chosen: (rows, columns) which of them is where.

    Returns:
        ((rows + 1) * S / 2, (columns + 1) * S / 2).
    """
    side = patches.shape[-1]
    step, (rows, columns) = side // 2, chosen.shape
    total = np.zeros(((rows + 1) * step, (columns + 1) * step), np.float32)
    for top in range(min(2, rows)):
        for left in range(min(2, columns)):  # every second patch touches the next but one, and overlaps none
            places = chosen[top::2, left::2]
            joined = patches[places].transpose(0, 2, 1, 3).reshape(places.shape[0] * side, -1)
            total[top * step : top * step + joined.shape[0], left * step : left * step + joined.shape[1]] += joined
    return total


def _without_lines(patches: F32, window: F32, rng: np.random.Generator) -> F32:
    """`TEXTURES` patches with the mean spectrum of those given, (N, S, S), and random phases.

    ``window``: (S, S), 0 along its sides, or the jump from one side to the other would be seen as a grid.
    """
    power = (np.abs(np.fft.rfft2(patches * window)) ** 2).mean(0) / (window**2).mean()
    phases = np.fft.rfft2(rng.standard_normal((TEXTURES, *window.shape)))
    drawn = np.fft.irfft2(np.sqrt(power) * phases / np.maximum(np.abs(phases), _EPSILON), window.shape)
    return np.asarray(drawn, np.float32)


def _cheek_patches(face: NativeFace, side: int, untouched: F32) -> F32:
    """Detail of the lightness of plain places of both cheeks. -> (N, side, side), levels, N may be 0."""
    patches: list[F32] = []
    strengths: list[float] = []
    reach = SPREAD * face.scale
    for points in PLACES:
        middle = face.points68[list(points)].mean(0)
        low = np.floor(middle - reach - side).astype(int).clip(0)
        high = np.minimum(np.ceil(middle + reach + side).astype(int) + 1, face.shape[::-1])
        if (high - low < side + 2).any():
            continue
        here = np.s_[low[1] : high[1], low[0] : high[0]]
        detail = _detail(face.pixels[here], FINE * face.scale)
        lefts = np.linspace(0, high[0] - low[0] - side, TRIED).astype(int)
        tops = np.linspace(0, high[1] - low[1] - side, TRIED).astype(int)
        replaced = (untouched[here] <= 0.99).astype(np.uint8)
        taken, sums, squares = (
            _sums(table, tops, lefts, side) for table in (cv2.integral(replaced), *cv2.integral2(detail))
        )
        variances = squares / side**2 - (sums / side**2) ** 2
        for row, column in np.argwhere(taken == 0):
            top, left = tops[row], lefts[column]
            patches.append(detail[top : top + side, left : left + side])
            strengths.append(float(variances[row, column]))
    if not patches:
        return np.zeros((0, side, side), np.float32)
    plain = np.argsort(strengths)[: max(1, round(LIKE * len(patches)))]
    lent = np.stack([patches[k] for k in plain])
    most = np.float32(LARGEST * np.median(np.abs(lent)) + 1)
    lent = np.clip(lent, -most, most)
    return np.asarray(lent - lent.mean((1, 2), keepdims=True), np.float32)


def _sums(integral: NDArray[Any], tops: NDArray[Any], lefts: NDArray[Any], side: int) -> NDArray[np.float64]:
    """Sums over squares, from an integral image. -> (tops, lefts)."""
    corners = [integral[np.ix_(tops + down, lefts + across)] for down in (0, side) for across in (0, side)]
    return np.asarray(corners[3] - corners[2] - corners[1] + corners[0], np.float64)


def _beside(where: F32, scale: float) -> F32:
    """1 but for what is replaced and the shadows and edges around it. -> (h, w)."""
    side = 2 * round(BESIDE * scale) + 1
    return np.asarray(1 - cv2.dilate((where > 0).astype(np.float32), np.ones((side, side), np.uint8)), np.float32)


def _detail(pixels: U8, sigma: float) -> F32:
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.subtract(grey, cv2.GaussianBlur(grey, (0, 0), max(sigma, 0.5)), dtype=cv2.CV_32F), np.float32)


def _planes(image: np.ndarray) -> F32:
    """OpenCV drops a last axis of one."""
    return np.asarray(image if image.ndim == 3 else image[..., None], np.float32)


def on_grid(face: NativeFace, window: Window, shape: tuple[int, int]) -> F32:
    """The photograph averaged to the pixels of a field that covers ``window``. -> (*shape, 3) float32 levels."""
    left, top, right, bottom = window
    x, y = shape[1] / (right - left), shape[0] / (bottom - top)  # pixels of the field per template unit
    reduction = max(1.0, face.scale / max(x, y))
    height, width = (max(1, round(side / reduction)) for side in face.shape)
    small = cv2.resize(face.pixels, (width, height), interpolation=cv2.INTER_AREA)
    # From the field's pixels to the template, to the region, to the reduced region; centres lie at whole numbers.
    to_template = np.array([[1 / x, 0, left - 0.5 + 0.5 / x], [0, 1 / y, top - 0.5 + 0.5 / y], [0, 0, 1]])
    to_region = cv2.invertAffineTransform(face.to_template).astype(np.float64) @ to_template
    across, down = width / face.shape[1], height / face.shape[0]
    to_small = np.diag([across, down]) @ to_region + [[0, 0, 0.5 * across - 0.5], [0, 0, 0.5 * down - 0.5]]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    averaged = cv2.warpAffine(small, to_small, shape[::-1], flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return averaged.astype(np.float32)
