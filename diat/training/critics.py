"""Critics of the second stage of fields: small classifiers that say whether a rendered face has an attribute.

They are trained on real faces with the classes balanced (CelebA-HQ is 78 % young: a critic that was not balanced calls
nearly every old face young), at random zooms, lights and turns. Half of the time hair and background are hidden, or
those would decide, which no edit of a face can change.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diat.align import CROP_SIZE

Kind = Literal["whole", "patches"]
SEEN = 96  # side in pixels of what a critic sees
# The face's mean oval in the crop, template units: middle and half-axes.
OVAL = (64.0, 80.0, 31.0, 39.0)
HIDDEN = 0.5  # share of the images whose hair and background are hidden


class _Block(nn.Module):
    """Two convolutions and a shortcut that halves the size (He et al. 2016)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, 2, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs),
        )  # fmt: skip
        self.shortcut = nn.Conv2d(inputs, outputs, 1, 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.body(x) + self.shortcut(x))


class Critic(nn.Module):
    """Logits of labels of a face.

    Args:
        kind: ``"whole"`` looks at the whole image; ``"patches"`` averages the votes of patches of about 35 pixels, each
            with a weight of its own, so that texture counts and layout does not.
        labels: how many.
    """

    def __init__(self, kind: Kind, labels: int) -> None:
        super().__init__()
        self.kind = kind

        def unit(inputs: int, outputs: int, size: int, stride: int) -> list[nn.Module]:
            convolution = nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False)
            return [convolution, nn.BatchNorm2d(outputs), nn.ReLU()]

        if kind == "whole":
            self.features = nn.Sequential(*unit(3, 24, 5, 2), _Block(24, 48), _Block(48, 96), _Block(96, 160))
            self.head: nn.Module = nn.Linear(160, labels)
        else:
            layers = (*unit(3, 32, 5, 2), *unit(32, 64, 3, 2), *unit(64, 96, 3, 1), *unit(96, 128, 3, 2))
            self.features = nn.Sequential(*layers)
            self.head = nn.Conv2d(128, 2 * labels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, SEEN, SEEN) in [-1, 1] -> (N, labels) logits."""
        seen = self.features(x)
        if self.kind == "whole":
            return torch.as_tensor(self.head(F.dropout(seen.mean((2, 3)), 0.2, self.training)))
        votes, weights = self.head(F.dropout2d(seen, 0.1, self.training)).flatten(2).chunk(2, 1)
        return torch.as_tensor((votes * torch.softmax(weights, -1)).sum(-1))


def glimpse(images: Tensor, kind: Kind, hidden: float = HIDDEN) -> Tensor:
    """What a critic is shown, the same for real and for rendered faces, differentiable.

    Args:
        images: (N, 3, 128, 128) crops in [-1, 1].
        kind: patches are shown larger.
        hidden: share of the images whose hair and background are hidden behind a colour and noise.

    Returns:
        (N, 3, SEEN, SEEN).
    """
    count = len(images)
    images = _hidden(images, hidden) if hidden else images
    zoom = (0.62 if kind == "whole" else 0.55) + (0.36 if kind == "whole" else 0.3) * torch.rand(count)
    angle, mirror = 0.08 * torch.randn(count), torch.where(torch.rand(count) < 0.5, -1.0, 1.0)
    across = 0.05 * torch.randn(count)
    down = 0.22 * (1 - zoom) / 0.38 + 0.05 * torch.randn(count)  # closer looks are at the face, below the middle
    cosine, sine = zoom * angle.cos(), zoom * angle.sin()
    rows = (torch.stack([cosine * mirror, -sine, across], -1), torch.stack([sine * mirror, cosine, down], -1))
    grid = F.affine_grid(torch.stack(rows, 1), [count, 3, SEEN, SEEN], align_corners=False)
    seen = F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
    return _lit(seen)


def _hidden(images: Tensor, share: float) -> Tensor:
    x, y, across, down = OVAL
    steps = torch.arange(float(CROP_SIZE))
    oval = ((steps[None] - x) / across) ** 2 + ((steps[:, None] - y) / down) ** 2
    count = len(images)
    size = 0.85 + 0.3 * torch.rand(count, 1, 1)
    mask = torch.sigmoid(12 * (1.15 - oval * size))[:, None]
    mask = torch.where(torch.rand(count, 1, 1, 1) < share, mask, torch.ones(()))
    noise = F.interpolate(0.4 * torch.randn(count, 3, 8, 8), (CROP_SIZE, CROP_SIZE), mode="bilinear")
    colour = torch.rand(count, 3, 1, 1) * 2 - 1
    return images * mask + (colour + noise).clamp(-1, 1) * (1 - mask)


def _lit(images: Tensor) -> Tensor:
    """Another light, blur, noise, at times no colour."""
    count = (len(images), 1, 1, 1)
    gamma, tint = torch.exp(0.25 * torch.randn(count)), torch.exp(0.06 * torch.randn(len(images), 3, 1, 1))
    images = ((images + 1) / 2).clamp(1e-3, 1) ** gamma * tint * 2 - 1
    soft = torch.where(torch.rand(count) < 0.3, torch.rand(count), torch.zeros(()))
    blurred = F.avg_pool2d(F.pad(images, (1, 1, 1, 1), mode="reflect"), 3, 1)
    images = images * (1 - soft) + blurred * soft
    grey = images.mean(1, keepdim=True).expand_as(images)
    images = torch.where(torch.rand(count) < 0.08, grey, images)
    return images + 0.03 * torch.rand(count) * torch.randn_like(images)
