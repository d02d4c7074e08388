"""The paper's losses, one pure function per equation, and below them what the release recipe adds.

Logits are D before its sigmoid. Expectations are batch means. Where the printed equations leave something open, the
reading taken is said at the function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

Features = Mapping[int, Tensor]

# "the 4th and 5th convolutional layers", of VGG-Face (Eq. 2, 4) and of D (Eq. 13) alike.
IDENTITY_LAYERS = (4, 5)


def _same_shape(a: Tensor, b: Tensor) -> None:
    if a.shape != b.shape:
        raise ValueError(f"the two inputs differ in shape: {tuple(a.shape)} and {tuple(b.shape)}")


def feature_loss(a: Tensor, b: Tensor) -> Tensor:
    """Eq. (1), (12): ||a - b||_F^2 / (2 C H W), batch mean. a, b: (N, C, H, W) -> scalar."""
    _same_shape(a, b)
    return (a.float() - b.float()).square().mean() / 2


def identity_loss(transformed: Features, source: Features, weights: Mapping[int, float] | None = None) -> Tensor:
    """Eq. (2), (13): the weighted sum of `feature_loss` over the layers of ``weights``; 4 and 5 with 1 by default.

    The features are VGG-Face's in Eq. (2) and D's own in Eq. (13), where D must be frozen: read literally, Eq. (14)
    would have D maximise the loss.
    """
    weights = weights or dict.fromkeys(IDENTITY_LAYERS, 1.0)
    terms = [weight * feature_loss(transformed[layer], source[layer]) for layer, weight in weights.items()]
    return torch.stack(terms).sum()


def attribute_loss_discriminator(guided: Tensor, transformed: Tensor) -> Tensor:
    """Eq. (3) for D, as a loss to minimise: -log D(a) - log(1 - D(T(x))). guided, transformed: (N,) logits -> scalar.

    The printed 1 - log D(T(x)) has no maximum in D, so Goodfellow's log(1 - D(T(x))) stands in its place.
    """
    return F.softplus(-guided).mean() + F.softplus(transformed).mean()


def attribute_loss_transform(transformed: Tensor) -> Tensor:
    """Eq. (3) for T: -log D(T(x)), the non-saturating form that 1 - log D(T(x)) is. (N,) logits -> scalar."""
    return F.softplus(-transformed).mean()


def reconstruction_loss(x: Tensor, transformed: Tensor) -> Tensor:
    """Eq. (8): ||x - T(x)||_F^2, summed over an image, mean over the batch. (N, 3, H, W) twice -> scalar."""
    _same_shape(x, transformed)
    return (x - transformed).square().flatten(1).sum(1).mean()


def discriminator_pretraining_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Eq. (9): (y - D(x))^2 with D(x) the sigmoid of the logits, batch mean. logits (N,), labels (N,) in {0, 1}."""
    _same_shape(logits, labels)
    return (labels.float() - torch.sigmoid(logits)).square().mean()


def diat_a_transform_loss(transformed: Tensor, identity: Tensor, lambda_id: float) -> Tensor:
    """Eq. (14) for T: -log D(T(x)) + lambda l_id^dynamic(x). (N,) logits, scalar, weight -> scalar.

    For D, Eq. (14) is Eq. (3): the identity loss never updates D.
    """
    return attribute_loss_transform(transformed) + lambda_id * identity


# ---- The release recipe. Each addition earns its place in docs/recipe.md by a figure.


def scaled_identity_loss(transformed: Features, source: Features) -> Tensor:
    """Eq. (13) with every layer divided by the mean square of D's own features there.

    At initialisation D's features are so small that Eq. (13) is a thousandth of Eq. (3); scaled, it keeps its weight
    whatever D's features grow to.
    """
    terms = [
        feature_loss(transformed[layer], source[layer]) / source[layer].float().square().mean().clamp_min(1e-8)
        for layer in IDENTITY_LAYERS
    ]
    return torch.stack(terms).sum()


def three_group_loss(guided: Tensor, transformed: Tensor, source: Tensor) -> Tensor:
    """Eq. (3) for D with the untransformed inputs as a third group, labelled 0 beside T(x): weights 1, 1/2, 1/2.

    Without it T finds a faint texture that brings D to chance and D forgets what the attribute looks like.
    (N,) logits three times -> scalar.
    """
    return F.softplus(-guided).mean() + (F.softplus(transformed).mean() + F.softplus(source).mean()) / 2


def gradient_penalty(discriminator: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """R1 of Mescheder et al. 2018: E ||d D(a) / d a||^2, summed over pixels. images: (N, 3, S, S) -> scalar."""
    images = images.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(discriminator(images).sum(), images, create_graph=True)
    return gradient.square().flatten(1).sum(1).mean()
