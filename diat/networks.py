"""The paper's networks, one class per table. Tensors are NCHW float in [-1, 1] unless said otherwise."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from diat.layers import BLUR_SIGMA, BLUR_SIZE


class ResidualBlock(nn.Module):
    """x + conv(relu(conv(x))), both 3x3 and normalised, as in Johnson et al. 2016, which Table 1 follows."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        y = torch.relu(self.norm1(self.conv1(x)))
        return x + cast(Tensor, self.norm2(self.conv2(y)))


class TransformNetwork(nn.Module):
    """The face transform network T of Table 1 (the generator): 16 convolutional layers, 1.68 M parameters.

    Args:
        n_blocks: residual blocks. Section 3.1 counts five; Table 1 prints four rows.
        residual: False is the paper, ``T(x) = tanh(net(x))``. True is the release recipe, in which the network learns
            the change: ``T(x) = clamp(x + 2 tanh(net(x)), -1, 1)``, with the last layer starting at zero, so that T
            starts as the identity and needs no pre-training (Eq. 8).

    Convolutions before a norm carry no bias: the norm's own shift does the same.
    """

    def __init__(self, n_blocks: int = 5, residual: bool = False) -> None:
        super().__init__()
        self.residual = residual
        self.conv1 = nn.Conv2d(3, 32, 9, padding=4, bias=False)
        self.norm1 = nn.BatchNorm2d(32)
        self.conv2 = nn.Conv2d(32, 64, 3, stride=2, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(64)
        self.conv3 = nn.Conv2d(64, 128, 3, stride=2, padding=1, bias=False)
        self.norm3 = nn.BatchNorm2d(128)
        self.blocks = nn.Sequential(*(ResidualBlock(128) for _ in range(n_blocks)))
        # Table 1 prints 64 and then 127 rows: only output padding on the first and none on the second gives both.
        self.deconv1 = nn.ConvTranspose2d(128, 64, 3, stride=2, padding=1, output_padding=1, bias=False)
        self.norm4 = nn.BatchNorm2d(64)
        self.deconv2 = nn.ConvTranspose2d(64, 32, 3, stride=2, padding=1, bias=False)
        self.norm5 = nn.BatchNorm2d(32)
        self.deconv3 = nn.ConvTranspose2d(32, 3, 10, padding=4)
        if residual:
            nn.init.zeros_(self.deconv3.weight)
            nn.init.zeros_(cast(Tensor, self.deconv3.bias))

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, 3, H, W) in [-1, 1]. H and W are multiples of 4."""
        y = torch.relu(self.norm1(self.conv1(x)))  # (N, 32, H, W)
        y = torch.relu(self.norm2(self.conv2(y)))  # (N, 64, H/2, W/2)
        y = torch.relu(self.norm3(self.conv3(y)))  # (N, 128, H/4, W/4)
        y = self.blocks(y)
        y = torch.relu(self.norm4(self.deconv1(y)))  # (N, 64, H/2, W/2)
        y = torch.relu(self.norm5(self.deconv2(y)))  # (N, 32, H-1, W-1)
        change = torch.tanh(self.deconv3(y).float())  # (N, 3, H, W); in float, so that bf16 does not band skies
        return (x.float() + 2 * change).clamp(-1, 1) if self.residual else change


# Table 2: kernel, padding, stride, output channels of the six convolutions.
_DISCRIMINATOR_LAYERS = ((8, 3, 2, 32), (3, 1, 1, 32), (4, 1, 2, 64), (3, 1, 1, 64), (4, 1, 2, 128), (4, 1, 2, 128))


class AttributeDiscriminator(nn.Module):
    """The attribute discriminator D of Table 2. No norm, so that its features stay per image.

    Args:
        size: side of the images in pixels, or their height and width: multiples of 16.
    """

    def __init__(self, size: int | tuple[int, int] = 128) -> None:
        super().__init__()
        height, width = (size, size) if isinstance(size, int) else size
        if height % 16 or width % 16:
            raise ValueError(f"D halves its input four times: the size must be a multiple of 16, not {size}")
        channels = [3] + [layer[3] for layer in _DISCRIMINATOR_LAYERS]
        self.convs = nn.ModuleList(
            nn.Conv2d(channels[i], out, kernel, stride=stride, padding=padding)
            for i, (kernel, padding, stride, out) in enumerate(_DISCRIMINATOR_LAYERS)
        )
        self.fc1 = nn.Linear(128 * (height // 16) * (width // 16), 1000)
        self.fc2 = nn.Linear(1000, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, dict[int, Tensor]]:
        """(N, 3, H, W) -> logits (N,), feature maps after the activation by layer number 1..6."""
        features = {}
        for number, conv in enumerate(self.convs, start=1):
            x = nn.functional.leaky_relu(conv(x), 0.2)
            features[number] = x
        hidden = nn.functional.leaky_relu(self.fc1(x.flatten(1)), 0.2)
        return self.fc2(hidden).float().squeeze(1), features


class DenoisingNetwork(nn.Module):
    """The denoiser f of Eq. (5): "only two convolutional layers with 3x3 kernel", 3 -> 64 -> 3 channels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 3, padding=1, padding_mode="reflect")
        self.conv2 = nn.Conv2d(64, 3, 3, padding=1, padding_mode="reflect")

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, 3, H, W), of unbounded range."""
        return cast(Tensor, self.conv2(torch.relu(self.conv1(x)))).float()


class LocalEnhancer(nn.Module):
    """The local enhancement network E of section 3.2: a 4-layer FCN on source and transformed image.

    It learns what to add to T(x), the last layer starting at zero. It needs no mask to run.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(6, 64, 3, padding=1)
        self.conv2 = nn.Conv2d(64, 64, 3, padding=1)
        self.conv3 = nn.Conv2d(64, 64, 3, padding=1)
        self.conv4 = nn.Conv2d(64, 3, 3, padding=1)
        nn.init.zeros_(self.conv4.weight)
        nn.init.zeros_(cast(Tensor, self.conv4.bias))

    def forward(self, source: Tensor, transformed: Tensor) -> Tensor:
        """Source x and T(x), each (N, 3, H, W) -> (N, 3, H, W) in [-1, 1]."""
        y = torch.cat([source, transformed], dim=1)
        for conv in (self.conv1, self.conv2, self.conv3):
            y = torch.relu(conv(y))
        change = cast(Tensor, self.conv4(y))
        return (transformed.float() + change.float()).clamp(-1, 1)


class GlobalEnhancer(TransformNetwork):
    """The global enhancement network E of section 3.2: T's architecture, run on the blurred T(x)."""

    def forward(self, x: Tensor) -> Tensor:
        """T(x), (N, 3, H, W) -> E(B(T(x))), (N, 3, H, W) in [-1, 1]."""
        enhanced: Tensor = super().forward(gaussian_blur(x).to(self.conv1.weight.dtype))
        return enhanced


def gaussian_blur(x: Tensor, sigma: float = BLUR_SIGMA, size: int = BLUR_SIZE) -> Tensor:
    """B of Eq. (11): a Gaussian of that standard deviation in pixels. (N, C, H, W) -> (N, C, H, W) float32."""
    places = torch.arange(size, dtype=torch.float32, device=x.device) - (size - 1) / 2
    line = torch.exp(-places.square() / (2 * sigma**2))
    line = (line / line.sum()).expand(x.shape[1], 1, -1)
    x = nn.functional.pad(x.float(), (size // 2,) * 4, mode="reflect")
    x = nn.functional.conv2d(x, line[:, :, None, :], groups=x.shape[1])
    return nn.functional.conv2d(x, line[:, :, :, None], groups=x.shape[1])
