"""What the network that takes glasses off learns: fields that are known exactly, and the face that they give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from diat.data.fields_glasses import HEAD_SET, GlassesBatches
from diat.training.fields import IMAGE

ALPHA, GAIN = HEAD_SET.maps.index("alpha"), HEAD_SET.maps.index("gain")
FILL = [HEAD_SET.maps.index(name) for name in ("red", "green", "blue")]
GLOW = [HEAD_SET.maps.index(f"glow_{name}") for name in ("red", "green", "blue")]
REACH = 9  # pixels: the fill is learnt this far around what it replaces, where it is to meet the photograph


def clean_face(maps: Tensor, picture: Tensor) -> tuple[Tensor, Tensor]:
    """The face without glasses that fields say, as `diat.native.glasses` makes it but for healing and grain.

    Args:
        maps: (N, C, H/2, W/2), `HEAD_SET`'s.
        picture: (N, 3, H, W) in 0..1.

    Returns:
        (N, 3, H, W) in units of white, not clipped, and the logit of what is replaced, (N, 1, H, W).
    """
    fine = F.interpolate(maps, scale_factor=2.0, mode="bilinear", align_corners=False)
    logit = fine[:, ALPHA : ALPHA + 1]
    alpha = torch.sigmoid(logit)
    undone = (1 + fine[:, GAIN : GAIN + 1]) * picture + fine[:, GLOW]
    return (1 - alpha) * undone + alpha * fine[:, FILL], logit


class GlassesTask:
    """`diat.training.fields.FieldTask` of ``eyeglasses_remove``."""

    def __init__(self, batches: GlassesBatches) -> None:
        self.batches = batches

    def identity(self) -> Mapping[str, Any]:
        """See `FieldTask`."""
        return {"pack": self.batches.pack.digest, "borrowed": self.batches.borrowed is not None}

    def batch(self, step: int) -> Mapping[str, Tensor]:
        """See `FieldTask`."""
        made = self.batches(step)
        images = {
            name: torch.from_numpy(getattr(made, name)).permute(0, 3, 1, 2) for name in ("picture", "behind", "glow")
        }
        picture = images["picture"].float() / 255
        return {
            IMAGE: picture * 2 - 1,
            "picture": picture,
            "behind": images["behind"].float() / 255,
            "hidden": torch.from_numpy(made.hidden)[:, None],
            "gain": torch.from_numpy(made.gain)[:, None],
            "glow": images["glow"].float() / 255,
            "needed": torch.from_numpy(made.needed),
            "known": torch.from_numpy(made.known)[:, None, None, None],
        }

    def losses(self, maps: Tensor, scalars: Tensor, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """See `FieldTask`."""
        known, hidden, behind = batch["known"], batch["hidden"], batch["behind"]
        made, logit = clean_face(maps, batch["picture"])
        covered = _grown(hidden, 3)  # a rim must go to its last pixel
        wide = _grown(hidden, REACH)
        alpha = F.binary_cross_entropy_with_logits(logit, covered, reduction="none")
        small, near = F.avg_pool2d(behind, 2), F.max_pool2d(wide, 2)
        fill = maps[:, FILL]
        undone = 1 - hidden
        share = F.avg_pool2d(undone, 2).clamp_min(0.05)
        gain, glow = (F.avg_pool2d(batch[name] * undone, 2) / share for name in ("gain", "glow"))
        left = (1 - F.max_pool2d(covered, 2)) * known
        error = (made - behind) * known
        tint = (left * (maps[:, GAIN : GAIN + 1] - gain).abs()).mean() + (left * (maps[:, GLOW] - glow).abs()).mean()
        return {
            "alpha": (alpha * known).mean(),
            "fill": 4 * ((near + 0.1) * known * (fill - small).abs()).mean() + 2 * _edges(fill * near - small * near),
            "tint": 4 * tint,
            "face": 8 * ((1 + 3 * wide) * error.abs()).mean() + 12 * _edges(error),
            "gate": 0.15 * F.binary_cross_entropy_with_logits(scalars[:, 0], batch["needed"]),
        }


def _grown(mask: Tensor, side: int) -> Tensor:
    """The largest value in a square around each pixel."""
    return F.max_pool2d(mask, side, 1, side // 2)


def _edges(image: Tensor) -> Tensor:
    """Mean absolute difference of neighbouring pixels, across and down."""
    across = (image[..., 1:] - image[..., :-1]).abs().mean()
    return across + (image[..., 1:, :] - image[..., :-1, :]).abs().mean()
