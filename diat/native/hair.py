"""Hair that gets its colour back, or turns grey.

Grey hair is light and has no colour. It is changed where it can be told from what is behind it, and as a whole: hair
that ends up in patches, or in two colours where it leaves the crop, looks worse than grey hair.
"""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from diat.native.bands import widely_blurred
from diat.native.features import brow_hair
from diat.native.geometry import blurred
from diat.native.shaving import rough
from diat.native.style import Style
from diat.native.working import BORDER, Work, risen, sigmoid
from diat.pixels import F32, largest

# Hair with its colour: as light as this share of the cheeks, with these shares of their a and b, and within so much.
DARK_HAIR, HAIR_COLOUR, COLOUR_RANGE = 0.42, (0.2, 0.42), ((-2.0, 0.0), (6.0, 10.0))
# What stays of grey hair's light and shade, and of its strands.
SHADE_LEFT, STRANDS_LEFT = 0.35, 1.1
MOST_DARKER = 36.0  # levels of L, softly: white hair that became black would be flat
SHADE = 2.5  # template units: standard deviation of what counts as shade, and not as strands
GLARING = (89.0, 97.0)  # L from which on light is glare and no hair, and all is
# Probability of grey hair from which on it is coloured, and how far on altogether.
GREY_FROM, GREY_WITHIN = 0.1, 0.2
SURE, LEAST = 0.65, 20  # probability of what surely is hair, and the least of it, in square template units
BROW = 0.7  # share that brows get
# Share of the cheeks' colour from which on hair is colourless, and how far below altogether: of the head, of a beard.
COLOURLESS, COLOURLESS_BEARD = (0.85, 0.3), (0.62, 0.2)
BEARD_FROM, BEARD_WITHIN = 0.3, 0.2  # probability of a beard, as of grey hair
# How far from the colour and roughness of what surely is hair other pixels may be, in its own spread, and the least
# spread: L, a, b, and roughness times `ROUGHNESS`.
LIKE, LEAST_SPREAD, ROUGHNESS, MOST_ROUGH = (2.2, 3.2), (5.0, 2.0, 2.0, 2.5), 4.0, 4.0
BEHIND = 10.0  # template units around sure hair in which what is behind it is looked at
# The probability of hair that is cut off: where nothing behind is like it, and how much more where all is.
CUT, CUT_ALIKE, CUT_ALL = 0.1, 0.35, 0.9
# Share that can be coloured of the likely hair on the poorer side of the head, if there is more than so much of it in
# square template units, and share of the edge of the crop that hair leaves by: where the change begins or fades, and
# how far on it is made or gone.
LIKELY, LITTLE = 0.3, 75
ALL_OF_IT, LEAVING = (0.6, 0.15), (0.1, 0.25)
EDGE = 3  # template units beside the crop's soft edge that are looked at
# Of hair that turns grey: lightness from which it gets no lighter, contrast that is left of what is darker, distance in
# template units from the face over which it ends, and the share that brows get.
GREY_LIGHTNESS, GREY_CONTRAST, GREY_REACH, BROW_GREY = 62.0, 0.55, 22.0, 0.5


def coloured_again(work: Work, scalars: Mapping[str, float], strength: float, style: Style) -> F32:
    """Change that gives grey hair, brows and beard their colour back. CIELAB, (S, S, 3).

    Args:
        work: the working picture.
        scalars: of `diat.heads.HEADS["skin"]`.
        strength: 0 to 1.5.
        style: of the attribute.
    """
    certain = max(style.grey, 0.0) * float(risen(sigmoid(scalars["grey_hair"]), GREY_FROM, GREY_WITHIN))
    if certain == 0:
        return np.zeros_like(work.lab)
    lightness, dark = work.lab[..., 0], DARK_HAIR * work.usual_lightness
    light = np.asarray(np.clip((lightness - dark + 4) / 12, 0, 1), np.float32)
    glare = np.clip((GLARING[1] - lightness) / (GLARING[1] - GLARING[0]), 0, 1)
    # In black and white nothing has a colour, and a beard would not be told from a chin.
    grey = light * glare * np.maximum(_colourless(work, *COLOURLESS), 1 - work.colour)
    hair = np.asarray(work.hair * (1 - work.skin), np.float32)
    head, beard = _head(work, hair), _beard(work, scalars) * work.colour
    head *= _whole(work, hair, head * grey, light)
    where = np.maximum.reduce([head, BROW * work.areas.brows, beard]) * grey
    where = blurred(np.asarray(where, np.float32), 0.4 * work.unit)
    shade = widely_blurred(lightness, SHADE * work.unit)
    wanted = dark + SHADE_LEFT * (shade - dark)
    colour = np.clip(work.usual(work.lab)[1:] * np.array(HAIR_COLOUR), *np.array(COLOUR_RANGE))
    darker = MOST_DARKER * np.tanh(np.minimum(wanted - shade, 0) / MOST_DARKER)
    change = np.dstack([darker + (STRANDS_LEFT - 1) * (lightness - shade), colour - 0.65 * work.lab[..., 1:]])
    return np.asarray(change * (where * (certain * min(strength, 1.0)))[..., None], np.float32)


