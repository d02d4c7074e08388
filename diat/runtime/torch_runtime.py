"""Runs a model with torch: the engine on a GPU, and the reference that the other runtimes are held to."""

from __future__ import annotations

import torch

from diat.models import Model, load_field_network, load_networks
from diat.networks import LocalEnhancer
from diat.pixels import F32, U8
from diat.tensors import to_tensor


class TorchRuntime:
    """`diat.runtime.engine.Runtime` on torch: channels last, in half precision on an NVIDIA or AMD GPU.

    Half precision moves one value in a thousand by up to a level of 255, and single ones by up to six.

    Args:
        model: from `diat.hub.load_model`.
        device: a torch device.
        dtype: of the networks; None takes float16 on such a GPU and float32 elsewhere.
    """

    def __init__(self, model: Model, device: str, dtype: torch.dtype | None = None) -> None:
        self._device = torch.device(device)
        self._dtype = dtype or (torch.float16 if self._device.type == "cuda" else torch.float32)
        self._transform, self._enhancer = load_networks(model)
        for network in (self._transform, self._enhancer):
            if network is not None:
                network.to(self._device, self._dtype).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @torch.inference_mode()
    def __call__(self, crops: U8) -> F32:
        """See `diat.runtime.engine.Runtime`."""
        source = to_tensor(torch.as_tensor(crops).to(self._device))  # as bytes, a quarter of the way
        transformed = self._transform(source.to(self._dtype)).float()
        if isinstance(self._enhancer, LocalEnhancer):
            transformed = self._enhancer(source.to(self._dtype), transformed.to(self._dtype)).float()
        elif self._enhancer is not None:
            transformed = self._enhancer(transformed.to(self._dtype)).float()
        change = (transformed - source) * 127.5
        result: F32 = change.permute(0, 2, 3, 1).cpu().numpy()
        return result


class TorchFields:
    """`diat.runtime.engine.FieldRuntime` on torch, in float32: a flow is finer than half precision at its size.

    Args:
        model: one with heads, from `diat.hub.load_model`.
        device: a torch device.
    """

    def __init__(self, model: Model, device: str) -> None:
        self._device = torch.device(device)
        self._network = load_field_network(model).to(self._device)

    @torch.inference_mode()
    def __call__(self, crops: U8) -> tuple[F32, F32]:
        """See `diat.runtime.engine.FieldRuntime`."""
        maps, scalars = self._network(to_tensor(torch.as_tensor(crops).to(self._device)))
        return maps.permute(0, 2, 3, 1).cpu().numpy(), scalars.cpu().numpy()
