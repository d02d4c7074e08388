"""DCGAN (Radford, Metz and Chintala 2016) at 64 pixels, the prior of faces in which `inpainting` searches."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

SIZE = 64  # side of its images in pixels
LATENT = 100  # numbers in z, each uniform in [-1, 1]
CHANNELS = 64  # of the widest maps; doubled at every halving


class Generator(nn.Module):
    """G: four fractionally-strided convolutions, batch norm and ReLU after all but the last, tanh out."""

    def __init__(self, channels: int = CHANNELS) -> None:
        super().__init__()
        widths = [8 * channels, 4 * channels, 2 * channels, channels]
        self.project = nn.ConvTranspose2d(LATENT, widths[0], 4, bias=False)  # to 4x4
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for width in widths)
        self.convs = nn.ModuleList(
            nn.ConvTranspose2d(a, b, 4, stride=2, padding=1, bias=b == 3)
            for a, b in zip(widths, [*widths[1:], 3], strict=True)
        )
        self.apply(normal_weights)

    def forward(self, z: Tensor) -> Tensor:
        """(N, 100) in [-1, 1] -> (N, 3, 64, 64) in [-1, 1]."""
        y = self.project(z[:, :, None, None])
        for norm, conv in zip(self.norms, self.convs, strict=True):
            y = conv(torch.relu(norm(y)))
        return torch.tanh(y)


class Discriminator(nn.Module):
    """D: four strided convolutions with leaky ReLU 0.2, batch norm after all but the first, and one logit."""

    def __init__(self, channels: int = CHANNELS) -> None:
        super().__init__()
        widths = [3, channels, 2 * channels, 4 * channels, 8 * channels]
        self.convs = nn.ModuleList(
            nn.Conv2d(a, b, 4, stride=2, padding=1, bias=a == 3) for a, b in zip(widths[:-1], widths[1:], strict=True)
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for width in widths[2:])
        self.judge = nn.Conv2d(widths[-1], 1, 4)
        self.apply(normal_weights)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, 64, 64) in [-1, 1] -> (N,) logits."""
        y = nn.functional.leaky_relu(self.convs[0](x), 0.2)
        for norm, conv in zip(self.norms, list(self.convs)[1:], strict=True):
            y = nn.functional.leaky_relu(norm(conv(y)), 0.2)
        return cast(Tensor, self.judge(y)).flatten()


def normal_weights(module: nn.Module) -> None:
    """Weights start from a normal distribution of deviation 0.02, norms about 1."""
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)


def random_latents(count: int, generator: torch.Generator) -> Tensor:
    """Latents z at random. -> (count, 100), uniform in [-1, 1]."""
    return torch.rand(count, LATENT, generator=generator) * 2 - 1
