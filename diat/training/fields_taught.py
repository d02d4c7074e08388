"""What the paper's T knows of a global attribute, taught to the network with heads: its soft change of colour.

T, trained against D, persuades where supervised fields alone do not, above all around the eyes; what it draws is soft.
Its change of a face, less what the fields make of that face already, is blurred until no detail is left and becomes the
target of the maps ``paint_l``, ``paint_a`` and ``paint_b``: the photograph keeps its own pixels. Everything else that
the network says stays as it was.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from diat.align import CROP_SIZE, rescaled, resized
from diat.attributes import AttributeSpec
from diat.data.celeba import Rows
from diat.data.pack import Pack
from diat.data.sets import training_faces
from diat.errors import TrainingStopped
from diat.field_network import FieldNetwork
from diat.heads import HEADS, RGB, Fields
from diat.masks import attribute_mask
from diat.models import Model
from diat.native.color import to_lab
from diat.native.features import bags
from diat.native.geometry import blurred, regions
from diat.native.region import crop_face
from diat.native.skin import render_skin
from diat.native.style import Style
from diat.pixels import F32, U8
from diat.runtime.engine import Engine
from diat.tensors import to_tensor
from diat.training.fields import IMAGE, prototypes_of
from diat.training.fields_skin import GRID, near_face

HEAD_SET = HEADS["skin"]
PAINT = tuple(HEAD_SET.maps.index(f"paint_{axis}") for axis in "lab")
TIRED = 0.3  # share of T's shadows under the eyes that is taught: its eye shadow surrounds them
SOFT = 2.0  # template units: standard deviation of the blur that leaves T's colours and takes its drawing
COST = 5.0  # of an error of the paint, in units of its usual size


class TaughtTask:
    """What a run of `diat.training.fields.train_fields` trains on with a teacher.

    Args:
        pack: crops of 256 pixels, so that the fields can be rendered.
        spec: the attribute.
        style: how its fields are used, its paint excepted.
        first: the network that is taught; it is left as it is.
        teacher: a model of the paper's T for the same attribute.
        strength: by which the fields are used in the end: `diat.models.ModelConfig.strength` of the first network.
        batch: faces at a step.
        seed: of the drawing.
        limit: at most this many faces that are taught: a tenth of a second each.

    Raises:
        TrainingStopped: the pack is too small or holds no faces of either kind, or the teacher is none.
    """

    def __init__(
        self,
        pack: Pack,
        spec: AttributeSpec,
        style: Style,
        first: FieldNetwork,
        teacher: Model,
        strength: float,
        batch: int,
        seed: int,
        limit: int = 3000,
    ) -> None:
        if pack.size < 2 * CROP_SIZE:
            raise TrainingStopped(f"A teacher looks at rendered faces: give a pack of --size {2 * CROP_SIZE}.")
        if teacher.config.heads != RGB or teacher.config.attribute != spec.name:
            raise TrainingStopped(f"The teacher must be the paper's T for {spec.name!r}, trained by train/diat_a.py.")
        self._pack, self._spec, self._batch, self._seed = pack, spec, batch, seed
        self._unpainted = replace(style, paint=0.0)
        self._teacher, self._strength = Engine(teacher, "cpu"), strength
        lacking, _ = training_faces(pack, spec, hiding=("Wearing_Hat", "Eyeglasses"))
        self._lacking: Rows = np.random.default_rng(seed).permutation(lacking)[:limit]
        self._first = copy.deepcopy(first).cpu().eval().requires_grad_(False)
        self._prototypes = prototypes_of(self._first)
        self._known: dict[int, F32] = {}

    def identity(self) -> Mapping[str, Any]:
        """See `diat.training.fields.FieldTask`."""
        return {"digest": self._pack.digest, "faces": len(self._lacking), "teacher": self._teacher.config.strength}

    def batch(self, step: int) -> Mapping[str, Tensor]:
        """See `FieldTask`. Beside the image: paint (N, 3, G, G), weights (N, 1, G, G)."""
        rng = np.random.default_rng((self._seed, step))
        images, paints, weights = [], [], []
        for row in rng.choice(self._lacking, self._batch).tolist():
            seen, paint = self._seen(row), self.paint(row)
            weight = near_face(rescaled(self._pack.points68[row], self._pack.size, CROP_SIZE))
            if rng.random() < 0.5:
                seen, paint, weight = seen[:, ::-1], paint[:, ::-1], weight[:, ::-1]
            images.append(to_tensor(np.ascontiguousarray(seen)[None])[0])
            paints.append(torch.from_numpy(np.ascontiguousarray(paint.transpose(2, 0, 1))))
            weights.append(torch.from_numpy(np.ascontiguousarray(weight[None])))
        return {IMAGE: torch.stack(images), "paint": torch.stack(paints), "weights": torch.stack(weights)}

    def losses(self, maps: Tensor, scalars: Tensor, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """See `FieldTask`."""
        del scalars
        error = (maps[:, list(PAINT)] - batch["paint"]).abs() / HEAD_SET.scales[PAINT[0]]
        return {"paint": COST * (error * batch["weights"]).sum() / (batch["weights"].sum() + 1e-3) / len(PAINT)}

    def paint(self, row: int) -> F32:
        """What the fields lack of the teacher's colours, CIELAB, (G, G, 3)."""
        if row not in self._known:
            self._known[row] = self._lesson(row)
        return self._known[row]

    def _seen(self, row: int) -> U8:
        return resized(np.asarray(self._pack.crops[row]), HEAD_SET.size)

    def _lesson(self, row: int) -> F32:
        crop = np.asarray(self._pack.crops[row])
        points = rescaled(self._pack.points68[row], self._pack.size, CROP_SIZE)
        small = resized(crop, CROP_SIZE)
        mask = attribute_mask(self._spec, points, CROP_SIZE)[..., None]
        drawn = np.clip(small + mask * self._teacher.change(small[None])[0], 0, 255).astype(np.float32)
        maps, scalars = self._first(to_tensor(self._seen(row)[None]))
        said = Fields(HEAD_SET, maps[0].permute(1, 2, 0).numpy(), scalars[0].numpy())
        face = crop_face(crop, self._pack.points68[row])
        fields = said.named_maps, said.named_scalars
        made = render_skin(face, *fields, self._strength, self._unpainted, self._prototypes)
        lacks = blurred(to_lab(drawn) - to_lab(resized(made, CROP_SIZE)), SOFT) / np.float32(self._strength)
        # T leaves a beard's darkness, or puts it back where the fields took it.
        clean = blurred(regions(points, CROP_SIZE).beard, SOFT)
        lacks[..., 0] = np.maximum(lacks[..., 0], 0) * clean + lacks[..., 0] * (1 - clean)
        tired = (1 - TIRED) * bags(points, CROP_SIZE)[..., None]
        lacks = np.maximum(lacks, 0) + np.minimum(lacks, 0) * (1 - tired)
        return np.asarray(cv2.resize(lacks, (GRID, GRID), interpolation=cv2.INTER_AREA), np.float32)
