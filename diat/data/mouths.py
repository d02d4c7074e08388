"""Mouths shut and opened with their own lips: targets for T (`diat.data.pairs`), not pictures to show anyone."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from diat.pixels import F32, U8

CORNER = 2.0  # pixels of 128 by which the gap of a mouth wide open goes on beyond its corners' landmarks
WIDEST = 0.5  # what `widen_mouth` adds to a gap at most, as a fraction of the mouth's width
NARROWEST = 0.65  # of its width, as in an "o"
OPENING = 0.31  # gap between the inner lips of a mouth that is opened, as a fraction of its width


def gaps(points68: F32) -> F32:
    """How far mouths stand open: the largest gap between the inner lips by the mouth's width. (N, 68, 2) -> (N,)."""
    width = np.linalg.norm(points68[:, 54] - points68[:, 48], axis=1)
    gap = (points68[:, [67, 66, 65], 1] - points68[:, [61, 62, 63], 1]).max(1)
    relative: F32 = (gap / np.maximum(width, 1e-3)).astype(np.float32)
    return relative


def close_mouth(crop: U8, points68: F32) -> U8:
    """Shut a mouth with its own lips: column by column the lips move together over what was between them.

    Args:
        crop: (S, S, 3) RGB uint8.
        points68: (68, 2) pixels of the crop.

    Returns:
        (S, S, 3) RGB uint8; the crop as it is where the lips touch already.
    """
    size = crop.shape[0]
    unit = size / 128
    mouth = _mouth(points68, size)
    x, inner_upper, inner_lower = mouth.x, mouth.inner_upper, mouth.inner_lower
    left, right = mouth.corners
    share = 0.35  # of the gap that the upper lip covers
    gap = np.where((x > left) & (x < right), np.maximum(inner_lower - inner_upper, 0), 0)
    # Landmarks lie on the lips' edges to a pixel or two: cut into the lips, or slivers of teeth stay. The corners of a
    # mouth wide open are no points: the gap goes on beyond them.
    beyond = CORNER * np.clip(gap.max() / (8 * unit), 0, 1) * unit
    inwards = np.clip((np.minimum(x - left, right - x) + beyond) / (2 * unit), 0, 1)
    least = np.clip(0.4 + 0.6 * gap.max() / (12 * unit), 0.4, 1)
    cut = 2.6 * unit * inwards * np.clip(gap.max() / (2 * unit), 0, 1) * np.clip(gap / unit, least, 1)
    gap, inner_upper = gap + 2 * cut, inner_upper - cut
    down, up = share * gap, (1 - share) * gap
    seam = inner_upper + down
    y = np.arange(size, dtype=np.float32)[:, None]
    shut = _from_rows(crop, np.where(y < seam, _above(y, mouth, -down), _below(y, mouth, -up)))
    # A shut mouth has a dark line between its lips; a darker one than this is seen as a gap.
    line = 0.1 * np.exp(-(((y - seam) / (0.8 * unit)) ** 2) / 2) * np.clip(gap / (3 * unit), 0, 1) * inwards
    settled = _settled(shut * (1 - line[..., None]), seam, mouth, float(np.clip(gap.max() / (8 * unit), 0, 1)))
    result: U8 = np.clip(np.rint(settled), 0, 255).astype(np.uint8)
    return result


