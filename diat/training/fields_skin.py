"""Training of the skin's fields (`diat.native.skin`): batches of faces with their targets, and the losses.

Three kinds of knowledge come together in a batch: the fields of faces that lack the attribute
(`diat.data.fields_skin`), where beards and brows are, and for every face whether it has the attribute, grey hair and a
beard. Where a face's parts are is not learnt here, see `diat.training.parts`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from diat.attributes import AttributeSpec
from diat.data.celeba import Rows
from diat.data.skin_faces import SIZE, SkinFaces, targets
from diat.errors import TrainingStopped
from diat.heads import HEADS
from diat.native.geometry import blurred, dilated, filled, oval
from diat.pixels import F32, U8

HEAD_SET = HEADS["skin"]
GRID = SIZE // 2
MAPS = ("dx", "dy", "bias_l", "bias_a", "bias_b", "limit_1", "limit_2", "limit_3", "limit_4", "fill_l", "fill_a",
        "fill_b", "alpha", "brow_alpha")  # fmt: skip
SCALARS = ("lips_l", "lips_a", "lips_b", "brows_l", "brows_a", "brows_b")
LABELS = ("gate", "grey_hair", "beard")
COLOUR_SCALE = 4.0  # the scalars of lips and brows are CIELAB / 4
# What an error of each kind of field costs: its usual size is `HeadSet.scales`.
FLOW, BIAS, LIMITS, FILL, ALPHA = 12.0, 5.0, 2.5, 2.5, 4.0


class SkinTask:
    """What a run of `diat.training.fields.train_fields` trains on.

    Args:
        data: the faces.
        spec: the attribute.
        batch: faces at a step. Of ten, six have fields to learn, half of these a beard; four have the attribute
            already, which the gate learns from.
        seed: of the drawing.
        limit: at most this many faces with fields to learn, those with parsing first: a tenth of a second each.

    Raises:
        TrainingStopped: the data hold too few faces of a kind.
    """

    def __init__(self, data: SkinFaces, spec: AttributeSpec, batch: int, seed: int, limit: int = 2400) -> None:
        self._data, self._batch, self._seed = data, batch, seed
        lacking = data.column(spec.column) != spec.wanted
        order = np.random.default_rng(seed).permutation(np.flatnonzero(lacking & ~data.column("Wearing_Hat")))
        masked = np.array([row in data.parsing for row in order.tolist()], bool)
        self._targets: Rows = np.r_[order[masked], order[~masked]][:limit]
        self._having: Rows = np.flatnonzero(~lacking)
        if not data.parsing:
            raise TrainingStopped("No photograph has a parsing mask: beards and brows cannot be told without any.")
        self._fields, self._hair = targets(data, spec, self._targets)
        self._bearded: Rows = self._targets[data.bearded[self._targets]]
        self._labels = np.stack([lacking, data.column("Gray_Hair"), data.bearded], 1).astype(np.float32)

    def identity(self) -> Mapping[str, Any]:
        """See `FieldTask`."""
        return {"digest": self._data.digest, "faces": len(self._data.crops), "targets": len(self._targets)}

    def batch(self, step: int) -> Mapping[str, Tensor]:
        """See `FieldTask`. Beside the image: fields (N, 14, G, G), colours (N, 6), labels (N, 3), weights (N, 4, G, G):
        of the face, of what the photograph shows, of a known beard, of a known brow.
        """
        rng = np.random.default_rng((self._seed, step))
        learning = max(2, self._batch * 6 // 10)
        drawn = [rng.choice(self._targets, learning)]
        if len(self._bearded):
            drawn[0][: learning // 2] = rng.choice(self._bearded, learning // 2)
        drawn.append(rng.choice(self._having, self._batch - learning))
        samples = [self._sample(int(row), kind == 0, rng) for kind, rows in enumerate(drawn) for row in rows]
        stacked = {name: np.stack([sample[name] for sample in samples]) for name in samples[0]}
        return {name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in stacked.items()}

    def losses(self, maps: Tensor, scalars: Tensor, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """See `FieldTask`."""
        place = {name: k for k, name in enumerate(HEAD_SET.maps)}
        said = maps[:, [place[name] for name in MAPS]]
        face, valid, beard, brow = (batch["weights"][:, k : k + 1] for k in range(4))
        error, wanted = (said - batch["fields"]).abs(), batch["fields"].clamp(0, 1)
        hair = F.binary_cross_entropy_with_logits(said[:, 12:], wanted[:, 12:], reduction="none")
        column = {name: k for k, name in enumerate(HEAD_SET.scalars)}
        labels = scalars[:, [column[name] for name in LABELS]]
        certain = F.binary_cross_entropy_with_logits(labels, batch["labels"], reduction="none").mean(0)
        colours = (scalars[:, [column[name] for name in SCALARS]] - batch["colours"]).abs()
        return {
            "flow": FLOW / 1.5 * (error[:, :2] * (0.3 * valid + face)).mean(),
            "bias": BIAS / 4 * (error[:, 2:5] * face).mean(),
            "limits": LIMITS / 0.4 * (error[:, 5:9] * face).mean(),
            "fill": FILL / 6 * (error[:, 9:12] * face).mean(),
            "alpha": ALPHA * (hair[:, :1] * (0.1 * valid + face) * beard).mean(),
            "brow": ALPHA * (hair[:, 1:] * face * brow).mean(),
            "colours": (colours.mean(1) * batch["learning"]).mean(),
            "labels": (certain * torch.tensor((0.5, 0.3, 0.3), device=maps.device)).sum(),
        }

    def _sample(self, row: int, learning: bool, rng: np.random.Generator) -> dict[str, Any]:
        image = lit(self._data.crops[row], rng)
        fields, weights = np.zeros((GRID, GRID, 14), np.float32), np.zeros((GRID, GRID, 4), np.float32)
        colours = np.zeros(6, np.float32)
        if learning:
            fields, colours, weights = *self._target(row), self._weights(row)
        if rng.random() < 0.5:
            image, weights = image[:, ::-1], weights[:, ::-1]
            fields = fields[:, ::-1] * np.where(np.arange(14) == 0, -1, 1).astype(np.float32)
        return {
            "image": image.transpose(2, 0, 1) / np.float32(127.5) - 1,
            "fields": fields.transpose(2, 0, 1),
            "weights": weights.transpose(2, 0, 1),
            "colours": colours,
            "labels": self._labels[row],
            "learning": np.float32(learning),
        }

    def _target(self, row: int) -> tuple[F32, F32]:
        made = self._fields[row]
        hair = self._hair.get(row, np.zeros((GRID, GRID), np.float32))
        limits = np.log(np.clip(made.limits, 0.15, 4))
        grids = [_resized(field) for field in (made.flow, made.bias, limits, made.fill, hair, made.thinning)]
        return np.dstack(grids), np.r_[made.lips, made.brows].astype(np.float32) / COLOUR_SCALE

    def _weights(self, row: int) -> F32:
        valid = _resized(self._data.valid[row].astype(np.float32))
        near = near_face(self._data.faces.points[row]) * valid
        beard, brow = valid * (row in self._hair), near * (row in self._data.parsing)
        return np.dstack([near, valid, beard, brow]).astype(np.float32)


def near_face(points: F32) -> F32:
    """How much the fields count around a face. points: (68, 2) in template units. -> (GRID, GRID) in [0, 1]."""
    return _resized(blurred(dilated(filled(oval(points, 1.1), 64), 2), 1.0))


def lit(crop: U8, rng: np.random.Generator) -> F32:
    """A crop in another light, at times soft or without colour. Levels, float."""
    gamma, tint = np.exp(rng.normal(0, 0.14)), np.exp(rng.normal(0, 0.05, 3))
    image = np.clip((crop / 255) ** gamma * tint, 0, 1).astype(np.float32) * 255
    if rng.random() < 0.25:
        image = blurred(image, float(rng.uniform(0.4, 0.9)))
    if rng.random() < 0.07:
        image = np.repeat(image.mean(-1, keepdims=True), 3, 2)
    return np.asarray(image, np.float32)


def jitter(rng: np.random.Generator, turn: float, shift: float) -> NDArray[np.float64]:
    """A matrix that turns, scales and moves a crop a little, (2, 3): as no detector is exact.

    Args:
        rng: what is drawn from.
        turn: standard deviation in degrees.
        shift: likewise, in pixels of a crop of `SIZE`.
    """
    scale, angle, middle = np.exp(rng.normal(0, 0.05)), rng.normal(0, turn), (SIZE / 2 - 0.5, SIZE / 2 - 0.5)
    matrix = cv2.getRotationMatrix2D(middle, angle, scale) + np.c_[np.zeros((2, 2)), rng.normal(0, shift, 2)]
    return np.asarray(matrix, np.float64)


def _resized(field: F32) -> F32:
    shrinks = field.shape[0] > GRID
    resized = cv2.resize(
        field.astype(np.float32), (GRID, GRID), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )
    return np.asarray(resized, np.float32)
