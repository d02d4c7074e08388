"""Runs a model on crops: one call, the fastest correct runtime behind it.

On a processor that is ncnn on a graph built from the weights, which starts without torch; on a GPU it is torch.
"""

from __future__ import annotations

import logging
from typing import Protocol

import numpy as np

from diat.heads import HEADS, Fields
from diat.models import Model
from diat.pixels import F32, U8, channel_sum
from diat.runtime.devices import Device, choose_device
from diat.runtime.ncnn_runtime import NcnnFields, NcnnRuntime

logger = logging.getLogger(__name__)

# Beyond this many crops at once the processor's caches, not the calls, set the pace.
MAX_BATCH = 16


class Runtime(Protocol):
    """What is behind the engine."""

    def __call__(self, crops: U8) -> F32:
        """(N, H, W, 3) RGB uint8 -> T(x) - x, or E's result less x, (N, H, W, 3) float in units of 0..255."""
        ...


class FieldRuntime(Protocol):
    """What is behind the engine of a model with heads."""

    def __call__(self, crops: U8) -> tuple[F32, F32]:
        """(N, H, W, 3) RGB uint8 -> maps (N, H/2, W/2, C) and scalars (N, S), see `diat.heads.HeadSet`."""
        ...


class FieldEngine:
    """A model with heads, ready to run; see `Engine` for its arguments and errors."""

    def __init__(self, model: Model, device: Device | None = None, threads: int | None = None) -> None:
        self.heads = HEADS[model.config.heads]
        self.device = choose_device(device)
        on_processor = self.device == "cpu"
        self._run: FieldRuntime = NcnnFields(model, threads) if on_processor else _torch_fields(model, self.device)
        logger.info("%s runs on %s with %s", model.config.attribute, self.device, type(self._run).__name__)

    def fields(self, crops: U8) -> list[Fields]:
        """(N, H, W, 3) RGB uint8, the heads' window of the aligned crop -> each one's fields."""
        fields = []
        for start in range(0, len(crops), MAX_BATCH):
            maps, scalars = self._run(crops[start : start + MAX_BATCH])
            fields += [Fields(self.heads, *of_face) for of_face in zip(maps, scalars, strict=True)]
        return fields


class Engine:
    """A model that draws the result, ready to run; it may be called from several threads at once.

    Args:
        model: from `diat.hub.load_model`.
        device: ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"`` or a torch device; None takes the GPU when torch is there
            and sees one.
        threads: of the processor; None takes half of those that this process may use, or OMP_NUM_THREADS.

    Raises:
        InvalidArgument: there is no such device here.
    """

    def __init__(self, model: Model, device: Device | None = None, threads: int | None = None) -> None:
        self.config = model.config
        self.device = choose_device(device)
        self._run: Runtime = NcnnRuntime(model, threads) if self.device == "cpu" else _torch_runtime(model, self.device)
        logger.info("%s runs on %s with %s", model.config.attribute, self.device, type(self._run).__name__)

    def change(self, crops: U8, strength: float = 1.0) -> F32:
        """The change for a strength, of which ``min(strength, 1)`` is to be added.

        `strengthened` is not linear and must see the model's strength and the user's as one factor. Below 1 the user's
        part is left to whoever adds the change, so that how large it is, and with it what counts as replaced, does not
        depend on the strength.

        Args:
            crops: (N, H, W, 3) RGB uint8, sides multiples of 4.
            strength: the user's factor, 0 to 1.5.

        Returns:
            (N, H, W, 3) float in units of 0..255.
        """
        parts = [self._run(crops[start : start + MAX_BATCH]) for start in range(0, len(crops), MAX_BATCH)]
        own = np.concatenate(parts) if parts else np.zeros(crops.shape, np.float32)
        if strength == 0:
            return own
        return strengthened(crops, own, self.config.strength * strength) / np.float32(min(strength, 1.0))


def strengthened(crops: U8, change: F32, strength: float) -> F32:
    """A change made weaker or stronger.

    Beyond T's own change its lightness goes on, and its colour does not: teeth that T made grey out of red lips would
    come out cyan.

    Args:
        crops: (N, H, W, 3) RGB uint8.
        change: of them, T(x) - x in units of 0..255; x and T(x) lie in 0..255.
        strength: factor of the change, above 0.

    Returns:
        (N, H, W, 3) float in units of 0..255.
    """
    if strength <= 1:
        return change * np.float32(strength)
    after = crops + change
    light, more = channel_sum(after), channel_sum(change) * np.float32(strength - 1)
    brighter = after * (np.maximum(light + more, 0) / np.maximum(light, 1))[..., None]
    return np.asarray(brighter - crops, np.float32)


def _torch_runtime(model: Model, device: str) -> Runtime:
    from diat.runtime.torch_runtime import TorchRuntime

    return TorchRuntime(model, device)


def _torch_fields(model: Model, device: str) -> FieldRuntime:
    from diat.runtime.torch_runtime import TorchFields

    return TorchFields(model, device)
