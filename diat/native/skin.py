"""Younger, a smile, and other attributes of a whole face: its fields applied to the photograph's own pixels.

All that is soft (colour, light, the relief of wrinkles, lips, lashes) is worked out on a picture of the aligned crop,
one or two pixels to a template unit, and added to the photograph as a change: what is finer than that, pores and hairs,
is the photograph's own. What is replaced (a beard, the lower part of a brow) gets the colour of clean skin around and
grain of the person's own cheek. Last, the photograph's pixels are moved. Where nothing changes they stay bit-equal.
"""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from diat.align import CROP_SIZE
from diat.native.bands import LEAST_RELIEF, NO_LINE, bands_of, limited, relief, widely_blurred
from diat.native.color import tinted, to_rgb
from diat.native.features import feature_changes, lips_alone, under_eyes
from diat.native.geometry import NOSE, blurred, filled, hull, interocular, upwards
from diat.native.hair import coloured_again, turned_grey
from diat.native.movement import FLOW_GRID, movement
from diat.native.prototypes import Prototypes
from diat.native.region import NativeFace, box_around, displaced, sample
from diat.native.shaving import pores, shaven
from diat.native.style import Style
from diat.native.working import Work, border, laid, risen, side_for
from diat.native.worn import are_worn, glasses_kept
from diat.pixels import F32, U8, largest

WINDOW = (0, 0, CROP_SIZE, CROP_SIZE)
# CIELAB, least and greatest.
PAINT_RANGE: F32 = np.array([[-13, -2, -3], [10, 8, 7]], np.float32)
MOST_SHADE = -5.0  # levels of L by which skin that paint makes darker gets no redder or bluer: that would be a bruise
DARK = (20.0, 30.0)  # L up to which no paint makes skin darker, and how far on it does so in full
SHINE = (6.0, 8.0)  # levels of L above the cheeks' from which skin shines, and how far on it does so in full
LIMIT_RANGE = (-1.4, 1.1)  # of the logarithm of a band's limit
RAISED_WITHIN = 3.0  # template units: standard deviation of where relief is compared with what is wanted there
MOST_RAISED = 1.5  # times itself that is added to relief: more would show what a camera made of smooth skin


def render_skin(
    face: NativeFace,
    fields: Mapping[str, F32],
    scalars: Mapping[str, float],
    strength: float,
    style: Style,
    prototypes: Prototypes | None = None,
) -> U8:
    """A face with an attribute changed.

    Args:
        face: its region must hold the whole crop, as far as the photograph does.
        fields: the maps of `diat.heads.HEADS["skin"]`, each (h, w) over the crop.
        scalars: its scalars.
        strength: 0 (the photograph bit-equal) to 1.5.
        style: of the attribute.
        prototypes: of the attribute, if there are any.

    Returns:
        (h, w, 3) RGB uint8.
    """
    if strength <= 0:
        return face.pixels.copy()
    work = Work.of(face, fields, side_for(face))
    after, clean, replaced = _recoloured(work, fields, scalars, strength, style, prototypes)
    after, replaced = work.lab + (after - work.lab) * border(work.side)[..., None], replaced * border(work.side)
    result = _toned(face, work, after, clean, replaced)
    return _moved(face, result, work, fields, strength, style)


def _recoloured(
    work: Work,
    fields: Mapping[str, F32],
    scalars: Mapping[str, float],
    strength: float,
    style: Style,
    prototypes: Prototypes | None,
) -> tuple[F32, F32, F32]:
    """The working picture in CIELAB after the change, clean skin for what is replaced, and where that is."""
    whole = min(strength, 1.0)
    after = work.lab.copy()
    after[..., 0] += whole * _relieved(work, fields, style)
    after[..., 0] += strength * under_eyes(work, style)
    after[..., 1:] += whole * _evened(work, style)
    after += _tint(work, fields, strength, style)
    after += _painted(work, fields, strength, style, prototypes)
    after -= (
        np.dstack([np.minimum(after[..., 0] - work.lab[..., 0], 0), after[..., 1:] - work.lab[..., 1:]])
        * (shine(work)[..., None])
    )
    after += coloured_again(work, scalars, strength, style) + turned_grey(work, strength, style)
    after, clean, replaced = shaven(work, after, fields, scalars, strength, style)
    after += feature_changes(work, scalars, strength, style)
    if are_worn(work):
        changing = 1 - glasses_kept(work)
        after, replaced = work.lab + (after - work.lab) * changing[..., None], replaced * changing
    return after, clean, replaced