def _settled(shut: F32, seam: F32, mouth: _Mouth, amount: float) -> F32:
    """Lips that a laugh had stretched, as they rest: fuller, and their corners lower.

    Args:
        shut: (S, S, 3) float.
        seam: (S,) where the lips meet, by column.
        mouth: as it was.
        amount: how far the mouth was open, 0 to 1.
    """
    size = shut.shape[0]
    ys, xs = np.indices((size, size), dtype=np.float32)
    half = (mouth.corners[1] - mouth.corners[0]) / 2
    u, v = (xs - sum(mouth.corners) / 2) / (1.25 * half), (ys - seam) / (0.75 * half)
    near = np.exp(-0.7 * (u**4 + v**4)) * np.clip((ys - mouth.nose) / half, 0, 1)
    fuller = (ys - seam) * (1 / (1 + 0.2 * amount) - 1) * np.exp(-((1.6 * v) ** 4))
    lower = 0.15 * amount * np.clip(np.abs(u), 0, 1.2) ** 2 * half
    source = (ys + (fuller - lower) * near).astype(np.float32)
    moved: F32 = cv2.remap(shut, xs, source, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    return moved


def open_mouth(crop: U8, points68: F32) -> U8:
    """Open a shut mouth: the person's own lips move apart, and teeth, a cavity and a tongue are painted between them.

    Args:
        crop: (S, S, 3) RGB uint8.
        points68: (68, 2) pixels of the crop.

    Returns:
        (S, S, 3) RGB uint8.
    """
    size = crop.shape[0]
    mouth = _mouth(points68, size)
    left, right = mouth.corners
    half = 0.92 * (right - left) / 2  # the corners stay shut
    u = np.clip((mouth.x - (left + right) / 2) / half, -1, 1).astype(np.float32)
    already = mouth.inner_lower - mouth.inner_upper
    gap = np.where(np.abs(u) < 1, np.maximum(2 * half * OPENING * (1 - u**2) ** 0.8, already), 0).astype(np.float32)
    up, down = 0.2 * gap, 0.8 * gap  # it is the jaw that moves
    seam = (mouth.inner_upper + mouth.inner_lower) / 2
    top, bottom = seam - up, seam + down
    y = np.arange(size, dtype=np.float32)[:, None]
    above, below = _above(y, mouth, up), _below(y, mouth, down)
    parted = _from_rows(crop, np.where(y < (top + bottom) / 2, np.minimum(above, seam), np.maximum(below, seam)))
    painted = _with_inside(parted, crop, points68, u, top, gap, Inside())
    result: U8 = np.clip(np.rint(painted), 0, 255).astype(np.uint8)
    return result


def widen_mouth(crop: U8, points68: F32, rng: np.random.Generator) -> U8:
    """Open an open mouth wider and rounder, as in speech: photographs are mostly of laughs, talk is of every vowel.

    Args:
        crop: (S, S, 3) RGB uint8.
        points68: (68, 2) pixels of the crop.
        rng: by how much, from not at all to `WIDEST` and `NARROWEST`.

    Returns:
        (S, S, 3) RGB uint8.
    """
    size = crop.shape[0]
    unit = size / 128
    mouth = _mouth(points68, size)
    left, right = mouth.corners
    half, middle = (right - left) / 2, (left + right) / 2
    wider, narrow = rng.uniform(0, WIDEST), rng.uniform(NARROWEST, 1.0)
    u = np.clip((mouth.x - middle) / max(half, 1e-3), -1, 1)
    more = 2 * half * wider * (1 - u**2) ** 0.8
    gap = np.maximum(mouth.inner_lower - mouth.inner_upper, 0)
    up, down = 0.2 * more, 0.8 * more
    top, bottom = mouth.inner_upper - up, mouth.inner_upper + gap + down
    y = np.arange(size, dtype=np.float32)[:, None]
    # What is between the lips is stretched with them, or teeth stay teeth and below them it is dark, or it is painted.
    between = rng.choice(["stretched", "darkened", "painted"], p=[0.15, 0.2, 0.65])
    shown = (
        np.minimum(y - top, 0.8 * gap) if between == "darkened" else (y - top) * gap / np.maximum(bottom - top, 1e-3)
    )
    inner = mouth.inner_upper + shown
    source = np.where(y < top, _above(y, mouth, up), np.where(y > bottom, _below(y, mouth, down), inner))
    ys, xs = np.indices((size, size), dtype=np.float32)
    far_x, far_y = (xs - middle) / (2.2 * half + 1e-3), (ys - (top + bottom) / 2) / (1.5 * half + 1e-3)
    near = np.exp(-2 * (far_x**4 + far_y**4))
    columns = (xs + (xs - middle) * (1 / narrow - 1) * near).astype(np.float32)
    wide = _from_rows(crop, source)
    if between == "darkened":
        below_teeth = np.clip((y - top - 0.8 * gap) / (3 * unit), 0, 1) * np.clip((bottom - y) / unit + 0.5, 0, 1)
        wide = wide * (1 - rng.uniform(0.4, 0.9) * below_teeth[..., None])
    if between == "painted":
        wide = _with_inside(wide, crop, points68, u.astype(np.float32), top, bottom - top, Inside.at_random(rng))
    result = cv2.remap(wide.astype(np.float32), columns, ys, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.clip(np.rint(result), 0, 255).astype(np.uint8)


def _from_rows(crop: U8, source: F32) -> F32:
    """Every column of a crop, (S, S, 3), from these of its rows, (S, S). -> float."""
    columns = np.broadcast_to(np.arange(crop.shape[0], dtype=np.float32), source.shape).copy()
    moved = cv2.remap(crop, columns, source.astype(np.float32), cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return moved.astype(np.float32)


def _above(y: F32, mouth: _Mouth, up: F32) -> F32:
    """Rows to take where the upper lip moves up (below 0, down): it keeps its shape; the skin to the nose gives way."""
    nose, upper = mouth.nose, mouth.upper
    pressed = nose + (y - nose) * (upper - nose) / np.maximum(upper - up - nose, 1e-3)
    rows: F32 = np.where(y < nose, y, np.where(y < upper - up, pressed, y + up))
    return rows


def _below(y: F32, mouth: _Mouth, down: F32) -> F32:
    """Rows to take where the lower lip moves down (below 0, up): it keeps its shape; the skin to the chin gives way."""
    chin, lower, least = mouth.chin, mouth.lower, y.shape[0] / 128
    pressed = chin - (chin - y) * (chin - lower) / np.maximum(chin - lower - down, least)
    rows: F32 = np.where(y > chin, y, np.where(y > lower + down, pressed, y - down))
    return rows


@dataclass(frozen=True)
class Inside:
    """What shows between parted lips: heights as fractions of the gap, lightness as fractions of the skin's."""

    teeth: float = 0.5  # how far down the upper teeth reach; below 0 there are none
    lower_teeth: float = 0.0  # how far up the lower ones reach
    tongue: float = 0.22  # how far up the tongue reaches
    enamel: float = 1.15
    flesh: float = 0.62  # of the tongue
    cavity: float = 0.2

    @classmethod
    def at_random(cls, rng: np.random.Generator) -> Inside:
        """As in speech: with and without teeth, the tongue low or high, in any light."""
        return cls(
            teeth=rng.uniform(0.05, 0.45) if rng.random() < 0.65 else -1.0,
            lower_teeth=rng.uniform(0.05, 0.3) if rng.random() < 0.3 else 0.0,
            tongue=rng.uniform(0.1, 0.65) if rng.random() < 0.7 else 0.0,
            enamel=rng.uniform(0.6, 1.2),
            flesh=rng.uniform(0.3, 0.8),
            cavity=rng.uniform(0.03, 0.3),
        )


def _with_inside(parted: F32, crop: U8, points68: F32, u: F32, top: F32, gap: F32, inside: Inside) -> F32:
    """Parted lips with what shows between them painted in, as light as the skin around it.

    Args:
        parted: (S, S, 3) float, to paint on.
        crop: (S, S, 3) RGB uint8, as it was.
        points68: (68, 2) pixels of the crop.
        u: (S,) by column: -1 to 1 between the mouth's corners.
        top: (S,) where the gap begins, in rows.
        gap: (S,) how high it is.
        inside: what to paint.

    Returns:
        (S, S, 3) RGB, float.
    """
    size = crop.shape[0]
    unit = size / 128
    cheeks = np.zeros((size, size), np.uint8)
    cv2.fillConvexPoly(cheeks, np.rint(points68[[2, 31, 35, 14, 12, 4]]).astype(np.int32), 1)
    skin = np.median(crop[cheeks > 0], axis=0) if cheeks.any() else np.array([170.0, 140.0, 120.0])
    light = max(float(skin @ np.array([0.299, 0.587, 0.114])), 1.0)
    y = np.arange(size, dtype=np.float32)[:, None]
    down = (y - top) / np.maximum(gap, 1e-3)  # 0 at the upper lip, 1 at the lower
    soft = np.maximum(1.2 * unit / np.maximum(gap, 1e-3), 0.12)
    row = np.clip(1.25 - 1.1 * np.abs(u) ** 3, 0, 1)  # teeth lie in an arch: those at its sides are in the shade
    upper = np.clip((inside.teeth - down) / soft + 0.5, 0, 1) * row
    lower = np.clip((inside.lower_teeth - (1 - down)) / soft + 0.5, 0, 1) * row if inside.lower_teeth else 0.0
    tongue = (
        np.clip((inside.tongue - (1 - down)) / (1.5 * soft) + 0.5, 0, 1) * (1 - 0.9 * u**2) if inside.tongue else 0.0
    )
    colour = np.broadcast_to(inside.cavity * light * np.array([1, 0.55, 0.52]), (size, size, 3))
    colour = colour + np.multiply(tongue, 1.0)[..., None] * (inside.flesh * light * np.array([1, 0.6, 0.58]) - colour)
    enamel = min(inside.enamel * light, 225.0) * np.array([1, 0.95, 0.88]) * (skin / light) ** 0.35
    colour = colour + np.maximum(upper, lower)[..., None] * (enamel - colour)
    shown = np.clip(down * gap / unit + 0.5, 0, 1) * np.clip((1 - down) * gap / unit + 0.5, 0, 1)
    shown *= np.clip(gap / (1.5 * unit), 0, 1)
    painted: F32 = (parted + shown[..., None] * (colour - parted)).astype(np.float32)
    return painted


@dataclass(frozen=True)
class _Mouth:
    """A mouth and what moves with it, by column of the crop: (S,) rows."""

    x: F32
    upper: F32  # the lips' outer edges
    lower: F32
    inner_upper: F32  # where teeth begin
    inner_lower: F32
    nose: F32  # what stays where it is
    chin: F32
    corners: tuple[float, float]  # columns


def _mouth(points68: F32, size: int) -> _Mouth:
    x, unit = np.arange(size, dtype=np.float32), size / 128

    def curve(indices: list[int]) -> F32:
        line = points68[indices][np.argsort(points68[indices][:, 0])]
        rows: F32 = np.interp(x, line[:, 0], line[:, 1]).astype(np.float32)
        return rows

    upper, lower = curve([48, 49, 50, 51, 52, 53, 54]), curve([48, 59, 58, 57, 56, 55, 54])
    nose = np.minimum(points68[33, 1], upper - 2 * unit)
    chin = np.maximum(curve(list(range(4, 13))), lower + 4 * unit)
    corners = float(points68[[48, 60], 0].mean()), float(points68[[54, 64], 0].mean())
    return _Mouth(x, upper, lower, curve([60, 61, 62, 63, 64]), curve([60, 67, 66, 65, 64]), nose, chin, corners)
