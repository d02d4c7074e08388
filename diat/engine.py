"""Runs a transform network on crops: one call, whatever runtime is behind it."""

from __future__ import annotations

import numpy as np
import torch

from diat.align import F32, U8
from diat.hub import Model, load_networks
from diat.networks import LocalEnhancer
from diat.tensors import to_tensor

# Beyond this many crops at once the processor's caches, not the calls, set the pace.
MAX_BATCH = 16


class Engine:
    """A transform network ready to run.

    Args:
        model: from `diat.hub.load_model`.
        device: a torch device; None takes the GPU when there is one.
    """

    def __init__(self, model: Model, device: str | None = None) -> None:
        self.config = model.config
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self._transform, self._enhancer = load_networks(model)
        for network in (self._transform, self._enhancer):
            if network is not None:
                network.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def change(self, crops: U8) -> F32:
        """T(x) - x, or E's result less x, at the model's own strength.

        (N, S, S, 3) RGB uint8 -> (N, S, S, 3) float in units of 0..255.
        """
        parts = [self._run(crops[start : start + MAX_BATCH]) for start in range(0, len(crops), MAX_BATCH)]
        return np.concatenate(parts) if parts else np.zeros(crops.shape, np.float32)

    @torch.inference_mode()
    def _run(self, crops: U8) -> F32:
        source = to_tensor(crops).to(self.device)
        transformed = self._transform(source)
        if isinstance(self._enhancer, LocalEnhancer):
            transformed = self._enhancer(source, transformed)
        elif self._enhancer is not None:
            transformed = self._enhancer(transformed)
        change = (transformed - source) * (127.5 * self.config.strength)
        result: F32 = change.permute(0, 2, 3, 1).float().cpu().numpy()
        return result
