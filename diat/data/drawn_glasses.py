"""Glasses drawn onto faces that wear none: rims, lenses and their light at random. Inputs for T (`diat.data.pairs`)."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from diat.align import CROP_SIZE
from diat.pixels import F32, U8

F64 = NDArray[np.float64]

FINE = 4  # glasses are drawn this many times finer than the crop
Span = tuple[float, float]  # between which a value is drawn, each as likely
RGB = tuple[float, float, float]


# All numbers below were set by eye, on sheets of drawn glasses beside those that CelebA's train part shows, and widened
# where a trained T left such glasses on.


@dataclass(frozen=True)
class Rims:
    """A kind of rims."""

    stroke: Span  # how broad, in pixels of 128
    opacity: Span = (0.75, 1.0)
    faint: bool = False  # of a colour near the skin's, lit from a side, glossy
    edges: Span | None = None  # how much its edges show, where they show more than the rest


# Half of the rims hardly show, and so are the hardest to see and to take away.
KINDS = (
    Rims(stroke=(0.5, 1.2)),  # thin
    Rims(stroke=(1.2, 3.5)),  # thick
    Rims(stroke=(0.4, 2.0), opacity=(0.25, 0.8), faint=True),
    Rims(stroke=(1.5, 4.0), opacity=(0.05, 0.4), faint=True, edges=(0.2, 0.8)),  # broad clear plastic
)


@dataclass(frozen=True)
class Frame:
    """What glasses measure, in fractions of the distance between the eyes if nothing else is said."""

    half_height: Span = (0.20, 0.44)  # of a lens
    half_width: Span = (0.36, 0.46)  # of a lens
    turned: Span = (0.7, 1.2)  # limits of how much narrower or wider a lens looks on a turned head, by the eyes' widths
    squareness: Span = (2.0, 5.0)  # exponent of a lens's outline: 2 an ellipse, 5 nearly a rectangle
    drop: Span = (0.0, 0.28)  # of a lens's centre below the eye's
    rimless: float = 0.1  # share of glasses without rims around the lenses
    browline: float = 0.4  # share of glasses whose rims are twice as heavy above
    browline_end: float = 0.1  # how far above the lens's centre those end, of its half height
    bridge: float = 0.3  # how far above the lenses' centres the bridge arches, of their half height
    hinge: float = 0.4  # how far above a lens's centre its temple begins, of its half height
    shadow: Span = (0.0, 0.3)  # how dark the rims' shadow on the skin is
    shadow_drop: float = 1.5  # and how far below, in pixels of 128
    shadow_blur: float = 1.2  # its standard deviation, pixels


@dataclass(frozen=True)
class Glass:
    """What lenses do to the light."""

    clear: float = 0.65  # share of lenses without a tint that shows; the darkest are sunglasses
    tinted: float = 0.20
    tints: tuple[Span, Span, Span] = ((0.0, 0.15), (0.15, 0.7), (0.7, 0.97))  # of clear, tinted and sunglasses
    colour: RGB = (40, 40, 45)
    colour_spread: Span = (-20, 40)  # levels around it
    reflecting: float = 0.5  # share of glasses that reflect a light
    reflection: Span = (0.1, 0.8)  # how strongly
    spots: int = 8  # along each side of the pattern that is reflected; its power of 4 leaves few bright ones


@dataclass(frozen=True)
class Paint:
    """What rims look like."""

    # Mostly dark, sometimes brown, metal, gold or red (RGB).
    colours: tuple[RGB, ...] = (
        (20, 20, 22), (20, 20, 22), (35, 30, 30), (70, 45, 30), (110, 110, 115), (160, 130, 80), (120, 30, 35),
    )  # fmt: skip
    colour_spread: Span = (-12, 12)  # levels around it
    # Clear plastic, silver, gold and horn, as factors of the skin's colour.
    faint_colours: tuple[RGB, ...] = ((1.3, 1.3, 1.3), (1.1, 1.2, 1.3), (1.2, 1.1, 0.8), (0.8, 0.75, 0.7))
    faint_lightening: Span = (0, 25)  # levels
    sheen: Span = (0.0, 0.5)  # how much brighter rims are where the light falls on them
    sides: int = 4  # cells along each side in which light makes one part of a faint rim show and another not
    sides_light: Span = (0.3, 1.0)
    gloss_spots: int = 8
    edge_light: tuple[float, float] = (0.6, 1.5)  # of the skin: edges of clear plastic are dark or bright
    # What lenses and gloss reflect: white, or a coating's violet, blue or green.
    coatings: tuple[RGB, ...] = (
        (255, 255, 255), (255, 255, 255), (150, 110, 255), (110, 140, 255), (130, 230, 170),
    )  # fmt: skip


FRAME, GLASS, PAINT = Frame(), Glass(), Paint()


def draw_glasses(crop: U8, points68: F32, rng: np.random.Generator) -> U8:
    """Draw glasses onto a face: rims, bridge, temples, tint and reflections at random.

    Args:
        crop: (S, S, 3) RGB uint8.
        points68: (68, 2) pixels of the crop.
        rng: what they look like.

    Returns:
        (S, S, 3) RGB uint8.
    """
    kind = KINDS[int(rng.choice(len(KINDS), p=np.full(len(KINDS), 1 / len(KINDS))))]
    rims, inside = _shape(crop.shape[0], points68, kind.stroke, rng)
    picture = _glazed(_shaded(crop.astype(np.float64), rims, rng), inside, rng)
    picture = _rimmed(picture, rims, kind, np.median(_colours(crop, points68[27:36]), axis=0), rng)
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def _shaded(picture: F64, rims: F64, rng: np.random.Generator) -> F64:
    """A picture under the rims' shadow."""
    blurred = cv2.GaussianBlur(rims, (0, 0), FRAME.shadow_blur)
    shadow = np.roll(blurred, round(FRAME.shadow_drop * len(rims) / CROP_SIZE), axis=0)
    shaded: F64 = picture * (1 - rng.uniform(*FRAME.shadow) * shadow[..., None])
    return shaded