def _relieved(work: Work, fields: Mapping[str, F32], style: Style) -> F32:
    """Change of L that takes the relief of skin that the wanted kind does not have, and raises what it has more of."""
    change = np.zeros_like(work.skin)
    nose = nose_shape(work)
    bands = bands_of(work.lab[..., 0])
    for band, name, factor, level in zip(bands, ("1", "2", "3", "4"), style.relief, style.raised, strict=True):
        if not factor and not level:
            continue
        wanted = np.exp(np.clip(laid(fields[f"limit_{name}"], work.side), *LIMIT_RANGE))
        own = relief(band, work.cheeks)
        against_lines = (band * np.float32(1 / (NO_LINE * own))) ** 2
        lines = 1 / (1 + against_lines * against_lines)  # squared twice: numpy's fourth power takes 20 times as long
        other = np.zeros_like(band)
        if factor:
            other += limited(band, np.asarray(factor * own * wanted, np.float32)) - band
        if level:
            there = widely_blurred(np.abs(band), RAISED_WITHIN * work.unit) + LEAST_RELIEF
            other += band * np.clip(level * own * wanted / there - 1, 0, MOST_RAISED)
        change += other * lines * (1 - nose if name in "34" else 1)
    return np.asarray(change * work.plain * (1 - work.areas.nostrils), np.float32)


def shine(work: Work) -> F32:
    """How much each pixel shines, (S, S) in [0, 1]. Skin does at every age: a highlight made darker is a grey
    stain, and one that is given a colour glows.
    """
    brighter = widely_blurred(work.lab[..., 0], work.unit) - work.usual_lightness
    return np.asarray(risen(brighter, *SHINE) * work.plain, np.float32)


def nose_shape(work: Work) -> F32:
    """How little of the coarse relief is taken: that of a nose is its shape, not its age. (S, S) in [0, 1]."""
    return 0.8 * filled(hull(work.points[NOSE]), work.side, 1.5)


def _evened(work: Work, style: Style) -> F32:
    """Change of a and b that takes a share of the skin's blotches. -> (S, S, 2)."""
    colour = blurred(work.lab[..., 1:], 0.7 * work.unit) - widely_blurred(work.lab[..., 1:], 4.0 * work.unit)
    return np.asarray((style.chroma - 1) * colour * work.plain[..., None], np.float32)


def given_change(work: Work, scalars: Mapping[str, float], style: Style) -> F32:
    """The part of the change at strength 1 that hangs on the face, and on where its hair is, but on no colour or light
    that the network says. CIELAB, (S, S, 3).
    """
    change = coloured_again(work, scalars, 1.0, style) + turned_grey(work, 1.0, style)
    change[..., 0] += under_eyes(work, style)
    change[..., 1:] += _evened(work, style)
    return change


def _tint(work: Work, fields: Mapping[str, F32], strength: float, style: Style) -> F32:
    """Change of the skin's colour: none on lips, brows, eyes, hair and background, less down the neck."""
    bias = np.dstack([laid(fields[f"bias_{axis}"], work.side) for axis in "lab"]) * style.bias
    overall = work.usual(bias)
    bias -= (1 - np.array(style.tone, np.float32)) * overall
    low, high = np.array(style.bias_range, np.float32).T
    bias = np.clip(bias, low, high) * strength
    return np.asarray(bias * tinted_share(work)[..., None], np.float32)


def tinted_share(work: Work) -> F32:
    """How much of the skin's change of colour each pixel gets. (S, S) in [0, 1]."""
    features = np.clip(work.areas.eyes + work.areas.lips + work.areas.brows, 0, 1)
    ys, xs = np.indices((work.side, work.side), dtype=np.float32)
    chin, up, unit = work.points[8], upwards(work.points), interocular(work.points)
    below = -((xs / work.unit - chin[0]) * up[0] + (ys / work.unit - chin[1]) * up[1])
    neck = 0.7 * work.neck * np.clip(1 - below / (0.65 * unit), 0, 1)
    return np.asarray(np.maximum(work.skin * (1 - 0.85 * features), neck), np.float32)


def _painted(
    work: Work, fields: Mapping[str, F32], strength: float, style: Style, prototypes: Prototypes | None
) -> F32:
    """Soft change of colour of the whole face, eyes, brows and lips too: of make-up, another light, the prototypes."""
    paint = prototypical(work, style, prototypes)
    if style.paint:
        said: F32 = np.dstack([cv2.resize(fields[f"paint_{axis}"], (work.side, work.side)) for axis in "lab"])
        paint += np.float32(style.paint) * said
    paint = np.clip(paint, *PAINT_RANGE)
    paint[..., 0] *= np.where(paint[..., 0] < 0, shade_left(work), 1)
    darker = np.clip(paint[..., 0] / MOST_SHADE, 0, 1) * (1 - lips_alone(work))
    paint[..., 1] -= np.maximum(paint[..., 1], 0) * darker
    paint[..., 2] -= np.minimum(paint[..., 2], 0) * darker
    return np.asarray(paint * (strength * painted_share(work))[..., None], np.float32)


