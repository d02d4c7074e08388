"""Hair of the face replaced by clean skin: a beard, and the lower and outer part of a brow.

What is replaced gets the colour of clean skin around, and grain of the person's own cheek. Only what looks like hair is
replaced altogether: a chin in the shade keeps its shape, and skin under stubble its pores.
"""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from diat.native.bands import widely_blurred
from diat.native.chin import chin_relief
from diat.native.geometry import blurred
from diat.native.healing import grain
from diat.native.region import NativeFace
from diat.native.style import Style
from diat.native.working import Work, laid, risen, sigmoid
from diat.pixels import F32

# Hair of the face goes from this probability on, and all of it soon; sooner yet, and hands and microphones go as well.
BEARD_LEAST, BEARD_GAIN = 0.1, 3.0
# Log-odds that what is seen to be dark and rough adds to the network's: on dark skin it is not sure of a moustache.
EVIDENCE = 2.0
# What looks like hair: by so many levels of L darker than clean skin, or so many times as rough as the cheeks. First
# where it begins, then how far on it is sure.
DARKER, ROUGHER = (6.0, 8.0), (1.1, 0.5)
LEAST_HAIR = 0.6  # share that is replaced of what does not look like hair, but may be stubble
LIGHTENED = 9.0  # levels by which the rest of it may come nearer to clean skin
BRIGHTEST = 6.0  # levels of L that clean skin is lighter than the cheeks, at most, but for the chin's own relief
PORE = 0.9  # standard deviation, template units: grain is what a Gaussian of that takes away
LARGEST = 3.0  # grain stronger than this many times the median is cut down softly
THINNED = 3  # every so many pixels along each side tell the median


def shaven(
    work: Work, after: F32, fields: Mapping[str, F32], scalars: Mapping[str, float], strength: float, style: Style
) -> tuple[F32, F32, F32]:
    """Shave a face.

    Args:
        work: the working picture.
        after: it, as changed so far, CIELAB.
        fields: the maps of `diat.heads.HEADS["skin"]`.
        scalars: its scalars.
        strength: 0 to 1.5.
        style: of the attribute.

    Returns:
        The picture with stubble made lighter; the colour of clean skin where hair of the face is replaced; and how much
        of it is, (S, S) in [0, 1].
    """
    whole = np.float32(min(strength, 1.0))
    beard, brow = beard_share(work, fields, scalars, style) * whole, np.zeros_like(work.skin)
    if style.thinning:
        thinned = np.clip(style.thinning * (2.6 * sigmoid(laid(fields["brow_alpha"], work.side)) - 0.35), 0, 1)
        brow = thinned * brow_share(work) * whole
    both = np.maximum(beard, brow)
    if not both.any():
        return after, after, both
    clean = clean_skin(work, after, fields, both)
    hair = like_hair(work, after, clean)
    lighter = np.clip(clean - widely_blurred(after, 2.0 * work.unit), -LIGHTENED, LIGHTENED)
    return after + (beard * (1 - hair))[..., None] * lighter, clean, np.maximum(beard * hair, brow)


def beard_share(work: Work, fields: Mapping[str, F32], scalars: Mapping[str, float], style: Style) -> F32:
    """How much of a beard each pixel is. (S, S) in [0, 1]."""
    if not style.beard:
        return np.zeros_like(work.skin)
    said = sigmoid(laid(fields["alpha"], work.side) + EVIDENCE * hair_seen(work))
    there = np.clip(BEARD_GAIN * (said - BEARD_LEAST), 0, 1)
    return np.asarray(there * beard_place(work, scalars, style), np.float32)


def hair_seen(work: Work) -> F32:
    """How much each pixel where a beard may be is darker and rougher than the cheeks. (S, S) in [0, 1]."""
    lightness = work.lab[..., 0]
    darker = risen(work.usual_lightness - widely_blurred(lightness, 2.2 * work.unit), *DARKER)
    seen = darker * rough(work) * work.areas.beard
    return blurred(np.asarray(seen, np.float32), work.unit)


