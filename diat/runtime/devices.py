"""Which device a network runs on."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from diat.errors import InvalidArgument

if TYPE_CHECKING:
    import torch

    Device = str | torch.device
else:
    Device = str

# "cpu", "cuda" or "mps", the GPUs with the number of one if need be.
_DEVICE = re.compile(r"cpu|(cuda|mps)(:\d+)?")


def choose_device(wanted: Device | None) -> str:
    """The device to run on, as text: ``"cpu"``, ``"cuda"``, ``"cuda:1"`` or ``"mps"``.

    Args:
        wanted: such a text or a torch device; None or ``"auto"`` takes the GPU that torch sees, and the processor
            without one.

    Raises:
        InvalidArgument: there is no such device here.
    """
    device = "auto" if wanted is None else str(wanted).lower()
    if device == "auto":
        return _gpu() or "cpu"
    if not _DEVICE.fullmatch(device):
        raise InvalidArgument(f"The device must be auto, cpu, cuda, cuda:NUMBER or mps, not {device!r}.")
    if device != "cpu" and importlib.util.find_spec("torch") is None:
        raise InvalidArgument(f"The device {device!r} needs torch: run `pip install torch`, or use cpu.")
    if device != "cpu" and not _usable(device):
        raise InvalidArgument(f"torch sees no device {device!r} here: use {_gpu() or 'cpu'}.")
    return device


def _usable(device: str) -> bool:
    import torch

    kind, _, number = device.partition(":")
    if kind == "mps":
        return torch.backends.mps.is_available()
    return torch.cuda.is_available() and int(number or 0) < torch.cuda.device_count()


def _gpu() -> str | None:
    """The GPU that torch sees, if torch is there."""
    if importlib.util.find_spec("torch") is None or not _driver():
        return None
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else None


def _driver() -> bool:
    """Whether there may be a GPU's driver. Without one torch, which takes seconds to import, need not be asked.

    On Linux the drivers of NVIDIA (also its boards and Windows' subsystem) and AMD show up as these files, wherever
    their libraries lie.
    """
    files = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/nvmap", "/dev/dxg", "/dev/kfd")
    return not sys.platform.startswith("linux") or any(Path(file).exists() for file in files)
