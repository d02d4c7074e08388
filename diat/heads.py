"""What the networks with heads see of a face and say about it: one row of `HEADS` per kind, no torch.

Such a network does not draw the result. It says how to change the photograph (flows, signed distances, gains, alphas),
and `diat.native` changes the photograph's own pixels. Lengths are in template units, 1/128 of the aligned crop's side,
so that they mean the same at every size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from diat.align import CROP_SIZE
from diat.pixels import F32

RGB = "rgb"  # of diat.models.ModelConfig.heads: the paper's T, which draws the result
GATE = "gate"  # the scalar that every kind has
STRIDE = 8  # the network halves its input three times, once of these by taking 2x2 pixels as channels

PARTS = ("other", "skin", "hair", "brow", "eye", "mouth", "neck")
PART_MAPS = tuple(f"part_{name}" for name in PARTS)  # logits


@dataclass(frozen=True)
class HeadSet:
    """One kind of network with heads.

    ``maps`` come one channel each at half the input's resolution, ``scalars`` from an average over the whole input.
    """

    window: tuple[int, int, int, int]  # what it sees: left, top, right, bottom in template units
    size: int  # side in pixels of the aligned crop that the window is cut from
    maps: tuple[str, ...]
    scales: tuple[float, ...]  # usual size of each map, by which the last layer's output is multiplied
    scalars: tuple[str, ...] = (GATE,)  # `gate` is the logit of "the face lacks the attribute, so an edit is needed"
    widths: tuple[int, int, int] = (48, 96, 128)  # channels at a half, a quarter and an eighth of the input
    blocks: int = 2  # residual blocks at an eighth: how far a pixel sees
    # Whether the gate, which then comes first, has layers of its own from the image on: an average of what fields are
    # made of tells an open mouth from a shut one, but hardly an age.
    own_gate: bool = False
    # How many of the last maps have a decoder of their own: what is learnt after the rest, which is to stay as it is.
    own_maps: int = 0
    # Whether the first maps, those of `PARTS`, have layers of their own, from the image on: where skin and hair are is
    # the same whatever is changed, and is learnt from other faces.
    own_parts: bool = False
    # Whether its file also holds what the prototypes of those with and without the attribute differ by
    # (`diat.native.prototypes`), zeros where nobody made them.
    prototypes: bool = False

    def __post_init__(self) -> None:
        """Raises ValueError: the row contradicts itself."""
        if len(self.maps) != len(self.scales) or GATE not in self.scalars[: 1 if self.own_gate else None]:
            raise ValueError(f"every map needs a scale, and the scalars a gate: {self}")
        if self.own_parts and self.maps[: len(PARTS)] != PART_MAPS:
            raise ValueError(f"the parts come first: {self}")
        if any(side * self.size % (STRIDE * CROP_SIZE) for side in self.window):
            raise ValueError(f"the window's sides must be multiples of {STRIDE} pixels at {self.size}: {self.window}")

    @property
    def shared_maps(self) -> slice:
        """The places of the maps whose layers all that has none of its own shares."""
        return slice(len(PARTS) if self.own_parts else 0, len(self.maps) - self.own_maps)

    @property
    def input_shape(self) -> tuple[int, int]:
        """Height and width in pixels of what the network sees."""
        left, top, right, bottom = (side * self.size // CROP_SIZE for side in self.window)
        return bottom - top, right - left

    @property
    def map_shape(self) -> tuple[int, int]:
        """Height and width of the maps."""
        height, width = self.input_shape
        return height // 2, width // 2


@dataclass(frozen=True, eq=False)
class Fields:
    """What a network with heads says of one face."""

    heads: HeadSet
    maps: F32  # (h, w, C), channels in the order of ``heads.maps``
    scalars: F32  # (S,)

    @property
    def named_maps(self) -> dict[str, F32]:
        """Each map, (h, w), by its name."""
        return {name: self.maps[..., channel] for channel, name in enumerate(self.heads.maps)}

    @property
    def named_scalars(self) -> dict[str, float]:
        """Each scalar by its name."""
        return dict(zip(self.heads.scalars, self.scalars.tolist(), strict=True))

    @property
    def needed(self) -> float:
        """Probability that the face lacks the attribute, so that an edit is needed."""
        return 1 / (1 + math.exp(-min(max(self.named_scalars[GATE], -30.0), 30.0)))


_MOUTH_FLOWS = ("upper_dx", "upper_dy", "lower_dx", "lower_dy")  # of the layers above and below the seam

HEADS: dict[str, HeadSet] = {
    "mouth_close": HeadSet(
        window=(32, 64, 96, 128),
        size=192,
        maps=(*_MOUTH_FLOWS, "seam"),  # signed distance of the seam between the layers, positive above
        scales=(10.0,) * 5,
    ),
    "mouth_open": HeadSet(
        window=(32, 64, 96, 128),
        size=192,
        # signed distances to the lips' inner edges, positive on the lip, and the place across the mouth, -1..1
        maps=(*_MOUTH_FLOWS, "upper_edge", "lower_edge", "across"),
        scales=(10.0,) * 6 + (1.0,),
    ),
    "eyeglasses": HeadSet(
        window=(16, 32, 112, 96),
        size=256,
        # the logit of what must be replaced, the colour behind it, and what undoes tints and shadows: gain and glow,
        # colours in units of white (`diat.native.glasses`)
        maps=("alpha", "red", "green", "blue", "gain", "glow_red", "glow_green", "glow_blue"),
        scales=(4.0, 1.0, 1.0, 1.0, 0.5, 0.3, 0.3, 0.3),
        blocks=3,  # the middle of a dark lens is far from skin
    ),
    "skin": HeadSet(
        window=(0, 0, 128, 128),
        size=80,
        # flow in template units, bias of the skin in CIELAB, log limits of four bands, fill in CIELAB against the
        # cheeks, the logits of hair to be replaced (of a beard, and of the brows' lower and outer parts), and paint in
        # CIELAB, over eyes, brows and lips too
        maps=(*PART_MAPS, "dx", "dy", "bias_l", "bias_a", "bias_b", "limit_1", "limit_2", "limit_3", "limit_4",
              "fill_l", "fill_a", "fill_b", "alpha", "brow_alpha", "paint_l", "paint_a", "paint_b"),
        scales=(3.0,) * 7 + (1.5,) * 2 + (4.0,) * 3 + (0.4,) * 4 + (6.0,) * 3 + (3.0,) * 2 + (4.0,) * 3,
        scalars=(GATE, "grey_hair", "beard", "lips_l", "lips_a", "lips_b", "brows_l", "brows_a", "brows_b"),
        own_gate=True,
        own_maps=3,  # the paint
        own_parts=True,
        prototypes=True,
    ),
}  # fmt: skip
