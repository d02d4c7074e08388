"""Trains a network with heads (`diat.field_network`) on fields: the loop, whatever the attribute.

An attribute brings a `FieldTask`: batches that are a pure function of the step, and losses on what the network says.
The moving average of the weights is what is released.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from accelerate import Accelerator
from torch import Tensor

from diat.attributes import attribute_spec
from diat.errors import TrainingStopped
from diat.field_network import FieldNetwork
from diat.heads import HEADS
from diat.hub import load_model
from diat.models import ModelConfig, load_field_network, save_model
from diat.training.average import MovingAverage
from diat.training.run import Run, Schedule

IMAGE = "image"  # of a batch: what the network sees
LAST_RATE = 0.01  # of the learning rate that is left at the end


@dataclass(frozen=True)
class FieldsConfig:
    """Settings of a run that trains fields."""

    attribute: str  # see diat.attributes.attribute_spec
    heads: str  # a name in diat.heads.HEADS
    steps: int = 4000
    batch: int = 16  # images a step
    learning_rate: float = 2e-3  # AdamW
    weight_decay: float = 1e-4
    warm_up: int = 50  # steps in which the rate rises; then it falls along a cosine
    decay: float = 0.995  # of the moving average
    seed: int = 0
    log_every: int = 25  # steps
    save_every: int = 200

    def rate(self, step: int) -> float:
        """The learning rate of a step, a pure function of it."""
        falling = 0.5 * (1 + math.cos(math.pi * min(step / max(self.steps, 1), 1)))
        return self.learning_rate * min(1, (step + 1) / max(self.warm_up, 1)) * (LAST_RATE + (1 - LAST_RATE) * falling)


class FieldTask(Protocol):
    """What an attribute brings to its training."""

    def identity(self) -> Mapping[str, Any]:
        """What of the data a resumed run must find unchanged, JSON-able; it is kept in the model's configuration."""
        ...

    def batch(self, step: int) -> Mapping[str, Tensor]:
        """The batch of a step, the same whenever it is asked: `IMAGE`, (N, 3, H, W) in [-1, 1], and the targets."""
        ...

    def losses(self, maps: Tensor, scalars: Tensor, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Weighted losses by name, whose sum is minimised, of what `FieldNetwork.forward` says of the batch."""
        ...


def train_fields(
    config: FieldsConfig, task: FieldTask, output: Path, resume: bool = False, init: str | Path | None = None
) -> Path:
    """Train, or go on where a run was stopped, and write the model beside every checkpoint.

    Args:
        config: the settings.
        task: data and losses.
        output: a folder for log (`stats.jsonl`), checkpoints and `model`.
        resume: go on from the newest checkpoint.
        init: a model with the same heads to start from.

    Returns:
        The folder of the model.

    Raises:
        TrainingStopped: the folder is in use, not empty or holds nothing to resume, or the loss is no number.
    """
    torch.manual_seed(config.seed)
    accelerator = Accelerator()
    network = FieldNetwork(HEADS[config.heads]) if init is None else _initial(init, config.heads)
    network.to(accelerator.device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    average = MovingAverage(network, config.decay)
    optimizer = torch.optim.AdamW(network.parameters(), config.learning_rate, weight_decay=config.weight_decay)
    modules, optimizers = {"network": network, "average": average.network}, {"network": optimizer}
    identity = {"config": asdict(config), "data": dict(task.identity())}
    schedule = Schedule(log_every=config.log_every, save_every=config.save_every, resume=resume)

    def write_model(done: int) -> None:
        save_model(average.network, _released(config), output / "model", {**identity, "steps": done})  # type: ignore[arg-type]

    run = Run(output, config.steps, identity, modules, optimizers, schedule, accelerator, "fields", config.seed)
    with run:
        for step in run.steps(save=write_model):
            for group in optimizer.param_groups:
                group["lr"] = config.rate(step)
            losses = _losses(network, task, step, accelerator.device)
            total = torch.stack(list(losses.values())).sum()
            run.update(total, network, optimizer)
            average.update(network, step)
            run.record({"loss": total, **losses})
            run.end_step(step, config.batch)
    return output / "model"


def _losses(network: FieldNetwork, task: FieldTask, step: int, device: torch.device) -> dict[str, Tensor]:
    batch = {name: value.to(device) for name, value in task.batch(step).items()}
    maps, scalars = network(batch[IMAGE].contiguous(memory_format=torch.channels_last))
    return task.losses(maps, scalars, batch)


def _initial(source: str | Path, heads: str) -> FieldNetwork:
    model = load_model(source)
    if model.config.heads != heads:
        raise TrainingStopped(f"{source} has the heads {model.config.heads!r}, not {heads!r}: choose another --init.")
    return load_field_network(model)


def _released(config: FieldsConfig) -> ModelConfig:
    spec = attribute_spec(config.attribute)
    return ModelConfig(config.attribute, spec.region, config.heads, HEADS[config.heads].size)
