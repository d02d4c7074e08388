"""Batches for the networks that shut and open mouths: windows of faces with the fields that do it, and when not to."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from diat.align import CROP_SIZE, photo_to_crop_matrix, rescaled, transform_points, warp_to_crop
from diat.attributes import attribute_spec
from diat.data.celeba import Rows
from diat.data.degradation import Degradation
from diat.data.fields_mouths import MouthShape, close_fields, kept_fields, open_fields, window_grid
from diat.data.lip_edges import fitted
from diat.data.mouths import gaps, widen_mouth
from diat.data.pack import Pack
from diat.errors import TrainingStopped
from diat.heads import HEADS
from diat.pixels import F32, U8

SHUT = 0.07  # gap by width from which landmarks call a mouth open; where CelebA says otherwise, nothing is sure
LACKING, UNSURE = 0.62, 0.05  # shares of a batch: faces to edit, and faces that only the gate learns from
# Mouths wide open are rare (8 % of the open ones of CelebA-HQ) and the hardest: so large a share is drawn of them.
WIDE, WIDE_SHARE = 0.28, 0.25
UNSURE_NEEDED = (0.2, 0.8)  # what the gate learns there, if the label says "has it" and "lacks it"
WIDENED, LIT, POOR = 0.3, 0.6, 0.4  # shares of the pictures that are so changed
GREY = 0.08  # of those in another light


@dataclass(frozen=True, eq=False)
class MouthBatch:
    """One step's windows of the head set, (N, ...)."""

    image: U8  # (N, H, W, 3) RGB
    fields: F32  # (N, C, H/2, W/2)
    weight: F32  # (N, H/2, W/2): 1 at the mouth, 0 outside the photograph and where nothing is sure
    needed: F32  # (N,) 1 where the mouth lacks the attribute


