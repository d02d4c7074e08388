"""Trains a network with heads (`diat.field_network`) on fields: the loop, whatever the attribute.

An attribute brings a `FieldTask`: batches that are a pure function of the step, and losses on what the network says.
The moving average of the weights is what is released.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from diat.attributes import attribute_spec
from diat.data.loading import NamedTensors, batches_ahead
from diat.errors import TrainingStopped
from diat.field_network import FieldNetwork
from diat.heads import HEADS
from diat.hub import load_model
from diat.layers import PROTOTYPES
from diat.models import ModelConfig, load_field_network, save_model
from diat.native.prototypes import Prototypes
from diat.training.average import MovingAverage
from diat.training.learning import learn, warmed_cosine
from diat.training.run import Run, Schedule

IMAGE = "image"  # of a batch: what the network sees
KNOWS_PARTS = "older_to_younger"  # released weights whose layers for the parts of a face a new network begins with
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
    # "paint": train the layers that it has of its own (`diat.heads.HeadSet`) and nothing else.
    part: str = ""
    frozen_norms: bool = False  # whether the norms keep the statistics that the run began with: batches are too small

    def rate(self, step: int) -> float:
        """The learning rate of a step, a pure function of it."""
        return self.learning_rate * warmed_cosine(step, self.steps, self.warm_up, LAST_RATE)


class FieldTask(Protocol):
    """What an attribute brings to its training."""

    def identity(self) -> Mapping[str, Any]:
        """What of the data a resumed run must find unchanged, JSON-able; it is kept in the model's configuration."""
        ...

    def batch(self, step: int) -> Mapping[str, Tensor]:
        """The batch of a number, the same whenever it is asked: `IMAGE`, (N, 3, H, W) in [-1, 1], and the targets.

        Processes that train together take the numbers in turn; one alone takes those of the steps.
        """
        ...

    def losses(self, maps: Tensor, scalars: Tensor, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Weighted losses by name, whose sum is minimised, of what `FieldNetwork.forward` says of the batch."""
        ...


class _Batches:
    """A task's batches, as `batches_ahead` takes them."""

    def __init__(self, task: FieldTask) -> None:
        self._task = task

    def __getitem__(self, number: int) -> NamedTensors:
        return NamedTensors(self._task.batch(number))


def train_fields(
    config: FieldsConfig,
    task: FieldTask,
    output: Path,
    resume: bool = False,
    init: str | Path | None = None,
    workers: int = 0,
    accelerator: Accelerator | None = None,
) -> Path:
    """Train, or go on where a run was stopped, and write the model beside every checkpoint.

    Args:
        config: the settings.
        task: data and losses.
        output: a folder for log (`stats.jsonl`), checkpoints and `model`.
        resume: go on from the newest checkpoint.
        init: a model with the same heads to start from.
        workers: processes that make batches ahead, 0 for none; the batches are the same.
        accelerator: device and processes; None asks `accelerate launch`.

    Returns:
        The folder of the model.

    Raises:
        TrainingStopped: the folder is in use, not empty or holds nothing to resume, the loss is no number, or half
            precision was asked for.
    """
    torch.manual_seed(config.seed)
    accelerator = accelerator or Accelerator()
    if accelerator.mixed_precision != "no":
        raise TrainingStopped("Fields are finer than half precision: train them without --mixed_precision.")
    network = new_network(config.heads) if init is None else initial_network(init, config)
    network.to(accelerator.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    _set_out(network, config)
    average = MovingAverage(network, config.decay)
    optimizer = torch.optim.AdamW(network.parameters(), config.learning_rate, weight_decay=config.weight_decay)
    modules, optimizers = {"network": network, "average": average.network}, {"network": optimizer}
    identity = {"config": asdict(config), "data": dict(task.identity())}
    schedule = Schedule(log_every=config.log_every, save_every=config.save_every, resume=resume, workers=workers)

    def write_model(done: int) -> None:
        save_model(average.network, _released(config), output / "model", {**identity, "steps": done})  # type: ignore[arg-type]

    def batches(numbers: range) -> Iterable[NamedTensors]:
        return batches_ahead(_Batches(task), numbers, accelerator.device, schedule.workers)

    def losses(batch: NamedTensors) -> dict[str, Tensor]:
        maps, scalars = network(batch[IMAGE].contiguous(memory_format=torch.channels_last))
        return task.losses(maps, scalars, batch.tensors)

    run = Run(output, config.steps, identity, modules, optimizers, schedule, accelerator, "fields", config.seed)
    learn(run, network, average, optimizer, config.rate, batches, losses, config.batch, write_model)
    return output / "model"


def own_layers(network: FieldNetwork, part: str) -> tuple[nn.Module, ...]:
    """The layers that a network's paint has of its own.

    Raises:
        TrainingStopped: there are none.
    """
    if part == "paint" and network.paint is not None:
        return (network.paint,)
    raise TrainingStopped(f"This network's {part} has no layers of its own: only those of whole faces have.")


def _set_out(network: FieldNetwork, config: FieldsConfig) -> None:
    """Let learn what a run is to teach: all but the parts of a face, or only the own layers of a part of the network.
    The norms of the others keep their statistics.
    """
    network.train(not config.frozen_norms)
    if network.parts is not None:
        network.parts.eval().requires_grad_(False)
    if config.part:
        network.eval().requires_grad_(False)
        for layers in own_layers(network, config.part):
            layers.train().requires_grad_(True)


def new_network(heads: str) -> FieldNetwork:
    """A network that says nothing yet but, where it has layers for that, where the parts of a face are."""
    network = FieldNetwork(HEADS[heads])
    released = load_field_network(load_model(KNOWS_PARTS)).parts if network.parts is not None else None
    if network.parts is not None and released is not None:
        network.parts.load_state_dict(released.state_dict())
    return network


def initial_network(source: str | Path, config: FieldsConfig) -> FieldNetwork:
    """The network of a model, to go on from; prototypes of another attribute than the run's are left behind.

    Raises:
        TrainingStopped: it has other heads.
    """
    model, heads = load_model(source), config.heads
    if model.config.heads != heads:
        raise TrainingStopped(f"{source} has the heads {model.config.heads!r}, not {heads!r}: choose another --init.")
    network = load_field_network(model)
    if HEADS[heads].prototypes and model.config.attribute != config.attribute:
        for values in network.prototypes.buffers():
            values.zero_()
    return network


def prototypes_of(network: FieldNetwork) -> Prototypes | None:
    """The prototypes in a network's file, see `diat.native.prototypes`; None where it was given none."""
    return Prototypes.of({name: network.state_dict()[name].cpu().numpy() for name in PROTOTYPES})


def _released(config: FieldsConfig) -> ModelConfig:
    spec = attribute_spec(config.attribute)
    return ModelConfig(config.attribute, spec.region, config.heads, HEADS[config.heads].size)
