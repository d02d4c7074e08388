"""The judge: a classifier of CelebA's 40 attributes that training never sees."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from diat.attributes import COLUMNS
from diat.pixels import F32, U8
from diat.tensors import to_tensor

WIDTHS = (32, 64, 128, 256, 384)  # channels after the stem and each halving


class Block(nn.Module):
    """Pre-activation residual block with a stride."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.skip = nn.Conv2d(inputs, outputs, 1, bias=False) if inputs != outputs else nn.Identity()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H / stride, W / stride)."""
        y = self.conv1(torch.relu(self.norm1(x)))
        y = self.conv2(torch.relu(self.norm2(y)))
        x = F.avg_pool2d(x, self.stride) if self.stride > 1 else x
        return cast(Tensor, self.skip(x) + y)


class AttributeClassifier(nn.Module):
    """(N, 3, 128, 128) in [-1, 1] -> (N, 40) logits in the order of diat.attributes.COLUMNS."""

    def __init__(self, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, widths[0], 5, 2, 2, bias=False)
        blocks: list[nn.Module] = []
        for inputs, outputs in zip(widths[:-1], widths[1:], strict=True):
            blocks += [Block(inputs, outputs, 2), Block(outputs, outputs, 1)]
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.BatchNorm2d(widths[-1])
        self.head = nn.Linear(widths[-1], len(COLUMNS))

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, 128, 128) in [-1, 1] -> (N, 40) logits."""
        y = F.max_pool2d(self.stem(x), 2)  # (N, 32, 32, 32)
        y = torch.relu(self.norm(self.blocks(y))).mean((2, 3))
        return cast(Tensor, self.head(F.dropout(y, 0.2, self.training)))


def load_classifier(path: Path) -> AttributeClassifier:
    """A trained classifier of any width in evaluation mode."""
    weights = load_file(path)
    classifier = AttributeClassifier(_widths(weights))
    classifier.load_state_dict(weights, strict=False)
    return classifier.eval()


def _widths(weights: Mapping[str, Tensor]) -> tuple[int, ...]:
    first = [f"blocks.{block}.conv1.weight" for block in range(0, len(weights), 2)]  # every second one widens
    return (len(weights["stem.weight"]), *(len(weights[name]) for name in first if name in weights))


@torch.inference_mode()
def predict(classifier: nn.Module, crops: U8, batch: int = 64) -> F32:
    """(N, 128, 128, 3) -> (N, 40) probabilities; the image and its mirror are averaged."""
    parts = []
    for start in range(0, len(crops), batch):
        images = to_tensor(np.ascontiguousarray(crops[start : start + batch]))
        parts.append((classifier(images).float().sigmoid() + classifier(images.flip(3)).float().sigmoid()) / 2)
    probabilities: F32 = torch.cat(parts).numpy()
    return probabilities
