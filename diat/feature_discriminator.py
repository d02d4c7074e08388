"""The release recipe's D: a small network on frozen features, after Sauer et al. 2021 (projected GANs)."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from diat.vgg_face import VggFeatures


class FeatureDiscriminator(nn.Module):
    """D on phi_4 and phi_5 (`VggFeatures`) in place of Table 2's, which learns to see from pixels alone.

    It starts with edges, skin and lips told apart, so that colour blotches do not pass for a mouth. Spectral
    normalisation (Miyato et al. 2018) bounds it, so that it needs no gradient penalty.

    Args:
        phi: the frozen features.
        size: side of the images in pixels, or their height and width: multiples of 16.
    """

    def __init__(self, phi: VggFeatures, size: int | tuple[int, int] = 128) -> None:
        super().__init__()
        height, width = (size, size) if isinstance(size, int) else size
        if height % 16 or width % 16:
            raise ValueError(f"D halves its input four times: the size must be a multiple of 16, not {size}")
        self.phi = phi.requires_grad_(False)
        self.fine = spectral_norm(nn.Conv2d(128, 64, 4, stride=2, padding=1))  # on phi_4
        self.coarse = spectral_norm(nn.Conv2d(256, 128, 3, padding=1))  # on phi_5
        self.conv1 = spectral_norm(nn.Conv2d(192, 128, 4, stride=2, padding=1))
        self.conv2 = spectral_norm(nn.Conv2d(128, 128, 4, stride=2, padding=1))
        self.fc1 = spectral_norm(nn.Linear(128 * (height // 16) * (width // 16), 256))
        self.fc2 = spectral_norm(nn.Linear(256, 1))

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Let the network learn, or not; the features stay frozen."""
        super().requires_grad_(requires_grad)
        self.phi.requires_grad_(False)
        return self

    def forward(self, x: Tensor) -> tuple[Tensor, dict[int, Tensor]]:
        """(N, 3, H, W) in [-1, 1] -> logits (N,), feature maps by number 4 and 5, those of Eq. (13)."""
        phi = self.phi(x)
        fine = nn.functional.leaky_relu(self.fine(_unit(phi[4])), 0.2)
        coarse = nn.functional.leaky_relu(self.coarse(_unit(phi[5])), 0.2)
        y4 = torch.cat([fine, coarse], 1)  # (N, 192, H/4, W/4)
        y5 = nn.functional.leaky_relu(self.conv1(y4), 0.2)  # (N, 128, H/8, W/8)
        y = nn.functional.leaky_relu(self.conv2(y5), 0.2)  # (N, 128, H/16, W/16)
        hidden = nn.functional.leaky_relu(self.fc1(y.flatten(1)), 0.2)
        return self.fc2(hidden).float().squeeze(1), {4: y4, 5: y5}


def _unit(features: Tensor) -> Tensor:
    """Divide by the root mean square over an image: VGG's activations are large, and a norm-bounded D is not."""
    return features * features.float().square().mean((1, 2, 3), keepdim=True).clamp_min(1e-8).rsqrt().to(features.dtype)