def _rimmed(picture: F64, rims: F64, kind: Rims, skin: F64, rng: np.random.Generator) -> F64:
    """A picture with the rims, (S, S) 0 to 1, painted over it. ``skin``: the colour of the nose."""
    opacity, gloss = np.ones_like(rims), np.zeros_like(rims)
    if kind.faint:
        colour = skin * PAINT.faint_colours[rng.integers(len(PAINT.faint_colours))]
        colour = colour + rng.uniform(*PAINT.faint_lightening)
        # Light from a side shows one half of such a rim, and leaves the other to its shadow.
        opacity = rng.uniform(*kind.opacity) * _uneven(rims.shape, PAINT.sides_light, PAINT.sides, rng)
        gloss = _uneven(rims.shape, (0.0, 1.0), PAINT.gloss_spots, rng) ** 4  # it shines here and there
    else:
        colour = np.array(PAINT.colours[rng.integers(len(PAINT.colours))], np.float64)
        colour = colour + rng.uniform(*PAINT.colour_spread, 3)
        opacity *= rng.uniform(*kind.opacity)
    sheen = _uneven(rims.shape, (1.0, 1 + rng.uniform(*PAINT.sheen)), 6, rng)
    picture = picture + (opacity * rims)[..., None] * (np.clip(colour * sheen[..., None], 0, 255) - picture)
    if kind.edges is not None:
        edge = 4 * rims * (1 - rims) * _uneven(rims.shape, (0.0, rng.uniform(*kind.edges)), 5, rng)
        picture = picture + edge[..., None] * (skin * rng.choice(PAINT.edge_light) - picture)
    if kind.faint:
        picture = picture + (gloss * rims)[..., None] * np.maximum(_coating(rng) - picture, 0)
    return picture


@dataclass(frozen=True, eq=False)
class _Face:
    """Where glasses sit, in pixels of the crop."""

    eyes: F64  # (2, 2) their centres
    ears: F64  # (2, 2)
    apart: float  # distance of the eyes
    across: F64  # (2,) unit vector from the one to the other
    downwards: F64  # (2,) unit vector
    widths: tuple[float, float]  # of the eyes

    @classmethod
    def of_points(cls, points68: F32) -> _Face:
        eyes = np.stack([points68[36:42].mean(0), points68[42:48].mean(0)]).astype(np.float64)
        apart = float(np.linalg.norm(eyes[1] - eyes[0]))
        across = (eyes[1] - eyes[0]) / max(apart, 1e-6)
        first, second = (float(np.linalg.norm(points68[a] - points68[b])) for a, b in ((36, 39), (42, 45)))
        ears = points68[[0, 16]].astype(np.float64)
        return cls(eyes, ears, apart, across, np.array([-across[1], across[0]]), (first, second))


