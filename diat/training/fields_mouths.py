"""What the networks that shut and open mouths learn: fields that are known, and the picture that they give."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from diat.data.mouth_windows import MouthBatches
from diat.heads import HeadSet
from diat.training.fields import IMAGE

FIELDS, ACROSS, PICTURE, GATE = 1.5, 8.0, 2.0, 0.1  # weights of the losses; "across" is -1..1, the rest template pixels
SOFTNESS = 0.25  # of edges in the losses' picture, template pixels


class MouthTask:
    """`diat.training.fields.FieldTask` of ``mouth_close`` and ``mouth_open``."""

    def __init__(self, batches: MouthBatches) -> None:
        self.batches = batches
        scales = [ACROSS if name == "across" else 1.0 for name in batches.heads.maps]
        self._costs = FIELDS * torch.tensor(scales).view(1, -1, 1, 1)

    def identity(self) -> Mapping[str, Any]:
        """See `FieldTask`."""
        return {"pack": self.batches.pack.digest, "faces": len(self.batches.lacking), "seed": self.batches.seed}

    def batch(self, step: int) -> Mapping[str, Tensor]:
        """See `FieldTask`: fields (N, C, H/2, W/2), weight (N, 1, H/2, W/2) and needed (N,) beside the image."""
        made = self.batches(step)
        return {
            IMAGE: torch.from_numpy(made.image).permute(0, 3, 1, 2) / 127.5 - 1,
            "fields": torch.from_numpy(made.fields),
            "weight": torch.from_numpy(made.weight)[:, None],
            "needed": torch.from_numpy(made.needed),
        }

    def losses(self, maps: Tensor, scalars: Tensor, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """See `FieldTask`."""
        weight, picture = batch["weight"], batch[IMAGE]
        error = (maps - batch["fields"]).abs() * self._costs.to(maps.device)
        with torch.no_grad():
            wanted = composed(self.batches.heads, batch["fields"], picture)
        fine = F.interpolate(weight, size=picture.shape[2:], mode="bilinear", align_corners=False)
        difference = (composed(self.batches.heads, maps, picture) - wanted) * fine
        edges = (difference[..., 1:, :] - difference[..., :-1, :]).abs().mean()
        return {
            "fields": (error * weight).mean(),
            "picture": PICTURE * (difference.abs().mean() + edges),
            "gate": GATE * F.binary_cross_entropy_with_logits(scalars[:, 0], batch["needed"]),
        }


def composed(heads: HeadSet, maps: Tensor, picture: Tensor) -> Tensor:
    """The mouth that fields make, as `diat.native.mouths` does, but with stripes for teeth.

    Args:
        maps: (N, C, H/2, W/2) in template units.
        picture: (N, 3, H, W) in -1..1.

    Returns:
        (N, 3, H, W).
    """
    fine = F.interpolate(maps, size=picture.shape[2:], mode="bilinear", align_corners=False)
    field = {name: fine[:, place : place + 1] for place, name in enumerate(heads.maps)}
    per_unit = heads.size / 128
    upper, lower = (
        _moved(picture, torch.cat([field[f"{layer}_dx"], field[f"{layer}_dy"]], 1) * per_unit)
        for layer in ("upper", "lower")
    )
    if "seam" in field:
        above = torch.sigmoid(field["seam"] / SOFTNESS)
        return above * upper + (1 - above) * lower
    on_upper, on_lower = (torch.sigmoid(field[f"{lip}_edge"] / SOFTNESS) for lip in ("upper", "lower"))
    stripes = 0.3 * torch.cos(6 * math.pi * field["across"].clamp(-1, 1)) - 0.6
    return on_upper * upper + on_lower * lower + (1 - on_upper - on_lower).clamp(min=0) * stripes


def _moved(picture: Tensor, flow: Tensor) -> Tensor:
    """Pixels taken from where a flow, (N, 2, H, W) in pixels, points."""
    height, width = picture.shape[2:]
    rows, columns = torch.meshgrid(
        torch.arange(height, device=flow.device), torch.arange(width, device=flow.device), indexing="ij"
    )
    x, y = (columns + flow[:, 0]) * (2 / (width - 1)) - 1, (rows + flow[:, 1]) * (2 / (height - 1)) - 1
    return F.grid_sample(picture, torch.stack([x, y], -1), padding_mode="border", align_corners=True)
