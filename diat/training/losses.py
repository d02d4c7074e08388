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
    """Eq. (2), (4), (13): the weighted sum of `feature_loss` over layers; 4 and 5, with weight 1, by default.

    The features are VGG-Face's in Eq. (2), and in Eq. (4) with g for T; in Eq. (13) they are D's own, where D must be
    frozen: read literally, Eq. (14) would have D maximise the loss.
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


def denoiser_loss(denoised: Tensor, denoised_clear: Tensor, x: Tensor) -> Tensor:
    """Eq. (5): ||f(g(x)) - x||_F^2 + ||f(x) - x||_F^2, summed over an image, mean over the batch. -> scalar."""
    return reconstruction_loss(x, denoised) + reconstruction_loss(x, denoised_clear)


def perceptual_regularization(denoised: Tensor, transformed: Tensor) -> Tensor:
    """Eq. (6): ||f(T(x)) - T(x)||_F^2, summed over an image, mean over the batch; f is frozen. -> scalar."""
    return reconstruction_loss(transformed, denoised)


def local_enhancement_loss(
    enhanced: Tensor,
    source: Tensor,
    mask: Tensor,
    inside_enhanced: Features,
    inside_transformed: Features,
    betas: tuple[float, ...] = (0.1, 0.5, 1.0),
) -> Tensor:
    """Eq. (10): outside the mask E(T(x)) is the source, inside it has the features of T(x).

    The first term is the mean square over the pixels outside the mask; a sum would drown the second term.

    Args:
        enhanced: E(T(x)), (N, 3, H, W).
        source: x, (N, 3, H, W).
        mask: m, (N, 1, H, W), 1 where the attribute may change.
        inside_enhanced: features of m E(T(x)) by layer number; layer 0 is the pixels themselves.
        inside_transformed: likewise of m T(x).
        betas: weights of the layers 0, 1, 2 (section 5.1).

    Returns:
        Scalar.
    """
    _same_shape(enhanced, source)
    outside = (1 - mask).expand_as(source)
    kept = (outside * (enhanced - source).square()).sum() / outside.sum().clamp_min(1)
    layers = range(len(betas))
    terms = [betas[layer] * feature_loss(inside_transformed[layer], inside_enhanced[layer]) for layer in layers]
    return kept + torch.stack(terms).sum()


def global_enhancement_loss(enhanced: Tensor, x: Tensor) -> Tensor:
    """Eq. (11): ||E(B(x)) - x||_F^2, summed over an image, mean over the batch. (N, 3, H, W) twice -> scalar."""
    return reconstruction_loss(x, enhanced)


# ---- The release recipe. Each addition earns its place in docs/experiments.md by a figure.


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