def prototypical(work: Work, style: Style, prototypes: Prototypes | None) -> F32:
    """Change towards the prototype of those that have the attribute. CIELAB, (S, S, 3)."""
    if prototypes is None or not style.prototypes:
        return np.zeros_like(work.lab)
    change = np.float32(style.prototypes) * prototypes.change(work)
    # Hair has hardly a colour: what reddens the skin around it would give it a rim.
    change[..., 1:] *= (1 - work.areas.brows)[..., None]
    dark = 1 - (1 - style.darkened) * np.clip(blurred(work.areas.brows + work.areas.eyes, work.unit), 0, 1)
    change[..., 0] *= np.where(change[..., 0] < 0, dark, 1)
    return np.asarray(change, np.float32)


def shade_left(work: Work) -> F32:
    """How much of a shade each pixel takes: where it is dark already, one more would be a bruise. (S, S)."""
    return risen(widely_blurred(work.lab[..., 0], 2.0 * work.unit), *DARK)


def painted_share(work: Work) -> F32:
    """How much of the paint each pixel gets: all of it inside the face, none outside it. (S, S) in [0, 1]."""
    return np.asarray(blurred(work.areas.oval, 2.0 * work.unit) * (1 - work.hair), np.float32)


def _toned(face: NativeFace, work: Work, after: F32, clean: F32, replaced: F32) -> U8:
    """The photograph with the working picture's change added, and clean skin where hair is replaced."""
    change = tinted(to_rgb(after) - to_rgb(work.lab), work.colour)
    change[largest(change) < 0.25] = 0
    height, width = face.shape
    added = _enlarged(change, work, face, (0, 0, width, height))
    if replaced.any():
        alpha = _enlarged(replaced, work, face, (0, 0, width, height))
        x, y, w, h = cv2.boundingRect((alpha > 0).astype(np.uint8))
        here = np.s_[y : y + h, x : x + w]
        skin = _enlarged(tinted(to_rgb(clean), work.colour), work, face, (x, y, x + w, y + h))
        skin += pores(face, alpha)[here][..., None]
        added[here] += alpha[here][..., None] * (skin - face.pixels[here] - added[here])
    return np.asarray(cv2.add(face.pixels, added, dtype=cv2.CV_8U), np.uint8)


def _enlarged(image: F32, work: Work, face: NativeFace, box: tuple[int, int, int, int]) -> F32:
    """A working picture at the photograph's pixels, of a part of the region: left, top, right, bottom."""
    left, top, right, bottom = box
    matrix = face.to_template * np.float32(work.unit)
    matrix[:, 2] += (work.unit - 1) / 2 + matrix[:, :2] @ np.array([left, top], np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(image, matrix, (right - left, bottom - top), flags=flags), np.float32)


def _moved(face: NativeFace, toned: U8, work: Work, fields: Mapping[str, F32], strength: float, style: Style) -> U8:
    """The toned photograph with its pixels moved, none of them outside the face and a rim around it."""
    said: F32 = np.dstack([cv2.resize(fields[axis], (FLOW_GRID, FLOW_GRID)) for axis in ("dx", "dy")]) * style.flow
    own, reach = movement(work.points, style)
    flow = np.asarray((said + own) * (strength * reach)[..., None], np.float32)
    cell = CROP_SIZE / FLOW_GRID
    ys, xs = np.indices((FLOW_GRID, FLOW_GRID), dtype=np.float32)
    # The result at p shows what was moved there: the flow's inverse, by two steps of a fixed point.
    back: F32 = -flow
    for _ in range(2):
        x, y = xs + back[..., 0] / cell, ys + back[..., 1] / cell
        back = np.negative(cv2.remap(flow, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), dtype=np.float32)
    back = blurred(back, 0.7)
    moves = largest(back) >= 0.01
    back[~moves] = 0
    box = box_around(moves, WINDOW, face, cells=3)
    if box is None:
        return toned
    left, top, right, bottom = box
    by = sample(back, WINDOW, face.part(box))
    moved = displaced(NativeFace(toned, face.to_template, face.points68), by[..., 0], by[..., 1], box)
    toned[top:bottom, left:right] = moved
    return toned