def _shape(size: int, points68: F32, strokes: Span, rng: np.random.Generator) -> tuple[F64, F64]:
    """Where rims, bridge and temples are, as broad as ``strokes`` allows, and the lenses. -> (S, S) each, 0 to 1."""
    face = _Face.of_points(points68)
    half_height = rng.uniform(*FRAME.half_height) * face.apart
    half_widths = [
        rng.uniform(*FRAME.half_width) * face.apart * np.clip(width / np.mean(face.widths), *FRAME.turned)
        for width in face.widths
    ]
    squareness, drop = rng.uniform(*FRAME.squareness), rng.uniform(*FRAME.drop) * face.apart
    stroke = max(1, round(rng.uniform(*strokes) * size / CROP_SIZE * FINE))
    frame, glass = (np.zeros((size * FINE, size * FINE), np.uint8) for _ in range(2))
    lenses = [
        _outline(eye + drop * face.downwards, face.across, face.downwards, width, half_height, squareness)
        for eye, width in zip(face.eyes, half_widths, strict=True)
    ]
    rimless = rng.random() < FRAME.rimless
    for lens in lenses:
        _polygon(glass, lens)
        if not rimless:
            _stroke(frame, lens, stroke, closed=True)
    if rng.random() < FRAME.browline:
        lowest = drop - FRAME.browline_end * half_height
        for lens, eye in zip(lenses, face.eyes, strict=True):
            _stroke(frame, lens[(lens - eye) @ face.downwards < lowest], 2 * stroke, closed=False)
    _join(frame, face, half_widths, half_height, drop, stroke)
    reduced = [cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA) / 255 for image in (frame, glass)]
    return reduced[0].astype(np.float64), reduced[1].astype(np.float64)


def _join(frame: U8, face: _Face, half_widths: list[float], half_height: float, drop: float, stroke: int) -> None:
    """Draw the bridge between the lenses, and the temples from the lenses to the ears."""
    (left, right), across, downwards = face.eyes, face.across, face.downwards
    middle = face.eyes.mean(0) + (drop - FRAME.bridge * half_height) * downwards
    inner = (left + half_widths[0] * across, right - half_widths[1] * across)
    bridge = np.stack([inner[0] + drop * downwards, middle, inner[1] + drop * downwards])
    _stroke(frame, bridge, stroke, closed=False)
    for eye, width, ear, sign in zip(face.eyes, half_widths, face.ears, (-1, 1), strict=True):
        hinge = eye + sign * width * across + (drop - FRAME.hinge * half_height) * downwards
        _stroke(frame, np.stack([hinge, ear]), stroke, closed=False)


def _glazed(picture: F64, inside: F64, rng: np.random.Generator) -> F64:
    """A picture through lenses, (S, S) 0 to 1: clear, tinted or sunglasses, half of them with a reflection."""
    kind = rng.random()
    clear, tinted, dark = GLASS.tints
    span = clear if kind < GLASS.clear else tinted if kind < GLASS.clear + GLASS.tinted else dark
    tint = rng.uniform(*span)
    colour = np.array(GLASS.colour) + rng.uniform(*GLASS.colour_spread, 3)
    picture = picture + tint * inside[..., None] * (colour - picture)
    if rng.random() < GLASS.reflecting:
        spots = cv2.GaussianBlur(rng.random((GLASS.spots, GLASS.spots)) ** 4, (0, 0), 1.0)
        light = np.clip(cv2.resize(spots / spots.max(), inside.shape, interpolation=cv2.INTER_CUBIC), 0, 1) * inside
        picture += rng.uniform(*GLASS.reflection) * light[..., None] * np.maximum(_coating(rng) - picture, 0)
    return picture


def _coating(rng: np.random.Generator) -> F64:
    return np.array(PAINT.coatings[rng.integers(len(PAINT.coatings))], np.float64)


def _uneven(shape: tuple[int, ...], between: Span, spots: int, rng: np.random.Generator) -> F64:
    """Values that differ slowly from place to place. -> (H, W)."""
    values = rng.uniform(*between, (spots, spots))
    uneven: F64 = cv2.resize(values, shape[::-1]).astype(np.float64)
    return uneven


def _outline(
    centre: F64,
    across: F64,
    downwards: F64,
    half_width: float,
    half_height: float,
    squareness: float,
) -> F64:
    """Points of a lens: a superellipse, from an oval to nearly a rectangle. -> (64, 2)."""
    angle = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    sideways = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** (2 / squareness)
    up = np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** (2 / squareness)
    outline: F64 = centre + half_width * sideways[:, None] * across + half_height * up[:, None] * downwards
    return outline


def _colours(crop: U8, points: F32) -> U8:
    """The pixels at the points. -> (N, 3)."""
    x, y = np.clip(np.rint(points).astype(int), 0, crop.shape[0] - 1).T
    colours: U8 = crop[y, x]
    return colours


def _fine(points: F64) -> NDArray[np.int32]:
    fine: NDArray[np.int32] = np.rint((points + 0.5) * FINE - 0.5).astype(np.int32)
    return fine


def _stroke(image: U8, points: F64, width: int, closed: bool) -> None:
    cv2.polylines(image, [_fine(points)], closed, 255, width, cv2.LINE_AA)


def _polygon(image: U8, points: F64) -> None:
    cv2.fillPoly(image, [_fine(points)], 255, cv2.LINE_AA)
