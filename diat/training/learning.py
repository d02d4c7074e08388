"""A network that learns by a loss, without an opponent; what is released of it is its moving average."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from diat.training.average import MovingAverage
from diat.training.run import Run

Batch = TypeVar("Batch")


def learn(
    run: Run,
    network: nn.Module,
    average: MovingAverage,
    optimizer: Optimizer,
    rate: Callable[[int], float],
    batches: Callable[[range], Iterable[Batch]],
    losses: Callable[[Batch], Mapping[str, Tensor]],
    images: int,
    save: Callable[[int], None] | None = None,
) -> None:
    """Do the steps that are left of a run.

    Args:
        run: not entered yet.
        network: what learns.
        average: of it.
        optimizer: of its parameters.
        rate: the learning rate of a step.
        batches: those of some numbers, in order. The processes take the numbers in turn.
        losses: of a batch, weighted, by name; their sum is minimised.
        images: how many a batch has.
        save: see `Run.steps`.

    Raises:
        TrainingStopped: the run's folder is in use, not empty or holds nothing to resume, or the loss is no number.
    """
    rank, world = run.accelerator.process_index, run.accelerator.num_processes
    with run:
        own = batches(numbers_of(run.first, run.total, rank, world))
        for step, batch in zip(run.steps(save=save), own, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = rate(step)
            parts = losses(batch)
            total = torch.stack(list(parts.values())).sum()
            run.update(total, network, optimizer)
            average.update(network, step)
            run.record({"loss": total, **parts})
            run.end_step(step, images)


def numbers_of(first: int, last: int, rank: int, world: int) -> range:
    """The numbers of the batches that a process takes in the steps from ``first`` up to ``last``."""
    return range(first * world + rank, last * world, world)


def warmed_cosine(step: int, steps: int, warm_up: int, last: float) -> float:
    """A learning rate's factor: up to 1 over the first steps, and by a cosine down to ``last`` over all of them."""
    falling = 0.5 * (1 + math.cos(math.pi * min(step / max(steps, 1), 1)))
    return min(1, (step + 1) / max(warm_up, 1)) * (last + (1 - last) * falling)
