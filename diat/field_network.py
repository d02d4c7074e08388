"""The network with heads (see `diat.heads`): an encoder and decoder that predicts fields, of 0.9 M parameters, or of
2.4 M where gate, paint and parts have layers of their own.

A U-Net (Ronneberger et al. 2015) of layers that ncnn has too, norms that fold into the convolutions, no dependence on
the input's size.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diat.heads import PARTS, HeadSet
from diat.layers import (
    PAINT_CHANNELS,
    PARTS_BLOCKS,
    PARTS_UP_CHANNELS,
    PARTS_WIDTHS,
    PROTOTYPES,
    UP_CHANNELS,
    gate_plan,
)


class ConvNormRelu(nn.Module):
    """relu(norm(conv(x))), 3x3. The convolution carries no bias: the norm's own shift does the same."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H/stride, W/stride)."""
        return torch.relu(self.norm(self.conv(x)))


class OwnDecoder(nn.Module):
    """The decoder of maps that are learnt when the network is there already, with a block of its own before."""

    def __init__(self, heads: HeadSet) -> None:
        super().__init__()
        half, quarter, eighth = heads.widths
        self.block = nn.Sequential(ConvNormRelu(eighth, eighth), ConvNormRelu(eighth, eighth))
        self.up1 = ConvNormRelu(eighth + quarter, PAINT_CHANNELS)
        self.up2 = ConvNormRelu(PAINT_CHANNELS + half, half)
        self.maps = nn.Conv2d(half, heads.own_maps, 3, padding=1)

    def forward(self, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
        """What the encoder says at a half, a quarter and an eighth -> (N, own maps, H/2, W/2)."""
        y = self.up1(torch.cat([_doubled(c + self.block(c)), b], 1))
        return cast(Tensor, self.maps(self.up2(torch.cat([_doubled(y), a], 1))))


class _Tensors(nn.Module):
    """Tensors that no training changes, zeros at first. ``shapes``: by their name in the file."""

    def __init__(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        super().__init__()
        for name, shape in shapes.items():
            self.register_buffer(name.rpartition(".")[2], torch.zeros(shape))


def gate_layers(heads: HeadSet) -> nn.Sequential:
    """The layers of a gate of its own: (N, 12, H/2, W/2), 2x2 pixels as channels, -> (N, 128, H/16, W/16)."""
    return nn.Sequential(*(ConvNormRelu(*row) for row in gate_plan(heads)))


class EncoderDecoder(nn.Module):
    """A U-Net of ``count`` maps at half the input's resolution: see `diat.layers` for the rest."""

    def __init__(self, widths: tuple[int, int, int], up: int, blocks: int, count: int) -> None:
        super().__init__()
        half, quarter, eighth = widths
        self.stem = ConvNormRelu(12, half)
        self.down1 = ConvNormRelu(half, quarter, 2)
        self.down2 = ConvNormRelu(quarter, eighth, 2)
        self.blocks = nn.ModuleList(
            nn.Sequential(ConvNormRelu(eighth, eighth), ConvNormRelu(eighth, eighth)) for _ in range(blocks)
        )
        self.up1 = ConvNormRelu(eighth + quarter, up)
        self.up2 = ConvNormRelu(up + half, half)
        self.maps = nn.Conv2d(half, count, 3, padding=1)

    def encoded(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(N, 12, H/2, W/2), 2x2 pixels as channels -> what is seen at a half, a quarter and an eighth."""
        a = self.stem(x)
        b = self.down1(a)
        c = self.down2(b)
        for block in self.blocks:
            c = c + block(c)
        return a, b, c

    def decoded(self, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
        """-> (N, count, H/2, W/2)."""
        y = self.up1(torch.cat([_doubled(c), b], 1))
        return cast(Tensor, self.maps(self.up2(torch.cat([_doubled(y), a], 1))))


def parts_layers() -> EncoderDecoder:
    """The layers that parts have of their own: the maps are logits of `diat.heads.PARTS`, less their usual size."""
    return EncoderDecoder(PARTS_WIDTHS, PARTS_UP_CHANNELS, PARTS_BLOCKS, len(PARTS))


class FieldNetwork(EncoderDecoder):
    """Fields of a face, at half the input's resolution, and scalars.

    The last layers start at zero: no field moves anything, and the gate says one half.

    Args:
        heads: a row of `diat.heads.HEADS`.
    """

    scales: Tensor

    def __init__(self, heads: HeadSet) -> None:
        shared, eighth = heads.shared_maps, heads.widths[2]
        super().__init__(heads.widths, UP_CHANNELS, heads.blocks, shared.stop - shared.start)
        self.scalars = nn.Linear(eighth, len(heads.scalars) - heads.own_gate)
        last: list[nn.Conv2d | nn.Linear] = [self.maps, self.scalars]
        self.gate: nn.Sequential | None = None
        if heads.own_gate:
            self.gate = gate_layers(heads)
            self.gate_scalar = nn.Linear(eighth, 1)
            last.append(self.gate_scalar)
        self.paint: OwnDecoder | None = None
        if heads.own_maps:
            self.paint = OwnDecoder(heads)
            last.append(self.paint.maps)
        self.parts: EncoderDecoder | None = None
        if heads.own_parts:
            self.parts = parts_layers()
            last.append(self.parts.maps)
        if heads.prototypes:
            self.prototypes = _Tensors(PROTOTYPES)
        for layer in last:
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(cast(Tensor, layer.bias))
        self.register_buffer("scales", torch.tensor(heads.scales).view(1, -1, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, H, W) in [-1, 1], sides multiples of 8 -> maps (N, C, H/2, W/2), scalars (N, S), both float32."""
        x = F.pixel_unshuffle(x, 2)
        a, b, c = self.encoded(x)
        scalars = self.scalars(c.mean((2, 3))).float()
        if self.gate is not None:
            scalars = torch.cat([self.gate_scalar(self.gate(x).mean((2, 3))).float(), scalars], 1)
        maps = [self.decoded(a, b, c)]
        if self.parts is not None:
            maps.insert(0, self.parts.decoded(*self.parts.encoded(x)))
        if self.paint is not None:
            maps.append(self.paint(a, b, c))
        return torch.cat(maps, 1).float() * self.scales, scalars


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
