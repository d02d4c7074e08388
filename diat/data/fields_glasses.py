"""Batches for the network that takes glasses off: faces without any, glasses put onto them, and what undoes these.

Glasses are drawn (`diat.data.glasses_layers`) or borrowed from other faces (`diat.data.glasses.BorrowedGlasses`). Faces
without glasses, and real wearers, of whom nothing else is known, teach when there is nothing to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from diat.align import CROP_SIZE, transform_points
from diat.attributes import attribute_spec
from diat.data.celeba import Rows
from diat.data.glasses import BorrowedGlasses
from diat.data.glasses_layers import draw_layers
from diat.data.pack import Pack
from diat.data.sets import guided_set, input_set
from diat.errors import TrainingStopped
from diat.heads import HEADS
from diat.pixels import F32, U8

HEAD_SET = HEADS["eyeglasses"]
# What a batch is made of, over and over.
KINDS = ("drawn", "borrowed", "without", "drawn", "borrowed", "without", "drawn", "wearer")
POOR = 0.3  # share of the pictures that are made as poor as small photographs
LENT = (0.06, 0.31)  # of a cut-out: between these it goes from being left to being replaced
# Which landmark each of the 68 becomes in a mirrored face.
MIRRORED_68 = np.array([*range(16, -1, -1), *range(26, 16, -1), 27, 28, 29, 30, *range(35, 30, -1), 45, 44, 43, 42, 47,
                        46, 39, 38, 37, 36, 41, 40, *range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), 67, 66,
                        65])  # fmt: skip


@dataclass(frozen=True, eq=False)
class GlassesBatch:
    """One step's pictures, (N, H, W, ...), of the window of `HEAD_SET` at its size."""

    picture: U8  # (N, H, W, 3) what the network sees
    behind: U8  # (N, H, W, 3) the face without glasses
    hidden: F32  # (N, H, W) what must be replaced; see diat.data.glasses_layers.Worn
    gain: F32  # (N, H, W)
    glow: F32  # (N, H, W, 3) levels
    needed: F32  # (N,) 1 with glasses
    known: F32  # (N,) 0 where nothing but ``needed`` is known: real wearers


@dataclass(frozen=True, eq=False)
class _Sample:
    picture: U8
    behind: U8
    hidden: F32
    gain: F32
    glow: F32
    needed: float
    known: float = 1.0


