"""`stats.jsonl`: what a run measured, one JSON object a line."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor


class Log:
    """Means over the steps since the last line, one JSON object a line, flushed.

    Args:
        path: the file. A resumed run cuts off what a killed one wrote after its last checkpoint.
        first: the step that the run starts from.
    """

    def __init__(self, path: Path, first: int = 0) -> None:
        self._path = path
        self._values: dict[str, list[Tensor]] = {}
        self._since, self._step = time.monotonic(), first
        if path.exists():
            kept = [line for line in path.read_text().splitlines() if _step(line) <= first]
            aside = path.with_name(path.name + ".writing")
            aside.write_text("".join(line + "\n" for line in kept))
            aside.replace(path)

    def add(self, values: Mapping[str, Tensor]) -> None:
        """Count scalars in; they stay where they were computed until they are written."""
        for name, value in values.items():
            self._values.setdefault(name, []).append(value.detach())

    def write(self, step: int, images: int) -> dict[str, float]:
        """Write the means as one line and start over.

        Args:
            step: how many are done.
            images: how many a step takes of each set, for the rate.
        """
        means = {name: float(torch.stack(values).float().mean()) for name, values in self._values.items()}
        now = time.monotonic()
        rate = images * (step - self._step) / max(now - self._since, 1e-9)
        line = {"step": step, **{name: round(value, 6) for name, value in means.items()}}
        with self._path.open("a") as file:
            file.write(json.dumps({**line, "images_per_second": round(rate, 2)}) + "\n")
        self._values, self._since, self._step = {}, now, step
        return means


def _step(line: str) -> float:
    """The step of a line; infinite for one that a full disk or a crash cut short."""
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return float("inf")
