"""The gate of whole faces, taught by labels alone: whether a face has the attribute already.

While its fields are learnt a network sees each label a few times, which is too little for an age. Here the gate's own
layers see nothing else, and everything else that the network says stays as it was, to the bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from diat.align import resized
from diat.attributes import AttributeSpec
from diat.data.pack import Pack
from diat.data.sets import training_faces
from diat.heads import GATE, HEADS
from diat.pixels import F32, U8
from diat.training.fields import IMAGE
from diat.training.fields_skin import jitter, lit

HEAD_SET = HEADS["skin"]
PLACE = HEAD_SET.scalars.index(GATE)
SURE = 0.98  # of a label: some of CelebA's are wrong
TURN, SHIFT = 4.0, 0.96  # see `diat.training.fields_skin.jitter`


class GateTask:
    """What a run of `diat.training.fields.train_fields` with `gate_alone` trains on.

    Args:
        pack: crops of any size.
        spec: the attribute.
        batch: faces at a step, as they come: about half of them lack the attribute.
        seed: of the drawing.

    Raises:
        TrainingStopped: the pack holds no faces of either kind.
    """

    def __init__(self, pack: Pack, spec: AttributeSpec, batch: int, seed: int) -> None:
        self._pack, self._batch, self._seed = pack, batch, seed
        self._kinds = training_faces(pack, spec, hiding=())

    def identity(self) -> Mapping[str, Any]:
        """See `diat.training.fields.FieldTask`."""
        lacking, having = self._kinds
        return {"digest": self._pack.digest, "lacking": len(lacking), "having": len(having)}

    def batch(self, step: int) -> Mapping[str, Tensor]:
        """See `FieldTask`: lacks (N,) in 0..1 beside the image."""
        rng = np.random.default_rng((self._seed, step))
        lacks = rng.random(self._batch) < 0.5
        lacking, having = self._kinds
        images = [self._seen(int(rng.choice(lacking if one else having)), rng) for one in lacks]
        return {
            IMAGE: torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2) / 127.5 - 1,
            "lacks": torch.from_numpy(np.where(lacks, SURE, 1 - SURE).astype(np.float32)),
        }

    def losses(self, maps: Tensor, scalars: Tensor, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """See `FieldTask`."""
        del maps
        return {"gate": F.binary_cross_entropy_with_logits(scalars[:, PLACE], batch["lacks"])}

    def _seen(self, row: int, rng: np.random.Generator) -> F32:
        """A face, a little turned and moved, in another light. -> (S, S, 3) in 0..255."""
        size = HEAD_SET.size
        crop: U8 = resized(np.asarray(self._pack.crops[row]), size)
        moved = cv2.warpAffine(crop, jitter(rng, TURN, SHIFT), (size, size), borderMode=cv2.BORDER_REPLICATE)
        image = lit(np.asarray(moved), rng)
        return np.ascontiguousarray(image[:, ::-1] if rng.random() < 0.5 else image)
