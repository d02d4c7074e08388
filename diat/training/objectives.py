"""What one step of T and of D minimises: the losses of `diat.training.losses`, put together as a run's settings say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from diat.data.batches import Batch
from diat.networks import AttributeDiscriminator, DenoisingNetwork, TransformNetwork
from diat.tensors import composite
from diat.training import losses
from diat.training.recipes import TransferConfig
from diat.training.vgg_face import VggFeatures


@dataclass(eq=False)
class TransferNetworks:
    """The networks of a run."""

    transform: TransformNetwork
    discriminator: AttributeDiscriminator
    vgg: VggFeatures | None = None  # phi, where the identity loss is Eq. (2)
    denoiser: DenoisingNetwork | None = None  # f, where Eq. (6) has a weight
    stages: tuple[Mapping[str, Any], ...] = ()  # the runs that T comes from, oldest first, as in a model's config.json


def transfer(transform: nn.Module, batch: Batch, config: TransferConfig) -> Tensor:
    """T(x), under the mask where the recipe says so."""
    transformed: Tensor = transform(batch.source)
    return composite(transformed, batch.source, batch.mask) if config.masked else transformed


def discriminator_loss(
    discriminator: nn.Module,
    batch: Batch,
    transformed: Tensor,
    config: TransferConfig,
    step: int,
    accelerator: Accelerator,
) -> tuple[Tensor, dict[str, Tensor]]:
    """Eq. (3) for D, with the recipe's third group and gradient penalty."""
    groups = [batch.guided, transformed] + ([batch.source] if config.three_groups else [])
    with accelerator.autocast():
        logits, _ = discriminator(torch.cat(groups))
    guided, fake, *source = logits.split(len(batch.guided))
    stats = {"D/guided": guided.sigmoid().mean(), "D/transformed": fake.sigmoid().mean()}
    if config.three_groups:
        loss = losses.three_group_loss(guided, fake, source[0])
        stats["D/source"] = source[0].sigmoid().mean()
    else:
        loss = losses.attribute_loss_discriminator(guided, fake)
    stats["D/loss"] = loss
    if config.penalty and step % config.penalty_every == 0:
        # In full precision, since the squared gradients of bf16 are noise; and by forward(), which is never compiled,
        # since compiled code has no second derivative.
        stats["D/penalty"] = losses.gradient_penalty(lambda images: discriminator.forward(images)[0], batch.guided)
        loss = loss + config.penalty * config.penalty_every * stats["D/penalty"]
    return loss, stats


def transform_loss(
    networks: TransferNetworks,
    batch: Batch,
    transformed: Tensor,
    config: TransferConfig,
    step: int,
    accelerator: Accelerator,
) -> tuple[Tensor, dict[str, Tensor]]:
    """Eq. (7) or (14) for T, with what the recipe adds."""
    discriminator, stats = networks.discriminator, {}
    discriminator.requires_grad_(False)  # neither loss of T updates D
    with accelerator.autocast():
        logits, features = discriminator(transformed)
        stats["T/attribute"] = losses.attribute_loss_transform(logits)
        if config.identity == "adaptive":
            with torch.no_grad():
                _, of_source = discriminator(batch.source)
            identity_loss = losses.scaled_identity_loss if config.scale_identity else losses.identity_loss
            stats["T/identity"] = identity_loss(features, of_source)
        elif config.identity == "vgg":
            if networks.vgg is None:
                raise ValueError("the identity loss of Eq. (2) needs frozen features")
            with torch.no_grad():
                of_source = networks.vgg(batch.source)
            stats["T/identity"] = losses.identity_loss(networks.vgg(transformed), of_source)
        if config.gamma:
            if networks.denoiser is None:
                raise ValueError("the regularisation of Eq. (6) needs a denoiser")
            stats["T/smooth"] = losses.perceptual_regularization(networks.denoiser(transformed), transformed)
        if config.lambda_keep and step % config.keep_every == 0:
            with kept_statistics(networks.transform):
                stats["T/keep"] = (networks.transform(batch.guided) - batch.guided).abs().mean()
    discriminator.requires_grad_(True)
    if batch.paired is not None:
        stats["T/pair"] = pair_loss(networks.transform, batch, transformed, config, accelerator)
    if config.lambda_pixel:
        stats["T/pixel"] = (transformed - batch.source).abs().mean()
    weights = {
        "T/attribute": config.lambda_attribute,
        "T/pair": config.lambda_pair,
        "T/identity": config.lambda_id,
        "T/smooth": config.gamma,
        "T/pixel": config.lambda_pixel,
        "T/keep": config.lambda_keep,
    }
    loss = torch.stack([weights[name] * value for name, value in stats.items()]).sum()
    return loss, {**stats, "T/loss": loss}


@contextmanager
def kept_statistics(network: nn.Module) -> Iterator[None]:
    """Leave the norms' running statistics alone: T is released with those of its inputs, on which it is run.

    Images that have the attribute already, and drawn pairs made of them, are normalised by their own batch all the
    same.
    """
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum


def pair_loss(
    transform: nn.Module, batch: Batch, transformed: Tensor, config: TransferConfig, accelerator: Accelerator
) -> Tensor:
    """How far T's results are from the targets of drawn pairs under the mask. -> scalar.

    The mean absolute difference, and that of neighbouring pixels' differences (Mathieu et al. 2016): rims of glasses
    and gaps between teeth are thin, and T(x) = x + r must take them away to the pixel.
    """
    paired = batch.paired
    if paired is None:
        raise ValueError("there are no pairs")
    if paired.source is not batch.source:
        with accelerator.autocast(), kept_statistics(transform):
            transformed = transfer(transform, replace(batch, source=paired.source, mask=paired.mask), config)
    error = paired.mask * (transformed - paired.target)
    edges = error.diff(dim=2).abs().sum() + error.diff(dim=3).abs().sum()
    return (error.abs().sum() + edges) / (3 * paired.mask.sum()).clamp_min(1)
