"""The shapes of glasses on a face: rims, bridge, pads, temples and lenses, of many styles, at random."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from diat.pixels import F32, U8

F64 = NDArray[np.float64]

FINE = 2  # outlines are drawn this many times finer than the crop


@dataclass(frozen=True)
class Style:
    """How often a kind of glasses is drawn, and between what its measures lie (in pixels of 128)."""

    weight: float
    stroke: tuple[float, float]
    height: tuple[float, float] = (0.22, 0.42)  # half of a lens, of the distance between the eyes
    width: tuple[float, float] = (0.36, 0.48)
    shown: tuple[float, float] = (0.85, 1.0)  # how opaque its rims are
    metal: bool = False


STYLES = {
    "thin metal": Style(0.22, (0.4, 1.0), metal=True),
    "acetate": Style(0.24, (1.2, 3.6)),
    "half rim": Style(0.12, (0.6, 2.4)),
    "rimless": Style(0.1, (0.3, 0.6), shown=(0.1, 0.5), metal=True),
    "clear": Style(0.12, (1.0, 3.4), shown=(0.08, 0.45)),
    "sunglasses": Style(0.2, (0.5, 3.2), height=(0.3, 0.52), width=(0.42, 0.56)),
}


@dataclass(frozen=True, eq=False)
class Frame:
    """Shares of each pixel that parts of the glasses cover, (H, W) each, 0 to 1."""

    rims: F32
    lenses: F32
    bevel: F32  # the edge of the rims that catches the light


def draw_frame(shape: tuple[int, ...], points68: F32, unit: float, kind: str, rng: np.random.Generator) -> Frame:
    """Rims, bridge, temples and lenses."""
    style = STYLES[kind]
    canvas = {name: np.zeros((shape[0] * FINE, shape[1] * FINE), np.uint8) for name in ("rims", "lenses", "bevel")}
    eyes = np.stack([points68[36:42].mean(0), points68[42:48].mean(0)]).astype(np.float64)
    apart = float(np.linalg.norm(eyes[1] - eyes[0]))
    across = (eyes[1] - eyes[0]) / max(apart, 1e-6)
    turn = rng.normal(0, 0.02)
    across = np.array([across[0] - turn * across[1], across[1] + turn * across[0]])
    down = np.array([-across[1], across[0]])
    widths = [float(np.linalg.norm(points68[a] - points68[b])) for a, b in ((36, 39), (42, 45))]
    share = np.clip(np.array(widths) / np.mean(widths), 0.65, 1.2)
    height, width = rng.uniform(*style.height) * apart, rng.uniform(*style.width) * apart
    drop = rng.uniform(-0.02, 0.26) * apart
    shape_of = {"squareness": rng.uniform(2, 5.5), "taper": rng.uniform(-0.1, 0.4), "lift": rng.uniform(-0.05, 0.2)}
    stroke = max(1, round(rng.uniform(*style.stroke) * unit * FINE))
    # Lenses sit around the eyes, and do not meet on the nose.
    outwards = max(rng.uniform(-0.03, 0.04) * apart, width - rng.uniform(0.38, 0.45) * apart)
    centres = eyes + drop * down + outwards * np.array([[-1], [1]]) * across
    lenses = [
        _outline(centre, side * across, down, width * part, height, **shape_of)
        for centre, side, part in zip(centres, (-1, 1), share, strict=True)
    ]
    top_heavy = kind == "half rim" or rng.random() < 0.25
    for lens, centre in zip(lenses, centres, strict=True):
        cv2.fillPoly(canvas["lenses"], [_fine(lens)], 255, cv2.LINE_AA)
        upper = lens[(lens - centre) @ down < rng.uniform(-0.2, 0.3) * height]
        if kind != "half rim":
            _stroke(canvas["rims"], lens, stroke, closed=True)
            _stroke(canvas["bevel"], lens - 0.3 * stroke / FINE * down, max(1, stroke // 4), closed=True)
        if top_heavy and len(upper) > 1:
            _stroke(canvas["rims"], upper, round(stroke * rng.uniform(1.2, 2.2)), closed=False)
            _stroke(canvas["bevel"], upper - 0.3 * stroke / FINE * down, max(1, stroke // 4), closed=False)
    _hardware(canvas["rims"], points68, centres, across, down, width * share, height, stroke, style, rng)
    small = {
        name: np.asarray(cv2.resize(image, shape[1::-1], interpolation=cv2.INTER_AREA) / 255, np.float32)
        for name, image in canvas.items()
    }
    return Frame(small["rims"], small["lenses"], small["bevel"])


def _hardware(
    canvas: U8, points68: F32, centres: F64, across: F64, down: F64, widths: F64, height: float, stroke: int,
    style: Style, rng: np.random.Generator,
) -> None:  # fmt: skip
    """Bridge, nose pads and temples."""
    inner = [centres[0] + widths[0] * across, centres[1] - widths[1] * across]
    thick = max(1, round(stroke * rng.uniform(0.8, 1.5)))
    level = rng.uniform(-0.55, 0.0) * height
    ends = [end + level * down for end in inner]
    _stroke(canvas, _arc(ends[0], ends[1], -rng.uniform(0.02, 0.25) * height * down), thick, closed=False)
    if rng.random() < 0.12:  # the second bar of aviators
        bar = [end - 0.75 * height * down for end in inner]
        _stroke(canvas, _arc(bar[0], bar[1], 0 * down), thick, closed=False)
    if style.metal and rng.random() < 0.7:
        for end, side in zip(inner, (1, -1), strict=True):
            pad = end + (0.35 * height) * down + side * 0.03 * widths.mean() * across
            cv2.ellipse(
                canvas, (tuple(map(float, _fine(pad))), (0.1 * height * FINE, 0.3 * height * FINE), 0.0), 150, -1
            )
    level = rng.uniform(-0.75, -0.05) * height
    for centre, width, ear, side in zip(centres, widths, points68[[0, 16]], (-1, 1), strict=True):
        hinge = centre + side * width * across + level * down
        reach = float((ear - hinge) @ (side * across))
        if reach < 0.12 * widths.mean():  # the face hides this side's temple
            continue
        end = ear + side * rng.uniform(-0.1, 0.1) * reach * across - rng.uniform(0.0, 0.4) * height * down
        thick = max(1, round(stroke * rng.uniform(0.8, 2.2)))
        _stroke(canvas, _arc(hinge, end, rng.uniform(-0.05, 0.05) * height * down), thick, closed=False)


def _outline(
    centre: F64, outwards: F64, down: F64, half_width: float, half_height: float, squareness: float, taper: float,
    lift: float,
) -> F64:  # fmt: skip
    """Points of a lens: a superellipse, narrower below by ``taper``, its outer end up by ``lift``. -> (96, 2).

    The first is the lowest, so that the points of an upper part follow on one another.
    """
    angle = np.linspace(0.5 * np.pi, 2.5 * np.pi, 96, endpoint=False)
    sideways = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** (2 / squareness)
    level = np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** (2 / squareness)
    sideways = sideways * (1 - taper * np.clip(level, 0, 1))
    level = level - lift * np.clip(sideways, 0, 1) ** 2
    outline: F64 = centre + half_width * sideways[:, None] * outwards + half_height * level[:, None] * down
    return outline


def _arc(start: F64, end: F64, sag: F64) -> F64:
    """A bow from start to end, off the straight line by ``sag`` in its middle. -> (12, 2)."""
    t = np.linspace(0, 1, 12)[:, None]
    return np.asarray(start + t * (end - start) + 4 * t * (1 - t) * sag, np.float64)


def _fine(points: F64) -> NDArray[np.int32]:
    return np.rint((points + 0.5) * FINE - 0.5).astype(np.int32)


def _stroke(image: U8, points: F64, width: int, closed: bool) -> None:
    cv2.polylines(image, [_fine(points)], closed, 255, max(1, width), cv2.LINE_AA)
