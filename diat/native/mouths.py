"""Mouths shut and opened at the photograph's own resolution: its lips are moved as two layers that join or part.

The networks `mouth_close` and `mouth_open` (`diat.heads`) say how far: flows of the layer above and of the one below,
signed distances to where they end. What had been covered is the person's own; what shows between parted lips is
`diat.native.mouth_interior`.
"""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from diat.heads import HEADS
from diat.native.mouth_interior import Interior, Light, interior, sharpness
from diat.native.region import (
    NativeFace,
    Window,
    blended,
    box_around,
    coverage,
    displaced,
    inside,
    layered,
    sample,
)
from diat.pixels import F32, U8, channel_sum, largest, smoothstep

FEATHER = 6.0  # template units along the window's sides in which movement fades out
STILL, MOVES = 0.03, 0.15  # movements below the first are noise of the network and left out; template units
SEAM_SOFT = 0.18  # softness of the seam, template units
EDGE_SOFT = 0.11  # of the edges of lips on what is behind them
UPPER_LIFT = 0.2  # share of an opening that the upper lip gives, as the networks learnt
SEAM_LINE = 0.16  # how much darker the line between shut lips is; a darker one is seen as a gap
SEAM_HALF, SHADOW_HALF = 0.32, 1.3  # half widths of the line and of the upper lip's shadow, template units
SEAM_SHADOW = 0.06  # the upper lip's lower side looks down, away from the light
CLOSED = 2.0  # template units by which the layers must have come together for the full line
FLOW = ("upper_dx", "upper_dy", "lower_dx", "lower_dy")
LEAST_GAP = 0.35  # gaps narrower than this stay shut, template units: the network's noise
CORNER = 0.10  # of the opening at its ends, in which it comes to a point
CUT = 0.25  # by which each lip is cut into when it parts: a rim of the other lip must not stay on it; template units
REACH = 3  # pixels of the fields around what moves, which interpolation reaches
HIGHEST = 0.3  # percent of the region's pixels that are left out when the opening is measured
GRAIN = 1.0  # sigma of the photograph's own grain, in its pixels


def render_mouth_close(
    face: NativeFace, fields: Mapping[str, F32], scalars: Mapping[str, float], strength: float
) -> U8:
    """Shut a mouth.

    Args:
        face: the region of the photograph.
        fields: upper_dx, upper_dy, lower_dx, lower_dy, seam; (hf, wf) each, laid over the window of the head set.
        scalars: not used.
        strength: 0 (the photograph bit-equal) to 1.5.

    Returns:
        (h, w, 3) RGB uint8.
    """
    window = HEADS["mouth_close"].window
    if strength == 0:
        return face.pixels.copy()
    result = face.pixels.copy()
    box = box_around(_moving(fields), window, face, REACH)
    if box is not None:
        left, top, right, bottom = box
        result[top:bottom, left:right] = _closed(face, box, fields, strength)
    return result


def _closed(face: NativeFace, box: Window, fields: Mapping[str, F32], strength: float) -> U8:
    """A part of the region with the mouth shut."""
    part, window = face.part(box), HEADS["mouth_close"].window
    maps = sample(np.stack([fields[name] for name in (*FLOW, "seam")], -1), window, part)
    within = inside(part, window, FEATHER)
    upper, lower = (_flow(maps[..., layer], within, strength) for layer in (slice(0, 2), slice(2, 4)))
    seam = maps[..., 4]
    above = coverage(seam, part, softness=max(SEAM_SOFT * face.scale, 0.4))
    result = layered([(_moved(face, upper, box), above), (_moved(face, lower, box), 1 - above)])
    met = np.clip(np.hypot(*np.moveaxis(upper - lower, -1, 0)) / CLOSED, 0, 1)
    line = SEAM_LINE * np.exp(-0.5 * (seam / SEAM_HALF) ** 2)
    line += SEAM_SHADOW * np.exp(-0.5 * ((seam - SHADOW_HALF) / SHADOW_HALF) ** 2)
    return blended(part, result * (1 - line * met)[..., None], _changed(upper, lower))


def render_mouth_open(face: NativeFace, fields: Mapping[str, F32], scalars: Mapping[str, float], strength: float) -> U8:
    """Open a mouth.

    Args:
        face: the region of the photograph.
        fields: upper_dx, upper_dy, lower_dx, lower_dy, upper_edge, lower_edge, across; (hf, wf) each.
        scalars: not used.
        strength: 0 (the photograph bit-equal) to 1.5.

    Returns:
        (h, w, 3) RGB uint8.
    """
    window = HEADS["mouth_open"].window
    if strength == 0:
        return face.pixels.copy()
    result = face.pixels.copy()
    parting = -(fields["upper_edge"] + fields["lower_edge"]) > LEAST_GAP / 4
    box = box_around(_moving(fields) | parting, window, face, REACH)
    if box is not None:
        left, top, right, bottom = box
        result[top:bottom, left:right] = _opened(face, box, fields, strength)
    return result


