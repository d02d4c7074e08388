"""What training shares: a run's start, the moving average, the log, sample sheets, an optimiser step on many ranks."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.optim import Optimizer

from diat.errors import TrainingStopped
from diat.pixels import U8, contact_sheet
from diat.tensors import composite, to_crops
from diat.training.checkpoint import checkpoints, load_checkpoint
from diat.training.recipes import TransferConfig


class MovingAverage:
    """An exponential moving average of a network: what is shipped, since single steps of a GAN wander.

    Args:
        network: the network to follow; the average starts as a copy of it.
        decay: weight of the past at each step, after a warm-up in which the past counts less.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Move towards ``network`` after the step of that number (from 0)."""
        decay = min(self.decay, (1 + step) / (10 + step))
        averaged, current = self.network.state_dict(), network.state_dict()
        for key, value in averaged.items():
            if value.is_floating_point():
                value.lerp_(current[key].to(value.dtype), 1 - decay)
            else:
                value.copy_(current[key])


class Log:
    """`stats.jsonl`: one JSON object a line, flushed, with means over the steps since the last.

    Args:
        path: the file. A resumed run cuts off what a killed one wrote after its last checkpoint.
        first: the step that the run starts from.
    """

    def __init__(self, path: Path, first: int = 0) -> None:
        self._path, self._first = path, first
        self._values: dict[str, list[Tensor]] = {}
        self._since, self._step = time.monotonic(), first
        if path.exists():
            kept = [line for line in path.read_text().splitlines() if json.loads(line)["step"] <= first]
            path.write_text("".join(line + "\n" for line in kept))

    def add(self, values: dict[str, Tensor]) -> None:
        """Count one step's values in; they stay where they were computed until they are written."""
        for name, value in values.items():
            self._values.setdefault(name, []).append(value.detach())

    def write(self, step: int, images: int) -> dict[str, float]:
        """Write the means as one line and start over. ``images``: how many a step takes of each set."""
        means = {name: float(torch.stack(values).float().mean()) for name, values in self._values.items()}
        now = time.monotonic()
        rate = images * (step - self._step) / max(now - self._since, 1e-9)
        line = {"step": step, **{name: round(value, 6) for name, value in means.items()}}
        with self._path.open("a") as file:
            file.write(json.dumps({**line, "images_per_second": round(rate, 2)}) + "\n")
        self._values, self._since, self._step = {}, now, step
        return means


def make_output(folder: Path) -> None:
    """Make the folder of a run.

    Raises:
        TrainingStopped: it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".writable").touch()
        (folder / ".writable").unlink()
    except OSError as error:
        raise TrainingStopped(f"{folder} cannot be written ({error.strerror}): choose another --output.") from error


def start_run(output: Path, config: TransferConfig) -> int:
    """Make the folder of a new run, write its settings down, and return its first step.

    Raises:
        TrainingStopped: it holds another run already, or cannot be written.
    """
    if checkpoints(output / "checkpoints"):
        raise TrainingStopped(f"{output} holds a run already: go on with --resume, or choose another --output.")
    make_output(output)
    (output / "config.json").write_text(json.dumps(config.as_json(), indent=1))
    return 0


def resume_run(
    output: Path, modules: Mapping[str, nn.Module], optimizers: Mapping[str, Optimizer], identity: Mapping[str, Any]
) -> int:
    """Load the newest whole checkpoint and return its step.

    Raises:
        TrainingStopped: there is none, or it was made with other settings, data or number of processes.
    """
    done = checkpoints(output / "checkpoints")
    if not done:
        raise TrainingStopped(f"No checkpoint in {output}: start without --resume, or give the output of a run.")
    meta = load_checkpoint(done[-1], modules, optimizers)
    for name, value in identity.items():
        if meta.get(name) != json.loads(json.dumps(value)):
            raise TrainingStopped(f"{output} was made with another {name}: resume with the same, or start anew.")
    return int(meta["step"])


def optimise(
    accelerator: Accelerator, loss: Tensor, network: nn.Module, optimizer: Optimizer, part: int = 0, parts: int = 1
) -> None:
    """One step of one network, or one part of a step whose gradient is the mean over its parts (and over the ranks).

    Args:
        loss: scalar, of this part's batch.
        part: number of the part, from 0; the last one moves the weights.
        parts: how many there are.
    """
    if part == 0:
        optimizer.zero_grad(set_to_none=True)
    (loss / parts if parts > 1 else loss).backward()  # type: ignore[no-untyped-call]
    if part < parts - 1:
        return
    if accelerator.num_processes > 1:
        gradients = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
        flat = accelerator.reduce(torch.cat([gradient.flatten() for gradient in gradients]), "mean")
        for gradient, mean in zip(gradients, flat.split([gradient.numel() for gradient in gradients]), strict=True):
            gradient.copy_(mean.view_as(gradient))
    optimizer.step()


@torch.no_grad()
def transfer_sheet(network: nn.Module, source: Tensor, mask: Tensor | None, columns: int = 4) -> U8:
    """A sheet of sources beside what the network makes of them, under the mask if there is one."""
    result = network(source) if mask is None else composite(network(source), source, mask)
    pairs = zip(to_crops(source), to_crops(result), strict=True)
    return contact_sheet(pairs, columns)