def beard_place(work: Work, scalars: Mapping[str, float], style: Style) -> F32:
    """How much of each pixel may be replaced as hair of the face. (S, S) in [0, 1]."""
    present = risen(sigmoid(scalars["beard"]), 0.06, 0.2)
    face = np.clip(work.skin + work.neck + work.hair, 0, 1) * (1 - work.areas.lips) * (1 - work.areas.nostrils)
    return np.asarray(face * style.beard * present, np.float32)


def brow_share(work: Work) -> F32:
    """How much of each pixel may be replaced as hair of a brow. (S, S) in [0, 1]."""
    dark = np.clip((widely_blurred(work.lab[..., 0], 6.0 * work.unit) - work.lab[..., 0] - 1) / 7, 0, 1)
    return np.asarray(dark * np.clip(2 * blurred(work.areas.brows, work.unit), 0, 1), np.float32)


def clean_skin(work: Work, lab: F32, fields: Mapping[str, F32], replaced: F32) -> F32:
    """The colour of clean skin where hair is: the cheeks', as the network says, in the light around, with the relief of
    a chin. CIELAB.
    """
    # All of it is soft, and worked out on every second pixel.
    side = work.side // 2
    lab, cheeks, plain, replaced = (
        np.asarray(cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA), np.float32)
        for image in (lab, work.cheeks, work.plain, replaced)
    )
    intact = 1 - np.clip(3 * replaced, 0, 1)
    low = widely_blurred(lab, 1.4 * work.unit)
    weights = cheeks * intact + 1e-4
    own = np.einsum("yxc,yx->c", low, weights) / weights.sum()
    expected = own + np.dstack([laid(fields[f"fill_{axis}"], side) for axis in "lab"])
    # What this light makes of it: the difference on the skin around, carried inwards.
    off = np.dstack([(low - expected) * (plain * intact)[..., None], plain * intact + 1e-4])
    near, far = widely_blurred(off, 2.5 * work.unit), widely_blurred(off, 7.0 * work.unit)
    trust = np.clip(near[..., 3:] / 0.25, 0, 1)
    light = near[..., :3] / near[..., 3:] * trust + far[..., :3] / far[..., 3:] * (1 - trust)
    soft = np.asarray(expected + 0.95 * np.clip(light, -30, 30), np.float32)
    clean = np.asarray(cv2.resize(soft, (work.side, work.side)), np.float32)
    clean[..., 0] = np.minimum(clean[..., 0], own[0] + BRIGHTEST) + own[0] * chin_relief(work.points, work.side)
    return clean


def like_hair(work: Work, lab: F32, clean: F32) -> F32:
    """How much each pixel looks like hair, were it of a beard. (S, S), `LEAST_HAIR` to 1."""
    darker = widely_blurred(np.ascontiguousarray(clean[..., 0] - lab[..., 0]), 2.2 * work.unit)
    hair = np.maximum(risen(darker, *DARKER), rough(work))
    return np.asarray(LEAST_HAIR + (1 - LEAST_HAIR) * blurred(np.asarray(hair, np.float32), work.unit), np.float32)


def rough(work: Work) -> F32:
    """How sure it is that each pixel is rougher than skin. (S, S) in [0, 1]."""
    return risen(work.roughness, *ROUGHER)


def pores(face: NativeFace, alpha: F32) -> F32:
    """Grain of the cheeks for what is replaced, only as coarse as pores are: larger spots would be seen to repeat.

    Args:
        face: the region.
        alpha: how much of each of its pixels is replaced, (h, w); some is.

    Returns:
        (h, w) float, levels of lightness, mean about 0.
    """
    x, y, width, height = cv2.boundingRect((alpha > 0).astype(np.uint8))
    own = grain(face, alpha, (alpha <= 0).astype(np.float32))
    here = np.s_[y : y + height, x : x + width]
    fine = own[here] - widely_blurred(own[here], PORE * face.scale)
    some = np.abs(fine[::THINNED, ::THINNED])[alpha[here][::THINNED, ::THINNED] > 0]
    most = np.float32(LARGEST * (np.median(some) if some.size else 0.0) + 0.5)
    own[here] = fine / np.sqrt(1 + (fine / most) ** 2)
    return own
