"""Checkpoints that are complete or absent: written aside, flushed to disk, renamed, and only then the old pruned."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from diat.errors import TrainingStopped

PREFIX, TEMP_SUFFIX = "step-", ".writing"


@dataclass(frozen=True, eq=False)
class Stored:
    """What a checkpoint holds, in main memory."""

    path: str
    tensors: dict[str, Tensor]
    meta: dict[str, Any]  # with ``step``, and the optimisers' ``groups``


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


def read_checkpoint(path: Path) -> Stored:
    """What a checkpoint holds.

    Args:
        path: a folder of `checkpoints`.

    Raises:
        TrainingStopped: the checkpoint is missing or damaged.
    """
    try:
        return Stored(str(path), load_file(path / "state.safetensors"), json.loads((path / "meta.json").read_text()))
    except (OSError, SafetensorError, json.JSONDecodeError) as error:
        raise TrainingStopped(
            f"No whole checkpoint at {path} ({error}): give an existing one or start anew."
        ) from error


def newest_checkpoint(folder: Path, accelerator: Accelerator) -> Stored:
    """What the newest of a run's checkpoints holds, which the first process reads and sends to the others.

    Raises:
        TrainingStopped: it is damaged.
    """
    stored = read_checkpoint(checkpoints(folder)[-1]) if accelerator.is_main_process else None
    if accelerator.num_processes > 1:
        [stored] = broadcast_object_list([stored])
    if stored is None:
        raise ValueError("the first process has sent no checkpoint")
    return stored


def restore(stored: Stored, modules: Mapping[str, nn.Module], optimizers: Mapping[str, Optimizer]) -> None:
    """Give modules and optimisers the state that a checkpoint holds of them.

    Args:
        stored: from `read_checkpoint`.
        modules: what `save_checkpoint` was given, of the same shapes.
        optimizers: likewise.

    Raises:
        TrainingStopped: the checkpoint is of other networks.
    """
    try:
        for name, module in modules.items():
            module.load_state_dict(_under(stored.tensors, f"module/{name}/"), strict=True)
        for name, optimizer in optimizers.items():
            state: dict[int, dict[str, Tensor]] = {}
            for key, value in _under(stored.tensors, f"optimizer/{name}/").items():
                index, entry = key.split("/")
                state.setdefault(int(index), {})[entry] = value
            optimizer.load_state_dict({"state": state, "param_groups": stored.meta["groups"][name]})
            _match_memory_format(optimizer)
    except (RuntimeError, KeyError, ValueError) as error:
        raise TrainingStopped(
            f"The checkpoint {stored.path} is of other networks ({error}): resume with the same settings."
        ) from error


def load_checkpoint(
    path: Path, modules: Mapping[str, nn.Module], optimizers: Mapping[str, Optimizer]
) -> dict[str, Any]:
    """`read_checkpoint` and `restore` in one. -> the metadata, with ``step``."""
    stored = read_checkpoint(path)
    restore(stored, modules, optimizers)
    return {name: value for name, value in stored.meta.items() if name != "groups"}


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