def turned_grey(work: Work, strength: float, style: Style) -> F32:
    """Change that takes the colour of hair and brows and makes their strands lighter. CIELAB, (S, S, 3)."""
    if style.grey >= 0:
        return np.zeros_like(work.lab)
    lightness = work.lab[..., 0]
    hair = np.clip(2.5 * work.hair - 1.0, 0, 1) * (1 - work.skin)
    hair = np.maximum(hair, BROW_GREY * brow_hair(work))
    # From the temples outwards it stays more and more as it was.
    away = cv2.distanceTransform((work.areas.oval < 0.5).astype(np.uint8), cv2.DIST_L2, 5) / work.unit
    grey = blurred(np.asarray(hair * np.exp(-((away / GREY_REACH) ** 2)), np.float32), 0.4 * work.unit)
    wanted = GREY_LIGHTNESS + GREY_CONTRAST * (lightness - GREY_LIGHTNESS)
    change = np.dstack([np.clip(wanted - lightness, 0, 30), -0.8 * work.lab[..., 1], -0.8 * work.lab[..., 2]])
    return np.asarray(change * (-style.grey * min(strength, 1.0) * grey)[..., None], np.float32)


def _colourless(work: Work, low: float, within: float) -> F32:
    """How much each pixel lacks colour, against the cheeks. (S, S) in [0, 1]."""
    chroma = blurred(np.hypot(work.lab[..., 1], work.lab[..., 2]), 0.5 * work.unit)
    usual = float(work.usual(chroma[..., None])[0])
    return np.asarray(np.clip((low * usual - chroma) / (within * usual + 1), 0, 1), np.float32)


def _head(work: Work, hair: F32) -> F32:
    """The hair of the head, less what only its surroundings make likely. (S, S) in [0, 1]."""
    sure = (cv2.erode(hair, np.ones((2 * work.unit + 1,) * 2, np.uint8)) > SURE) & (work.areas.oval < 0.5)
    if sure.sum() < LEAST * work.unit**2:
        return np.zeros_like(hair)
    seen = np.dstack([blurred(work.lab, 0.8 * work.unit), ROUGHNESS * np.minimum(work.roughness, MOST_ROUGH)])
    usual = np.median(seen[sure], 0)
    spread = 1.5 * np.median(np.abs(seen[sure] - usual), 0) + np.array(LEAST_SPREAD, np.float32)
    away = largest((seen - usual) / spread)
    like = blurred(np.asarray(np.clip((LIKE[1] - away) / (LIKE[1] - LIKE[0]), 0, 1), np.float32), 0.5 * work.unit)
    side = 2 * int(BEHIND * work.unit) + 1
    near = cv2.dilate(sure.astype(np.uint8), np.ones((side, side), np.uint8)) > 0
    behind = near & (hair < 0.3) & (work.skin < 0.3) & (work.neck < 0.3)
    cut = CUT + CUT_ALIKE * (float(like[behind].mean()) if behind.any() else 0.0)
    return np.asarray(np.clip((hair - cut) / (CUT_ALL - cut), 0, 1) * like, np.float32)


def _beard(work: Work, scalars: Mapping[str, float]) -> F32:
    """A grey beard: rough, and without the skin's colour. (S, S) in [0, 1]."""
    present = risen(sigmoid(scalars["beard"]), BEARD_FROM, BEARD_WITHIN)
    found = work.areas.beard * rough(work) * (1 - work.areas.lips) * _colourless(work, *COLOURLESS_BEARD)
    return present * blurred(np.asarray(found, np.float32), 0.8 * work.unit)


def _whole(work: Work, hair: F32, coloured: F32, light: F32) -> float:
    """How far hair can be coloured as a whole: 0 where patches would stay, or it goes on beyond the crop."""
    hair = hair * (work.areas.oval < 0.5)
    there = np.where(hair > LIKELY, hair * light, 0)
    middle = int(work.points[27, 0] * work.unit)
    sides = [(coloured[:, half] * (there[:, half] > 0), there[:, half])
             for half in (slice(middle), slice(middle, None))]  # fmt: skip
    shares = [float(got.sum() / wanted.sum()) for got, wanted in sides if wanted.sum() > LITTLE * work.unit**2]
    edge, near = int(BORDER * work.side), EDGE * work.unit
    beside = slice(edge - near, edge), slice(-edge, near - edge)
    strips = [turned[rows] for turned in (coloured, coloured.T) for rows in beside]
    leaving = max(float((strip > SURE).any(0).mean()) for strip in strips)
    return float(risen(min(shares, default=0.0), *ALL_OF_IT) * (1 - risen(leaving, *LEAVING)))