class GlassesBatches:
    """The stream of batches, a pure function of (seed, step).

    Args:
        pack: the data, best of `HEAD_SET`'s size.
        batch: pictures at a step.
        borrowed: glasses of the same pack; without them all are drawn.

    Raises:
        TrainingStopped: the pack shows nobody with glasses, or nobody without.
    """

    def __init__(self, pack: Pack, batch: int, seed: int, borrowed: BorrowedGlasses | None = None) -> None:
        spec = attribute_spec("eyeglasses_remove")
        self.pack, self.batch, self.seed, self.borrowed = pack, batch, seed, borrowed
        self.without: Rows = guided_set(pack, spec)
        self.wearers: Rows = input_set(pack, spec)
        if not len(self.without) or not len(self.wearers):
            raise TrainingStopped("The pack needs faces with and without glasses: use more data.")

    def __call__(self, step: int) -> GlassesBatch:
        """The batch of a step."""
        rng = np.random.default_rng((self.seed, step))
        first = step * self.batch
        samples = [self._sample(KINDS[(first + k) % len(KINDS)], rng) for k in range(self.batch)]

        def stacked(name: str) -> NDArray[Any]:
            return np.stack([getattr(sample, name) for sample in samples])

        needed, known = (stacked(name).astype(np.float32) for name in ("needed", "known"))
        layers = {name: stacked(name) for name in ("picture", "behind", "hidden", "gain", "glow")}
        return GlassesBatch(**layers, needed=needed, known=known)

    def _sample(self, kind: str, rng: np.random.Generator) -> _Sample:
        rows = self.wearers if kind == "wearer" else self.without
        face, points = self._face(int(rng.choice(rows)), rng)
        nothing = np.zeros(face.shape[:2], np.float32)
        picture, hidden, gain, glow = face, nothing, nothing, np.zeros(face.shape, np.float32)
        if kind == "borrowed" and self.borrowed is not None:
            picture, cut = self.borrowed.lay_on(face, points, rng)
            hidden = np.clip((cut - LENT[0]) / (LENT[1] - LENT[0]), 0, 1).astype(np.float32)
        elif kind in ("drawn", "borrowed"):
            worn = draw_layers(face, points, HEAD_SET.size / CROP_SIZE, rng)
            picture, hidden, gain, glow = worn.picture, worn.hidden, worn.gain, worn.glow
        if rng.random() < POOR:
            picture, face, hidden = _poor(picture, face, hidden, rng)
        if kind in ("without", "wearer"):
            face = picture
        return _Sample(picture, face, hidden, gain, glow, float(kind != "without"), float(kind != "wearer"))

    def _face(self, row: int, rng: np.random.Generator) -> tuple[U8, F32]:
        """The window of a crop, turned, moved, mirrored and lit a little otherwise, and its 68 points."""
        left, top, _, _ = (side * HEAD_SET.size // CROP_SIZE for side in HEAD_SET.window)
        height, width = HEAD_SET.input_shape
        unit = HEAD_SET.size / CROP_SIZE
        turn, scale, shift = np.radians(rng.normal(0, 2.5)), np.exp(rng.normal(0, 0.03)), rng.normal(0, 1.1 * unit, 2)
        linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        middle = np.array([width, height]) / 2
        matrix = np.hstack([linear, (middle + shift - linear @ (middle + [left, top]))[:, None]])
        mirrored = rng.random() < 0.5
        if mirrored:
            matrix = np.array([[-1, 0, width - 1], [0, 1, 0]]) @ np.vstack([matrix, [0, 0, 1]])
        finer = HEAD_SET.size / self.pack.size
        from_pack = np.array([[finer, 0, (finer - 1) / 2], [0, finer, (finer - 1) / 2], [0, 0, 1]])
        matrix = matrix @ from_pack
        crop = np.asarray(self.pack.crops[row])
        seen = cv2.warpAffine(crop, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        points = transform_points(self.pack.points68[row], matrix.astype(np.float32))
        return _lit(np.asarray(seen, np.uint8), rng), points[MIRRORED_68] if mirrored else points


def _lit(face: U8, rng: np.random.Generator) -> U8:
    """Another exposure and white balance, and at times no colour."""
    gamma, channels = np.exp(rng.normal(0, 0.25)), np.exp(rng.normal(0, 0.06, 3))
    if rng.random() < 0.05:
        face, channels = (
            np.repeat(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)[..., None], 3, -1).astype(np.uint8),
            np.ones(3),
        )
    curve = 255 * (np.arange(256) / 255)[:, None] ** gamma * channels
    table = np.clip(np.rint(curve), 0, 255).astype(np.uint8)
    return np.stack([cv2.LUT(face[..., k], table[:, k]) for k in range(3)], -1).astype(np.uint8)


def _poor(picture: U8, face: U8, hidden: F32, rng: np.random.Generator) -> tuple[U8, U8, F32]:
    """Picture and face as of a smaller photograph, the picture compressed at times; what is hidden spreads."""
    reduction = rng.uniform(1, 2.4)
    picture, face = _reduced(picture, reduction), _reduced(face, reduction)
    hidden = np.maximum(hidden, np.clip(2.5 * cv2.GaussianBlur(hidden, (0, 0), 0.4 * reduction), 0, 1))
    if rng.random() < 0.7:
        _, jpeg = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(40, 95))])
        picture = np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR))[..., ::-1].astype(np.uint8)
    return picture, face, np.asarray(hidden, np.float32)


def _reduced(image: U8, reduction: float) -> U8:
    height, width = image.shape[:2]
    small = cv2.resize(image, (round(width / reduction), round(height / reduction)), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
