"""Checkpoints that are complete or absent: written aside, flushed to disk, renamed, and only then the old pruned."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from diat.errors import TrainingStopped

PREFIX, TEMP_SUFFIX = "step-", ".writing"


def save_checkpoint(
    folder: Path,
    step: int,
    modules: Mapping[str, nn.Module],
    optimizers: Mapping[str, Optimizer],
    meta: Mapping[str, Any],
    keep: int = 2,
) -> Path:
    """Write ``folder/step-0001234`` atomically and prune all but the newest ``keep``.

    Args:
        folder: where the checkpoints of the run lie.
        step: how many steps are done.
        modules: state dicts are stored under these names.
        optimizers: likewise; their tensors as tensors, the rest as JSON. No pickle anywhere.
        meta: what else a resumed run must know, JSON-able.
        keep: how many checkpoints stay.

    Raises:
        TrainingStopped: the disk is full or cannot be written; the checkpoints before are whole.
    """
    tensors: dict[str, Tensor] = {}
    for name, module in modules.items():
        tensors |= {f"module/{name}/{key}": value for key, value in module.state_dict().items()}
    groups: dict[str, Any] = {}
    for name, optimizer in optimizers.items():
        state = optimizer.state_dict()
        groups[name] = state["param_groups"]
        for index, entries in state["state"].items():
            tensors |= {f"optimizer/{name}/{index}/{key}": torch.as_tensor(value) for key, value in entries.items()}
    target = folder / f"{PREFIX}{step:07d}"
    aside = folder / (target.name + TEMP_SUFFIX)
    try:
        sweep(folder)
        aside.mkdir(parents=True)
        save_file(_plain(tensors), aside / "state.safetensors")
        (aside / "meta.json").write_text(json.dumps({"step": step, "groups": groups, **meta}, indent=1))
        for path in (*aside.iterdir(), aside):
            _flush(path)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(aside, ignore_errors=True)
        raise TrainingStopped(
            f"The checkpoint of step {step} could not be written ({error}): make room on the disk and resume. "
            "The checkpoints before it are whole."
        ) from error
    if target.exists():
        shutil.rmtree(target)
    aside.rename(target)
    _flush(folder)
    for old in checkpoints(folder)[:-keep]:
        shutil.rmtree(old)
    return target


def load_checkpoint(
    path: Path,
    modules: Mapping[str, nn.Module],
    optimizers: Mapping[str, Optimizer],
    accept: Callable[[Mapping[str, Any]], None] | None = None,
) -> dict[str, Any]:
    """Restore modules and optimisers in place and return the metadata, with ``step``.

    Args:
        path: a folder of `checkpoints`.
        modules: what `save_checkpoint` was given, of the same shapes.
        optimizers: likewise.
        accept: looks at the metadata before anything is restored, and raises if it is of another run.

    Raises:
        TrainingStopped: the checkpoint is missing, damaged or of other networks.
    """
    try:
        tensors = load_file(path / "state.safetensors")
        meta: dict[str, Any] = json.loads((path / "meta.json").read_text())
    except (OSError, SafetensorError, json.JSONDecodeError) as error:
        raise TrainingStopped(
            f"No whole checkpoint at {path} ({error}): give an existing one or start anew."
        ) from error
    if accept is not None:
        accept(meta)
    try:
        for name, module in modules.items():
            module.load_state_dict(_under(tensors, f"module/{name}/"), strict=True)
        groups = meta.pop("groups")
        for name, optimizer in optimizers.items():
            state: dict[int, dict[str, Tensor]] = {}
            for key, value in _under(tensors, f"optimizer/{name}/").items():
                index, entry = key.split("/")
                state.setdefault(int(index), {})[entry] = value
            optimizer.load_state_dict({"state": state, "param_groups": groups[name]})
            _match_memory_format(optimizer)
    except (RuntimeError, KeyError, ValueError) as error:
        raise TrainingStopped(
            f"The checkpoint {path} is of other networks ({error}): resume with the same settings."
        ) from error
    return meta


def save_weights(network: nn.Module, path: Path) -> None:
    """Write a network's state as one safetensors file, complete or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(path.name + TEMP_SUFFIX)
    save_file(_plain(network.state_dict()), aside)
    _flush(aside)
    aside.replace(path)


def checkpoints(folder: Path) -> list[Path]:
    """Complete checkpoints, oldest first."""
    return sorted(path for path in folder.glob(f"{PREFIX}*") if not path.name.endswith(TEMP_SUFFIX))


def sweep(folder: Path) -> None:
    """Remove what a killed run left half-written."""
    for orphan in folder.glob(f"{PREFIX}*{TEMP_SUFFIX}"):
        shutil.rmtree(orphan)


def _match_memory_format(optimizer: Optimizer) -> None:
    """Lay each moment out in memory as its parameter is: the fused optimisers walk both by address."""
    for parameter, state in optimizer.state.items():
        for key, value in state.items():
            if value.shape == parameter.shape:
                state[key] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)


def _plain(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copies in main memory that share nothing, as safetensors wants them."""
    return {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}


def _under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
