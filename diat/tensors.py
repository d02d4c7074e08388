"""Between uint8 crops and the tensors that the networks take."""

from __future__ import annotations

import torch
from torch import Tensor

from diat.pixels import U8


def to_tensor(crops: U8 | Tensor) -> Tensor:
    """(N, H, W, 3) RGB uint8 -> (N, 3, H, W) float in [-1, 1], channels last in memory."""
    return torch.as_tensor(crops).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def to_crops(images: Tensor) -> U8:
    """The inverse of `to_tensor`, rounded and clipped."""
    scaled = images.detach().float().add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8)
    crops: U8 = scaled.permute(0, 2, 3, 1).cpu().numpy()
    return crops


def composite(transformed: Tensor, source: Tensor, mask: Tensor) -> Tensor:
    """M T(x) + (1 - m) x: the change where the attribute may change the face, the source elsewhere."""
    return source + mask * (transformed - source)
