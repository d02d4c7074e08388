"""Critics: classifiers of attributes whose word on a picture is a loss, and the pictures as they are shown to them.

They are not the judge that reports (`diat.evaluation`), though a classifier of the same kind: narrower, trained on as
many faces of either kind (most photographs are of the young), and half of the time shown the face alone, or hair would
be all that they look at (`train/attribute_classifier.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diat.attributes import COLUMNS, AttributeSpec

# The face in the aligned crop, chin and half of the forehead included: middle and half axes as shares of its side.
OVAL_MIDDLE, OVAL_AXES = (0.5, 0.625), (0.25, 0.31)
OVAL_EDGE = 12.0  # steepness of its soft edge
ZOOM = (0.92, 1.08)  # a picture's part that is shown, as the judge is trained
VIEWS = 2  # of each picture that a critic is asked about


def augmented(images: Tensor, rng: torch.Generator, zoom: tuple[float, float] = ZOOM, hide: float = 0.0) -> Tensor:
    """Mirror, turn, shift, brightness, contrast, saturation and one erased square, per image. Differentiable.

    Args:
        images: (N, 3, S, S) in [-1, 1].
        rng: what is drawn from.
        zoom: smallest and largest share of the side that is shown.
        hide: how many of the pictures show the face alone, hair and background being hidden behind noise.
    """
    n, _, size, _ = images.shape

    def uniform(low: float, high: float) -> Tensor:
        return (torch.rand(n, 1, 1, 1, generator=rng) * (high - low) + low).to(images.device)

    angle, scale = uniform(-0.12, 0.12).flatten(), uniform(*zoom).flatten()
    mirror = torch.where(torch.rand(n, generator=rng) < 0.5, -1.0, 1.0).to(images.device)
    shift = ((torch.rand(n, 2, generator=rng) - 0.5) * 0.12).to(images.device)
    if hide:
        images = _face_alone(images, rng, hide)
    theta = torch.stack(
        [
            torch.stack([mirror * scale * angle.cos(), -scale * angle.sin(), shift[:, 0]], 1),
            torch.stack([mirror * scale * angle.sin(), scale * angle.cos(), shift[:, 1]], 1),
        ],
        1,
    )
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    images = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
    grey = images.mean(1, keepdim=True)
    images = grey + (images - grey) * uniform(0.7, 1.3)
    images = images * uniform(0.75, 1.25) + uniform(-0.2, 0.2)
    side = size // 5
    shown = torch.ones(n, 1, size, size)
    for one, (top, left) in zip(shown, torch.randint(0, size - side, (n, 2), generator=rng).tolist(), strict=True):
        one[:, top : top + side, left : left + side] = 0
    return (images * shown.to(images.device)).clamp(-1, 1)


def _face_alone(images: Tensor, rng: torch.Generator, share: float) -> Tensor:
    n, _, size, _ = images.shape
    steps = (torch.arange(size) + 0.5) / size
    across, down = (((steps - middle) / axis) ** 2 for middle, axis in zip(OVAL_MIDDLE, OVAL_AXES, strict=True))
    grown = 0.85 + 0.3 * torch.rand(n, 1, 1, generator=rng)
    face = torch.sigmoid((1.15 - grown * (down[:, None] + across)) * OVAL_EDGE)[:, None]
    shown = torch.where(torch.rand(n, 1, 1, 1, generator=rng) < share, face, 1.0)
    colour = torch.rand(n, 3, 1, 1, generator=rng) * 2 - 1
    noise = F.interpolate(0.4 * torch.randn(n, 3, 8, 8, generator=rng), size=(size, size), mode="bilinear")
    instead = (colour + noise).clamp(-1, 1) * (1 - shown)
    return images * shown.to(images.device) + instead.to(images.device)


class Critics(nn.Module):
    """How far critics are from taking pictures for ones with an attribute.

    Args:
        classifiers: each (N, 3, 128, 128) in [-1, 1] -> (N, 40) logits. They are frozen.
        spec: the attribute.
    """

    MARGIN = 1.0  # logit that a picture is to reach

    def __init__(self, classifiers: Sequence[nn.Module], spec: AttributeSpec) -> None:
        super().__init__()
        self.classifiers = nn.ModuleList(classifiers).eval().requires_grad_(False)
        self._column, self._sign = COLUMNS.index(spec.column), 1.0 if spec.wanted else -1.0

    def logits(self, images: Tensor, rng: torch.Generator) -> Tensor:
        """What each critic says of each picture, seen in `VIEWS` ways: high with the attribute. -> (critics, N)."""
        return (
            torch.stack(
                [
                    torch.stack(
                        [critic(augmented(images, rng, (0.7, 1.0), 0.5))[:, self._column] for _ in range(VIEWS)]
                    )
                    for critic in self.classifiers
                ]
            ).mean(1)
            * self._sign
        )

    def forward(self, images: Tensor, rng: torch.Generator) -> Tensor:
        """(N, 3, 128, 128) in [-1, 1] -> the loss, a scalar."""
        return F.softplus(self.MARGIN - self.logits(images, rng)).mean()
