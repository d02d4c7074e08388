"""Semantic inpainting, the paper's second baseline [40]: what is under the glasses, looked for in a GAN's latent space.

Yeh et al. 2017, "Semantic Image Inpainting with Deep Generative Models" (arXiv 1607.07539, whose first version the
paper cites). The region of the glasses is cut out by the mask of section 3.2; gradient descent looks for the z that
minimises

    contextual: the absolute difference of G(z) from the rest of the face, where a pixel counts the more, the more of
    the pixels around it are missing, plus
    prior: log(1 - D(G(z))),

and G(z) is set into the hole by Poisson blending (Perez et al. 2003, OpenCV's).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from diat.baselines.dcgan import Discriminator, Generator, random_latents
from diat.pixels import F32, U8

WINDOW = 7  # pixels of the square in which missing neighbours are counted, as published
HOLE = 0.05  # of the soft mask: above it a pixel is missing


@dataclass(frozen=True)
class InpaintingSettings:
    """How z is looked for; the published numbers, but for the iterations and the starts."""

    iterations: int = 500  # of Adam; published: 1,500
    learning_rate: float = 0.03  # of z
    prior_weight: float = 0.003  # lambda
    starts: int = 4  # points from which the search begins; the best one counts


def context_weights(hole: F32) -> F32:
    """How much each pixel that is there counts: by the share of missing ones in the window around it.

    Args:
        hole: (S, S), 1 where a pixel is missing.

    Returns:
        (S, S), 0 in the hole.
    """
    missing = cv2.blur(hole.astype(np.float32), (WINDOW, WINDOW), borderType=cv2.BORDER_CONSTANT)
    weights: F32 = (missing * (1 - hole)).astype(np.float32)
    return weights


def search(
    source: Tensor, weights: Tensor, generator: Generator, discriminator: Discriminator,
    settings: InpaintingSettings, seed: int = 0,
) -> tuple[Tensor, list[float]]:  # fmt: skip
    """The face of the prior that fits what is there.

    Args:
        source: the face, (1, 3, 64, 64) in [-1, 1].
        weights: (1, 1, 64, 64), from `context_weights`.
        generator: G, frozen.
        discriminator: D, frozen.
        settings: see `InpaintingSettings`.
        seed: of the points from which the search begins.

    Returns:
        G(z), (1, 3, 64, 64), and the best start's loss at every iteration.
    """
    z = random_latents(settings.starts, torch.Generator().manual_seed(seed)).to(source.device).requires_grad_(True)
    optimizer = torch.optim.Adam([z], settings.learning_rate)
    history = []
    for _ in range(settings.iterations):
        optimizer.zero_grad(set_to_none=True)
        each = losses(generator(z), source, weights, discriminator, settings)
        each.sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        with torch.no_grad():
            z.clamp_(-1, 1)  # where z was drawn from
        history.append(each.min().item())
    with torch.no_grad():
        made = generator(z)
        best = losses(made, source, weights, discriminator, settings).argmin()
    return made[best : best + 1], history


def losses(
    made: Tensor, source: Tensor, weights: Tensor, discriminator: Discriminator, settings: InpaintingSettings
) -> Tensor:
    """The contextual and the prior loss of each candidate. made: (N, 3, 64, 64) -> (N,)."""
    context = (weights * (made - source).abs()).flatten(1).sum(1)
    prior = -F.softplus(discriminator(made))  # log(1 - D(G(z)))
    return context + settings.prior_weight * prior


def blend(source: U8, made: U8, hole: F32) -> U8:
    """Set a picture into the hole of another so that its gradients stay and its border fits.

    Args:
        source: (S, S, 3).
        made: likewise.
        hole: (S, S), 1 where `made` goes.
    """
    inside = (hole > 0).astype(np.uint8)
    inside[[0, -1]], inside[:, [0, -1]] = 0, 0  # the border must be there to be fitted to
    if not inside.any():
        return source
    # OpenCV lays the mask's bounding box about a centre: given that box's own, nothing moves.
    left, top, width, height = cv2.boundingRect(inside * 255)
    centre = (left + width // 2, top + height // 2)
    return np.asarray(cv2.seamlessClone(made, source, inside * 255, centre, cv2.NORMAL_CLONE), np.uint8)