class MouthBatches:
    """The stream of batches of ``mouth_close`` or ``mouth_open``, a pure function of (seed, step).

    Args:
        pack: crops of any size; the finer, the better the pictures up to the head set's size.
        attribute: which of the two.
        batch: windows at a step.
        seed: of the drawing.

    Raises:
        TrainingStopped: the pack shows too few faces.
    """

    def __init__(self, pack: Pack, attribute: str, batch: int, seed: int) -> None:
        self.pack, self.batch, self.seed = pack, batch, seed
        self.opens, self.heads = attribute == "mouth_open", HEADS[attribute]
        spec = attribute_spec(attribute)
        rows = np.intersect1d(pack.rows("train"), np.flatnonzero(pack.has_face))
        lacks = pack.column(spec.column)[rows] != spec.wanted
        sure = (gaps(pack.points68[rows]) > SHUT) == (lacks != self.opens)
        self.lacking: Rows = rows[lacks & sure]
        self.having: Rows = rows[~lacks & sure]
        self.unsure: Rows = rows[~sure]
        wide = self.lacking[gaps(pack.points68[self.lacking]) > WIDE]
        self._wide: Rows = wide if len(wide) else self.lacking
        self._lacks = dict(zip(rows.tolist(), lacks.tolist(), strict=True))
        if not len(self.lacking) or not len(self.having):
            raise TrainingStopped("The pack needs faces with open and with shut mouths: use more data.")
        self._grid = window_grid(self.heads.window, *self.heads.map_shape[::-1])

    def __call__(self, step: int) -> MouthBatch:
        """The batch of a step."""
        rng = np.random.default_rng((self.seed, step))
        draws = rng.random(self.batch)
        samples = []
        for draw in draws:
            if draw < LACKING:
                rows = self._wide if not self.opens and draw < WIDE_SHARE * LACKING else self.lacking
            else:
                rows = self.unsure if draw > 1 - UNSURE and len(self.unsure) else self.having
            samples.append(self._sample(int(rng.choice(rows)), rows is not self.unsure, rng))
        images, fields, weights, needed = (np.stack(part) for part in zip(*samples, strict=True))
        return MouthBatch(images, fields, weights, needed.astype(np.float32))

    def _sample(self, row: int, sure: bool, rng: np.random.Generator) -> tuple[U8, F32, F32, float]:
        size, lacks = self.heads.size, self._lacks[row]
        matrix = _jittered(photo_to_crop_matrix(self.pack.points5[row]), rng)
        crop = warp_to_crop(np.asarray(self.pack.crops[row]), matrix, size)
        points = transform_points(self.pack.points68[row], matrix)
        if lacks and sure and not self.opens and rng.random() < WIDENED:
            crop, moved = widen_mouth(crop, rescaled(points, CROP_SIZE, size), rng)
            points = rescaled(moved, size, CROP_SIZE)
        mouth = MouthShape.of(points)
        if lacks and sure:
            fields = open_fields(mouth, *self._grid) if self.opens else close_fields(fitted(mouth, crop), *self._grid)
        else:
            fields = kept_fields(mouth, *self._grid, self.opens)
        if rng.random() < LIT:
            crop = _lit(crop, rng)
        if rng.random() < POOR:
            crop = Degradation.at_random(rng).apply(crop)
        weight = self._weight(mouth) * self._shown(matrix) * sure
        left, top, right, bottom = (side * size // CROP_SIZE for side in self.heads.window)
        image = crop[top:bottom, left:right]
        if rng.random() < 0.5:
            image, weight = image[:, ::-1], weight[:, ::-1]
            fields = fields[..., ::-1] * self._signs()[:, None, None]
        return image, fields.astype(np.float32), weight, float(lacks) if sure else UNSURE_NEEDED[int(lacks)]

    def _signs(self) -> F32:
        """What mirroring does to each map."""
        odd = [name.endswith("_dx") or name == "across" for name in self.heads.maps]
        return np.where(odd, -1, 1).astype(np.float32)

    def _weight(self, mouth: MouthShape) -> F32:
        x, y = mouth.own(*self._grid)
        from_lips = y - (mouth.at(mouth.upper, x) + mouth.at(mouth.lower, x)) / 2
        near = np.exp(-0.5 * ((x / (1.15 * mouth.half)) ** 4 + (from_lips / (0.95 * mouth.half)) ** 4))
        return np.asarray(0.15 + 0.85 * near, np.float32)

    def _shown(self, matrix: F32) -> F32:
        """1 where the pack's crop shows something, 0 beyond its borders, which are repeated. -> (H/2, W/2)."""
        cells = np.stack(self._grid, -1).reshape(-1, 2)
        places = transform_points(cells, cv2.invertAffineTransform(matrix).astype(np.float32))
        within = ((places >= 0) & (places <= self.pack.size - 1)).all(1)
        return np.asarray(within.reshape(self.heads.map_shape), np.float32)


def _jittered(matrix: F32, rng: np.random.Generator) -> F32:
    """A face turned, moved, enlarged and stretched a little about its mouth: detectors are inexact, and heads nod."""
    across = rng.uniform(0.86, 1.16)
    down, turn = across * rng.uniform(0.92, 1.13), np.radians(rng.normal(0, 6))
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    linear, mouth = rotation @ np.diag([across, down]), np.array([64.0, 97.0])
    moved = np.hstack([linear, (mouth - linear @ mouth + rng.uniform(-4, 4, 2))[:, None]])
    return np.asarray(moved @ np.vstack([matrix, [0, 0, 1]]), np.float32)


def _lit(image: U8, rng: np.random.Generator) -> U8:
    """Another exposure, contrast and white balance, and at times no colour."""
    light = (image.astype(np.float32) / 255) ** rng.uniform(0.7, 1.4)
    light = light * (rng.uniform(0.65, 1.2) * rng.uniform(0.92, 1.08, 3)) + rng.uniform(-0.04, 0.04)
    if rng.random() < GREY:
        light = np.repeat(light.mean(-1, keepdims=True), 3, axis=-1)
    return np.clip(np.rint(255 * light), 0, 255).astype(np.uint8)
