"""Glasses for faces that wear none: drawn, or borrowed from another face. Inputs for T (`diat.data.pairs`)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from diat.align import similarity
from diat.data.pack import Pack
from diat.errors import TrainingStopped
from diat.pixels import F32, U8

F64 = NDArray[np.float64]

FINE = 4  # glasses are drawn this many times finer than the crop

# Rims are mostly dark, sometimes brown, metal, gold or red (RGB).
RIMS = ((20, 20, 22), (20, 20, 22), (35, 30, 30), (70, 45, 30), (110, 110, 115), (160, 130, 80), (120, 30, 35))
# Clear plastic, silver, gold and horn, as factors of the skin's colour.
FAINT_RIMS = ((1.3, 1.3, 1.3), (1.1, 1.2, 1.3), (1.2, 1.1, 0.8), (0.8, 0.75, 0.7))
# How broad the rims of each kind are, in pixels of 128.
STROKES = {"thin": (0.5, 1.2), "thick": (1.2, 3.5), "faint": (0.4, 2.0), "clear": (1.5, 4.0)}
COATINGS = ((255, 255, 255), (255, 255, 255), (150, 110, 255), (110, 140, 255), (130, 230, 170))  # what lenses reflect

POSE = (0, 1, 15, 16, *range(27, 31), *range(36, 48))  # landmarks that say how glasses sit: temples, bridge, eyes
RELIT = 0.7  # share of the borrowed glasses that get the light of the face around them
LOOKED_AT = 40  # lenders of which the one whose pose fits best lends


def draw_glasses(crop: U8, points68: F32, rng: np.random.Generator) -> U8:
    """Draw glasses onto a face: rims, bridge, temples, tint and reflections at random.

    Args:
        crop: (S, S, 3) RGB uint8.
        points68: (68, 2) pixels of the crop.
        rng: what they look like.

    Returns:
        (S, S, 3) RGB uint8.
    """
    # Half of the rims hardly show, and so are the hardest to see and to take away.
    kind = str(rng.choice(list(STROKES), p=[0.25, 0.25, 0.25, 0.25]))
    rims, inside = _shape(crop.shape[0], points68, STROKES[kind], rng)
    picture = crop.astype(np.float64)
    # The rims' shadow, the glass and what it reflects, the rims.
    shadow = np.roll(cv2.GaussianBlur(rims, (0, 0), 1.2), round(1.5 * crop.shape[0] / 128), axis=0)
    picture *= 1 - rng.uniform(0, 0.3) * shadow[..., None]
    picture = _glazed(picture, inside, rng)
    if kind in ("faint", "clear"):
        skin = np.median(_colours(crop, points68[27:36]), axis=0)  # of the nose
        colour = skin * FAINT_RIMS[rng.integers(len(FAINT_RIMS))] + rng.uniform(0, 25)
        # Light from a side shows one half of such a rim, and leaves the other to its shadow.
        seen = rng.uniform(0.25, 0.8) if kind == "faint" else rng.uniform(0.05, 0.4)
        opacity = seen * _uneven(rims.shape, (0.3, 1.0), 4, rng)
        gloss = _uneven(rims.shape, (0.0, 1.0), 8, rng) ** 4  # what clear plastic shines with, here and there
    else:
        colour = np.array(RIMS[rng.integers(len(RIMS))], np.float64) + rng.uniform(-12, 12, 3)
        opacity = np.full(rims.shape, rng.uniform(0.75, 1.0))
    shone = np.clip(colour * _uneven(rims.shape, (1.0, 1 + rng.uniform(0, 0.5)), 6, rng)[..., None], 0, 255)
    picture += (opacity * rims)[..., None] * (shone - picture)
    if kind == "clear":  # of broad clear plastic it is the edges that show
        edge = 4 * rims * (1 - rims) * _uneven(rims.shape, (0.0, rng.uniform(0.2, 0.8)), 5, rng)
        picture += edge[..., None] * (skin * rng.choice([0.6, 1.5]) - picture)
    if kind in ("faint", "clear"):
        picture += (gloss * rims)[..., None] * np.maximum(_coating(rng) - picture, 0)
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def _shape(size: int, points68: F32, strokes: tuple[float, float], rng: np.random.Generator) -> tuple[F64, F64]:
    """Where rims, bridge and temples are, as broad as ``strokes`` allows, and the lenses. -> (S, S) each, 0 to 1."""
    eyes = np.stack([points68[36:42].mean(0), points68[42:48].mean(0)]).astype(np.float64)
    apart = float(np.linalg.norm(eyes[1] - eyes[0]))
    across = (eyes[1] - eyes[0]) / max(apart, 1e-6)
    downwards = np.array([-across[1], across[0]])
    widths = [float(np.linalg.norm(points68[a] - points68[b])) for a, b in ((36, 39), (42, 45))]
    half_height = rng.uniform(0.2, 0.44) * apart
    half_widths = [rng.uniform(0.36, 0.46) * apart * np.clip(w / np.mean(widths), 0.7, 1.2) for w in widths]
    squareness, drop = rng.uniform(2, 5), rng.uniform(0.0, 0.28) * apart
    stroke = max(1, round(rng.uniform(*strokes) * size / 128 * FINE))
    frame, glass = (np.zeros((size * FINE, size * FINE), np.uint8) for _ in range(2))
    lenses = [
        _outline(eye + drop * downwards, across, downwards, width, half_height, squareness)
        for eye, width in zip(eyes, half_widths, strict=True)
    ]
    rimless = rng.random() < 0.1
    for lens in lenses:
        _polygon(glass, lens)
        if not rimless:
            _stroke(frame, lens, stroke, closed=True)
    if rng.random() < 0.4:  # heavy above, light below
        for lens, eye in zip(lenses, eyes, strict=True):
            _stroke(frame, lens[(lens - eye) @ downwards < drop - 0.1 * half_height], 2 * stroke, closed=False)
    middle = eyes.mean(0) + (drop - 0.3 * half_height) * downwards
    inner = [eyes[0] + half_widths[0] * across, eyes[1] - half_widths[1] * across]
    _stroke(frame, np.stack([inner[0] + drop * downwards, middle, inner[1] + drop * downwards]), stroke, closed=False)
    for eye, width, ear, sign in zip(eyes, half_widths, points68[[0, 16]], (-1, 1), strict=True):
        hinge = eye + sign * width * across + (drop - 0.4 * half_height) * downwards
        _stroke(frame, np.stack([hinge, ear.astype(np.float64)]), stroke, closed=False)
    reduced = [cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA) / 255 for image in (frame, glass)]
    return reduced[0].astype(np.float64), reduced[1].astype(np.float64)


def _glazed(picture: F64, inside: F64, rng: np.random.Generator) -> F64:
    """A picture through lenses: clear, tinted or sunglasses, half of them with a reflection."""
    kind = rng.random()
    tint = rng.uniform(0, 0.15) if kind < 0.65 else rng.uniform(0.15, 0.7) if kind < 0.85 else rng.uniform(0.7, 0.97)
    colour = np.array([40, 40, 45]) + rng.uniform(-20, 40, 3)
    picture = picture + tint * inside[..., None] * (colour - picture)
    if rng.random() < 0.5:
        spots = cv2.GaussianBlur(rng.random((8, 8)) ** 4, (0, 0), 1.0)
        light = np.clip(cv2.resize(spots / spots.max(), inside.shape, interpolation=cv2.INTER_CUBIC), 0, 1) * inside
        picture += rng.uniform(0.1, 0.8) * light[..., None] * np.maximum(_coating(rng) - picture, 0)
    return picture


def _coating(rng: np.random.Generator) -> F64:
    return np.array(COATINGS[rng.integers(len(COATINGS))], np.float64)


def _uneven(shape: tuple[int, ...], between: tuple[float, float], spots: int, rng: np.random.Generator) -> F64:
    """Values that differ slowly from place to place. -> (H, W)."""
    values = rng.uniform(*between, (spots, spots))
    uneven: F64 = cv2.resize(values, shape[::-1]).astype(np.float64)
    return uneven


@dataclass(frozen=True, eq=False)
class BorrowedGlasses:
    """Glasses cut out of photographs of a pack, to be put onto other faces.

    A lender's cut-out is what a trained T changes there (`train/cut_glasses.py`): real rims, real reflections, and
    lenses as dark as sunglasses are.
    """

    crops: U8  # (N, S, S, 3) RGB, the lenders
    cut: U8  # (N, S, S) 255 where the glasses are
    points68: F32  # (N, 68, 2) pixels of the crops

    def put_on(self, crop: U8, points68: F32, rng: np.random.Generator) -> U8:
        """A face with the glasses of another; see `lay_on`. -> (H, W, 3) RGB uint8."""
        return self.lay_on(crop, points68, rng)[0]

    def lay_on(self, crop: U8, points68: F32, rng: np.random.Generator) -> tuple[U8, F32]:
        """A face with the glasses of the lender whose pose is most like its own, of some at random.

        Args:
            crop: (H, W, 3) RGB uint8.
            points68: (68, 2) pixels of the crop.
            rng: who lends, and whether the glasses come in the light of the new face.

        Returns:
            (H, W, 3) RGB uint8, and where the glasses are, (H, W) 0 to 1.
        """
        pose = points68[list(POSE)]
        lenders = rng.integers(len(self.crops), size=min(LOOKED_AT, len(self.crops)))
        matrices = [similarity(self.points68[k][list(POSE)], pose) for k in lenders]
        gaps = [
            float(np.abs(self.points68[k][list(POSE)] @ m[:, :2].T + m[:, 2] - pose).mean())
            for k, m in zip(lenders, matrices, strict=True)
        ]
        best = int(np.argmin(gaps))
        size = crop.shape[1::-1]
        lent = cv2.warpAffine(self.crops[lenders[best]], matrices[best], size, flags=cv2.INTER_CUBIC).astype(np.float32)
        cut = np.asarray(cv2.warpAffine(self.cut[lenders[best]], matrices[best], size) / 255, np.float32)
        if rng.random() < RELIT:
            around = (cv2.dilate((cut > 0.3).astype(np.uint8), np.ones((13, 13), np.uint8)) > 0) & (cut < 0.05)
            if around.any():
                lent *= np.clip((crop[around].mean(0) + 10) / (lent[around].mean(0) + 10), 0.5, 1.8)
        picture: U8 = np.clip(np.rint(crop + cut[..., None] * (lent - crop)), 0, 255).astype(np.uint8)
        return picture, cut


def save_borrowed(path: Path, pack: Pack, rows: list[int], cut: U8) -> None:
    """Write cut-outs: which rows of the pack lend, and where their glasses are, (N, S, S) 0 to 255."""
    arrays: dict[str, NDArray[np.generic]] = {"rows": np.asarray(rows, np.int64), "cut": np.ascontiguousarray(cut)}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(arrays, path, {"pack": pack.digest})


def load_borrowed(path: Path, pack: Pack) -> BorrowedGlasses:
    """Read what `save_borrowed` wrote.

    Raises:
        TrainingStopped: the file is missing or damaged, or was cut out of another pack.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            digest = (file.metadata() or {}).get("pack")
            rows, cut = file.get_tensor("rows"), file.get_tensor("cut")
    except (SafetensorError, OSError) as error:
        raise TrainingStopped(f"No cut-out glasses in {path} ({error}): make them by train/cut_glasses.py.") from error
    if digest != pack.digest:
        raise TrainingStopped(f"{path} was cut out of another pack: make it again by train/cut_glasses.py.")
    return BorrowedGlasses(np.stack([pack.crops[row] for row in rows]), cut, pack.points68[rows])


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


def _stroke(image: NDArray[np.uint8], points: F64, width: int, closed: bool) -> None:
    cv2.polylines(image, [_fine(points)], closed, 255, width, cv2.LINE_AA)


def _polygon(image: NDArray[np.uint8], points: F64) -> None:
    cv2.fillPoly(image, [_fine(points)], 255, cv2.LINE_AA)
