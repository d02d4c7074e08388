"""What the training scripts share: the moving average, the log, the sample sheets, one optimiser step on many ranks."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from accelerate import Accelerator
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Optimizer

from diat.align import U8
from diat.errors import TrainingStopped
from diat.tensors import to_crops


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
    """`stats.jsonl`: one JSON object a line, flushed, with means over the steps since the last."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}
        self._since = time.monotonic()

    def add(self, values: dict[str, Tensor]) -> None:
        """Count one step's values in."""
        for name, value in values.items():
            self._sums[name] = self._sums.get(name, 0.0) + float(value.detach())
            self._counts[name] = self._counts.get(name, 0) + 1

    def write(self, step: int, images: int) -> dict[str, float]:
        """Write the means as one line and start over. ``images``: how many went through since the last line."""
        now = time.monotonic()
        means: dict[str, float] = {name: self._sums[name] / self._counts[name] for name in self._sums}
        line = {"step": step, **means, "images_per_second": images / max(now - self._since, 1e-9)}
        with self._path.open("a") as file:
            file.write(json.dumps({name: round(value, 6) for name, value in line.items()}) + "\n")
        self._sums, self._counts, self._since = {}, {}, now
        return means


def optimise(accelerator: Accelerator, loss: Tensor, network: nn.Module, optimizer: Optimizer) -> None:
    """One step of one network. Gradients are averaged over the ranks."""
    if not torch.isfinite(loss):
        raise TrainingStopped("The loss is not a number: training stopped before the weights were harmed.")
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    if accelerator.num_processes > 1:
        gradients = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
        flat = accelerator.reduce(torch.cat([gradient.flatten() for gradient in gradients]), "mean")
        for gradient, mean in zip(gradients, flat.split([gradient.numel() for gradient in gradients]), strict=True):
            gradient.copy_(mean.view_as(gradient))
    optimizer.step()


def contact_sheet(rows: Iterable[tuple[U8, ...]], columns: int = 4, scale: int = 1) -> U8:
    """Lay out cells of images side by side (before, after, ...), ``columns`` cells to a line, 4 pixels apart."""
    cells: list[NDArray[Any]] = [np.concatenate(row, axis=1) for row in rows]
    cells += [np.full_like(cells[0], 255)] * (-len(cells) % columns)
    cells = [cv2.copyMakeBorder(cell, 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=(255, 255, 255)) for cell in cells]
    sheet = np.concatenate([np.concatenate(cells[i : i + columns], axis=1) for i in range(0, len(cells), columns)])
    if scale != 1:
        sheet = cv2.resize(sheet, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST)
    return sheet.astype(np.uint8, copy=False)


def save_image(path: Path, image: U8) -> None:
    """Write an RGB image; the ending chooses the format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image[..., ::-1])


@torch.no_grad()
def transfer_sheet(network: nn.Module, source: Tensor, mask: Tensor, columns: int = 4) -> U8:
    """A sheet of sources beside what the network makes of them under the mask."""
    result = composite(network(source), source, mask)
    pairs = zip(to_crops(source), to_crops(result), strict=True)
    return contact_sheet(pairs, columns)


def composite(transformed: Tensor, source: Tensor, mask: Tensor) -> Tensor:
    """M T(x) + (1 - m) x: the change where the attribute may change the face, the source elsewhere."""
    return source + mask * (transformed - source)


def describe(config: Any) -> dict[str, Any]:
    """A frozen config as JSON-able values."""
    return {name: str(value) if isinstance(value, Path) else value for name, value in vars(config).items()}
