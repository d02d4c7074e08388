"""The gate of whole faces: one encoder that learns all of CelebA's columns, of which each model takes its own.

A gate says whether a face has the attribute already. Labels of ages are rough, and an encoder that learns the other 39
columns beside them tells ages better than one that learns ages alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import torch
from accelerate import Accelerator
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from diat.align import resized
from diat.attributes import COLUMNS, AttributeSpec
from diat.data.pack import Pack
from diat.field_network import gate_layers
from diat.heads import HEADS
from diat.pixels import F32, U8
from diat.training.average import MovingAverage
from diat.training.fields_skin import jitter, lit
from diat.training.learning import learn, warmed_cosine
from diat.training.run import Run, Schedule

HEAD_SET = HEADS["skin"]
SURE = 0.98  # of a label: some of CelebA's are wrong
TURN, SHIFT = 4.0, 0.96  # see `diat.training.fields_skin.jitter`
ASKED, OTHERS = 6.0, 1.0  # weights of the columns that a model asks for, and of the rest
DROPPED = 0.2  # share of the encoder's values that a step leaves out
DECAY = 0.99  # of the moving average
WARM_UP, LAST_RATE = 100, 0.02  # steps; share of the learning rate at the end


@dataclass(frozen=True)
class GatesConfig:
    """Settings of a run."""

    steps: int = 4000
    batch: int = 64
    learning_rate: float = 2e-3  # AdamW, at its highest
    seed: int = 0

    def rate(self, step: int) -> float:
        """The learning rate of a step."""
        return self.learning_rate * warmed_cosine(step, self.steps, WARM_UP, LAST_RATE)


class GateEncoder(nn.Module):
    """The gate's layers of `diat.field_network.FieldNetwork`, with a logit for each of CelebA's columns."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = gate_layers(HEAD_SET)
        self.columns = nn.Linear(HEAD_SET.widths[2], len(COLUMNS))

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, S, S) in [-1, 1] -> (N, 40) logits in the order of `diat.attributes.COLUMNS`."""
        seen = self.gate(F.pixel_unshuffle(x, 2)).mean((2, 3))
        return cast(Tensor, self.columns(F.dropout(seen, DROPPED, self.training)))

    def weights_of(self, spec: AttributeSpec) -> dict[str, NDArray[Any]]:
        """The tensors of a model's file that say whether a face lacks an attribute."""
        state = {name: value.detach().cpu().numpy() for name, value in self.state_dict().items()}
        column, sign = COLUMNS.index(spec.column), -1 if spec.wanted else 1
        layers = {name: value for name, value in state.items() if name.startswith("gate.") and value.ndim}
        return {
            **layers,
            "gate_scalar.weight": sign * state["columns.weight"][column : column + 1],
            "gate_scalar.bias": sign * state["columns.bias"][column : column + 1],
        }


def train_gates(
    pack: Pack, asked: Sequence[str], config: GatesConfig, output: Path, resume: bool, accelerator: Accelerator
) -> GateEncoder:
    """Train, or go on where a run was stopped.

    Args:
        pack: crops of any size.
        asked: the columns that count most.
        config: the settings.
        output: a folder for log and checkpoints.
        resume: go on from the newest checkpoint.
        accelerator: device and processes.

    Raises:
        TrainingStopped: the folder is in use, not empty or holds nothing to resume, or the loss is no number.
    """
    torch.manual_seed(config.seed)
    encoder = GateEncoder().to(accelerator.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = MovingAverage(encoder, DECAY)
    optimizer = torch.optim.AdamW(encoder.parameters(), config.learning_rate, weight_decay=0.05)
    weights = torch.tensor([ASKED if name in asked else OTHERS for name in COLUMNS], device=accelerator.device)
    run = Run(
        output, config.steps, {"config": vars(config), "asked": list(asked), "data": pack.digest},
        {"encoder": encoder, "average": average.network}, {"encoder": optimizer}, Schedule(resume=resume),
        accelerator, "gates", config.seed,
    )  # fmt: skip

    def batches(numbers: range) -> Iterable[tuple[Tensor, Tensor]]:
        return (batch(pack, config, number) for number in numbers)

    def losses(given: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        images, truth = given
        logits = encoder(images.to(accelerator.device, memory_format=torch.channels_last))
        each = F.binary_cross_entropy_with_logits(logits, truth.to(accelerator.device), reduction="none").mean(0)
        return {"columns": (each * weights).sum() / weights.sum()}

    learn(run, encoder, average, optimizer, config.rate, batches, losses, config.batch)
    return cast(GateEncoder, average.network)


def batch(pack: Pack, config: GatesConfig, number: int) -> tuple[Tensor, Tensor]:
    """The batch of a number, always the same: images (N, 3, S, S) in [-1, 1], and what is true of each, (N, 40)."""
    rng = np.random.default_rng((config.seed, number))
    rows = rng.choice(pack.rows("train"), config.batch)
    images = np.stack([_seen(pack.crops[row], rng) for row in rows])
    truth = pack.attributes[rows].astype(np.float32) * (2 * SURE - 1) + (1 - SURE)
    seen = torch.from_numpy(images).permute(0, 3, 1, 2) / 127.5 - 1
    return seen, torch.from_numpy(np.asarray(truth, np.float32))


def _seen(crop: U8, rng: np.random.Generator) -> F32:
    """A face, a little turned and moved, in another light. -> (S, S, 3) in 0..255."""
    size = HEAD_SET.size
    moved = cv2.warpAffine(
        resized(np.asarray(crop), size), jitter(rng, TURN, SHIFT), (size, size), borderMode=cv2.BORDER_REPLICATE
    )
    image = lit(np.asarray(moved, np.uint8), rng)
    return np.ascontiguousarray(image[:, ::-1] if rng.random() < 0.5 else image)