def _opened(face: NativeFace, box: Window, fields: Mapping[str, F32], strength: float) -> U8:
    """A part of the region with the mouth open."""
    part, window, look = face.part(box), HEADS["mouth_open"].window, Interior.of(face)
    wide = strength * look.opening
    maps = sample(np.stack([fields[name] for name in (*FLOW, "upper_edge", "lower_edge", "across")], -1), window, part)
    within = inside(part, window, FEATHER)
    upper, lower = (_flow(maps[..., layer], within, wide) for layer in (slice(0, 2), slice(2, 4)))
    upper_edge, lower_edge, across = maps[..., 4], maps[..., 5], maps[..., 6]
    # The fields are those of strength 1. The opening becomes as high as the strength says, from the line where the
    # lips had met.
    full = -(upper_edge + lower_edge)
    middle = (upper_edge - lower_edge) / 2 + (wide - 1) * full * (0.5 - UPPER_LIFT)
    full = full * within * _pointed(across)
    gap = np.maximum(wide * full - LEAST_GAP * min(wide, 1.0), 0)
    cut = CUT * np.clip(gap / (4 * CUT), 0, 1)
    upper_edge, lower_edge = middle - gap / 2 - cut, -middle - gap / 2 - cut
    blur = sharpness(face)
    softness = max(EDGE_SOFT * face.scale, 0.6 * blur)
    on_upper, on_lower = coverage(upper_edge, part, softness), coverage(lower_edge, part, softness)
    between = np.clip(1 - on_upper - on_lower, 0, 1) * np.clip(gap / LEAST_GAP, 0, 1)
    few = HIGHEST * face.pixels.size / part.pixels.size  # of the region's pixels, all of which lie in this part
    height = float(np.percentile(full, max(100 - few, 0)))
    shown = _interior(face, (upper_edge, lower_edge, across), between, height, blur, look)
    layers: list[tuple[F32 | U8, F32]] = [
        (_moved(face, upper, box), on_upper), (_moved(face, lower, box), on_lower), (shown, between)
    ]  # fmt: skip
    changed = np.maximum(_changed(upper, lower), np.clip(between * 50, 0, 1))
    return blended(part, layered(layers), changed)


def _moving(fields: Mapping[str, F32]) -> NDArray[np.bool_]:
    """Where a layer moves by anything that counts. Interpolation overshoots by less than the factor of two."""
    moving: NDArray[np.bool_] = np.max([np.abs(fields[name]) for name in FLOW], axis=0) > STILL / 3
    return moving


def _flow(flow: F32, within: F32, strength: float) -> F32:
    """A layer's flow, (h, w, 2) in template units, without the network's noise where nothing moves."""
    length = np.hypot(flow[..., 0], flow[..., 1])
    return np.asarray(flow * (strength * within * smoothstep(length, STILL, MOVES))[..., None], np.float32)


def _moved(face: NativeFace, flow: F32, box: Window) -> U8:
    return displaced(face, flow[..., 0], flow[..., 1], box)


def _changed(upper: F32, lower: F32) -> F32:
    """1 where a layer moves at all, else 0: outside, the photograph stays bit-equal. -> (h, w)."""
    return np.asarray((largest(upper) + largest(lower)) > 0, np.float32)


def _pointed(across: F32) -> F32:
    """1 in the middle of the opening, 0 from its ends outwards: it comes to a point there, whatever the noise says."""
    return smoothstep(1 - np.abs(across), high=CORNER)


def _interior(
    face: NativeFace, maps: tuple[F32, F32, F32], between: F32, opening: float, blur: float, look: Interior
) -> F32:
    """What shows between the lips, with the photograph's blur and grain, (h, w, 3); 0 where nothing does."""
    shown = np.zeros((*between.shape, 3), np.float32)
    x, y, width, height = cv2.boundingRect((between > 1 / 512).astype(np.uint8))
    if not width or opening <= 0:
        return shown
    # Teeth are drawn by the slopes of the fields, which take two pixels each way; the narrowest opening has one.
    x, y = min(x, between.shape[1] - 2), min(y, between.shape[0] - 2)
    width, height = max(width, 2), max(height, 2)
    here = np.s_[y : y + height, x : x + width]
    upper_edge, lower_edge, across = (values[here] for values in maps)
    inner = interior(np.maximum(-upper_edge, 0), np.maximum(-lower_edge, 0), across, max(opening, 1.0),
                     max(0.25, 1 / face.scale), look, Light.of(face))  # fmt: skip
    if face.is_grey:
        inner = np.repeat(channel_sum(inner)[..., None], 3, axis=-1)
    blurred = np.asarray(cv2.GaussianBlur(inner, (0, 0), max(0.8 * blur, 0.5)), np.float32)
    shown[here] = np.clip(blurred + _grain(face, (height, width)), 0, 255)
    return shown


def _grain(face: NativeFace, shape: tuple[int, int]) -> F32:
    """The photograph's own grain, without what it shows: the finest detail of a cheek, mirrored to a size.

    Args:
        face: the region.
        shape: height and width wanted.

    Returns:
        (height, width, 3) float, mean about 0.
    """
    reach = 4 * face.scale
    patches = []
    for side, nostril in ((2, 31), (14, 35)):
        x, y = face.points68[[side, nostril]].mean(0)
        left, top = (int(max(v, 0)) for v in (x - reach, y - reach))
        patches.append(face.pixels[top : int(max(y + reach, 0)), left : int(max(x + reach, 0))])
    patch = max(patches, key=lambda part: part.size)  # where the region ends, a cheek may be cut off
    if min(patch.shape[:2]) < 4:
        return np.zeros((*shape, 3), np.float32)
    patch = patch.astype(np.float32)
    fine = patch - cv2.GaussianBlur(patch, (0, 0), GRAIN)
    limit = 2.5 * float(np.median(np.abs(fine))) + 1e-3
    rows, columns = (
        np.pad(np.arange(there), (0, max(wanted - there, 0)), mode="symmetric")[:wanted]
        for there, wanted in zip(fine.shape[:2], shape, strict=True)
    )
    return np.asarray(np.clip(fine, -limit, limit)[np.ix_(rows, columns)], np.float32)
