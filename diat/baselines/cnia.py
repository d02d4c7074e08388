"""CNIA, the paper's first baseline [26]: the pixels of one face optimised against losses on a CNN's features.

Li, Zuo and Zhang 2016, "Convolutional Network for Attribute-driven and Identity-preserving Human Face Generation",
arXiv 1608.06434. From the reference image x, gradient descent looks for the y that minimises

    identity: the distance of phi(y) from phi(x), plus
    attribute: the distance of phi(y) from the mean of phi over the k = 5 faces of the guided set most like x, plus
    total variation of y.

Readings taken, where the abstract and summaries of [26] that were at hand leave it open: phi are the layers that this
paper names (4 and 5 for identity, 5 for the attribute), the losses are divided by the mean square of phi(x), so that
their weights mean the same for every phi, a local attribute's losses part at its mask (section 3.2), while those of a
global one hold everywhere, and the descent is Adam's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from diat.align import resized
from diat.attributes import AttributeSpec
from diat.data.celeba import Rows
from diat.pixels import F32, U8
from diat.training.losses import IDENTITY_LAYERS, Features
from diat.training.vgg_face import VggFeatures

ATTRIBUTE_LAYER = 5
THUMB = 16  # pixels at which faces are compared


@dataclass(frozen=True)
class CniaSettings:
    """How one face is optimised."""

    size: int = 64  # side of the images in pixels
    neighbours: int = 5  # k, guided faces whose mean features are the target
    iterations: int = 300  # of Adam
    learning_rate: float = 0.02  # of pixels in [-1, 1]
    identity_weight: float = 1.0
    attribute_weight: float = 1.0
    variation_weight: float = 0.01  # of the mean absolute difference of neighbouring pixels


def most_alike(crop: U8, guided: U8, mask: F32, count: int) -> Rows:
    """Which guided faces are most like a face where the attribute does not show.

    Args:
        crop: (S, S, 3).
        guided: (N, 16, 16, 3), as `thumbs` makes them.
        mask: (S, S), 1 where the attribute shows.
        count: how many.

    Returns:
        (count,) indices, the most alike first.
    """
    weights = 1 - F.adaptive_avg_pool2d(torch.from_numpy(mask)[None, None], THUMB)[0, 0].numpy()
    differences = (guided.astype(np.float32) - thumbs(crop[None])[0].astype(np.float32)) ** 2
    distances = (differences.mean(3) * weights).sum((1, 2))
    nearest: Rows = np.argsort(distances, kind="stable")[:count]
    return nearest


def thumbs(crops: U8) -> U8:
    """Crops reduced to what is compared. (N, S, S, 3) -> (N, 16, 16, 3)."""
    return np.stack([resized(crop, THUMB) for crop in crops])


def optimise(
    source: Tensor, guided: Tensor, mask: Tensor, spec: AttributeSpec, phi: VggFeatures, settings: CniaSettings
) -> tuple[Tensor, list[float]]:
    """The face y that looks like x and has the guided faces' attribute.

    Args:
        source: x, (1, 3, S, S) in [-1, 1].
        guided: (k, 3, S, S).
        mask: (1, 1, S, S), 1 where the attribute shows.
        spec: the attribute.
        phi: frozen features.
        settings: see `CniaSettings`.

    Returns:
        y, (1, 3, S, S) in [-1, 1], and the loss of every iteration.
    """
    with torch.no_grad():
        of_source = phi(source)
        target = phi(guided)[ATTRIBUTE_LAYER].mean(0, keepdim=True)
    shows = mask if spec.scope == "local" else torch.ones_like(mask)
    kept = 1 - mask if spec.scope == "local" else torch.ones_like(mask)
    y = source.clone().requires_grad_(True)
    optimizer = torch.optim.Adam([y], settings.learning_rate)
    history = []
    for _ in range(settings.iterations):
        optimizer.zero_grad(set_to_none=True)
        features = phi(y)
        loss = (
            settings.identity_weight * identity_loss(features, of_source, kept)
            + settings.attribute_weight
            * relative_distance(features[ATTRIBUTE_LAYER], target, of_source[ATTRIBUTE_LAYER], shows)
            + settings.variation_weight * total_variation(y)
        )
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        with torch.no_grad():
            y.clamp_(-1, 1)
        history.append(loss.item())
    return y.detach(), history


def identity_loss(features: Features, of_source: Features, kept: Tensor) -> Tensor:
    """The distance from the reference image's features where they are to be kept. -> scalar."""
    terms = [relative_distance(features[n], of_source[n], of_source[n], kept) for n in IDENTITY_LAYERS]
    return torch.stack(terms).sum()


def relative_distance(a: Tensor, b: Tensor, reference: Tensor, where: Tensor) -> Tensor:
    """Mean square of a - b over a region, divided by that of the reference everywhere.

    Args:
        a: (1, C, H, W).
        b: likewise.
        reference: likewise.
        where: (1, 1, S, S) weights in [0, 1] at the images' size.
    """
    weights = F.adaptive_avg_pool2d(where, (a.shape[-2], a.shape[-1]))
    distance = (weights * (a - b).square()).sum() / (weights.sum() * a.shape[1]).clamp_min(1)
    return distance / reference.square().mean().clamp_min(1e-8)


def total_variation(y: Tensor) -> Tensor:
    """Mean absolute difference of neighbouring pixels. (1, 3, S, S) -> scalar."""
    return y.diff(dim=2).abs().mean() + y.diff(dim=3).abs().mean()
