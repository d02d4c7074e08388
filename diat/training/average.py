"""Means of networks: over steps, which is what is shipped, and over processes."""

from __future__ import annotations

import copy

import torch
from accelerate import Accelerator
from torch import nn


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


def average_over_processes(accelerator: Accelerator, network: nn.Module) -> None:
    """Give every process the mean of the gradients and of the norms' running statistics.

    By hand, since DistributedDataParallel reduces at each backward pass: D is run several times within one step, T is
    frozen in some of them, and parts of a step are added up first. One vector travels once a step.
    """
    if accelerator.num_processes == 1:
        return
    tensors = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
    tensors += [buffer for buffer in network.buffers() if buffer.is_floating_point()]
    flat = accelerator.reduce(torch.cat([tensor.flatten() for tensor in tensors]), "mean")
    for tensor, mean in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
        tensor.copy_(mean.view_as(tensor))
