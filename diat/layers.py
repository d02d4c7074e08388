"""The tables of the paper's networks as data: layers, their order and their tensors' shapes, without torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from diat.align import CROP_SIZE
from diat.heads import HeadSet

ENHANCER_BLOCKS = 5  # residual blocks of the global E, which has T's architecture as section 3.1 counts it
BLUR_SIGMA = 1.8  # pixels; of B in Eq. (11), by section 5.1
BLUR_SIZE = 11  # pixels that B's window is wide: three standard deviations to either side


@dataclass(frozen=True)
class Layer:
    """One convolution and what follows it."""

    name: str
    inputs: int
    outputs: int
    kernel: int
    stride: int = 1
    padding: int = 0
    output_padding: int = 0
    transposed: bool = False
    norm: str = ""  # the batch norm after it; where there is one the convolution has no bias
    relu: bool = True

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        """Torch's layout: outputs first, for transposed convolutions inputs first."""
        channels = (self.inputs, self.outputs) if self.transposed else (self.outputs, self.inputs)
        return (*channels, self.kernel, self.kernel)


_ENCODER = (
    Layer("conv1", 3, 32, 9, padding=4, norm="norm1"),
    Layer("conv2", 32, 64, 3, stride=2, padding=1, norm="norm2"),
    Layer("conv3", 64, 128, 3, stride=2, padding=1, norm="norm3"),
)
_BLOCK = (
    Layer("conv1", 128, 128, 3, padding=1, norm="norm1"),
    Layer("conv2", 128, 128, 3, padding=1, norm="norm2", relu=False),
)
_DECODER = (
    Layer("deconv1", 128, 64, 3, stride=2, padding=1, output_padding=1, transposed=True, norm="norm4"),
    Layer("deconv2", 64, 32, 3, stride=2, padding=1, transposed=True, norm="norm5"),
    Layer("deconv3", 32, 3, 10, padding=4, transposed=True, relu=False),
)
_LOCAL = (
    Layer("conv1", 6, 64, 3, padding=1),
    Layer("conv2", 64, 64, 3, padding=1),
    Layer("conv3", 64, 64, 3, padding=1),
    Layer("conv4", 64, 3, 3, padding=1, relu=False),
)


def transform_layers(n_blocks: int, prefix: str = "") -> list[Layer]:
    """The layers of Table 1 in order, named as in the weights."""
    blocks = [replace(part, name=f"blocks.{i}.{part.name}", norm=f"blocks.{i}.{part.norm}")
              for i in range(n_blocks) for part in _BLOCK]  # fmt: skip
    return [_prefixed(layer, prefix) for layer in (*_ENCODER, *blocks, *_DECODER)]


def local_layers(prefix: str) -> list[Layer]:
    """The layers of the local enhancement network."""
    return [_prefixed(layer, prefix) for layer in _LOCAL]


def expected_shapes(n_blocks: int, enhancer: str, enhancer_prefix: str) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the tensors that a model's file holds."""
    layers = transform_layers(n_blocks)
    if enhancer == "local":
        layers += local_layers(enhancer_prefix)
    elif enhancer == "global":
        layers += transform_layers(ENHANCER_BLOCKS, enhancer_prefix)
    return _shapes(layers)


UP_CHANNELS = 64  # between the two enlargements of the network with heads
PAINT_CHANNELS = 96  # likewise in the decoder that some maps have of their own
# Channels at a half, a quarter and an eighth, between the enlargements, and residual blocks of the parts' own layers.
PARTS_WIDTHS, PARTS_UP_CHANNELS, PARTS_BLOCKS = (32, 64, 96), 48, 2
# Tensors of a file that are no layers, by name: see `diat.native.prototypes`.
PROTOTYPES = {"prototypes.difference": (CROP_SIZE, CROP_SIZE, 3), "prototypes.points": (68, 2)}


def field_layers(heads: HeadSet) -> dict[str, Layer]:
    """The convolutions of `diat.field_network.FieldNetwork` by their place, named as in the weights."""
    plan = {
        **_encoder_decoder_plan("", heads.widths, UP_CHANNELS, heads.blocks),
        **(_encoder_decoder_plan("parts.", PARTS_WIDTHS, PARTS_UP_CHANNELS, PARTS_BLOCKS) if heads.own_parts else {}),
        **(_paint_plan(heads) if heads.own_maps else {}),
        **{f"gate.{part}": row for part, row in enumerate(gate_plan(heads)) if heads.own_gate},
    }
    layers = {
        name: Layer(f"{name}.conv", inputs, outputs, 3, stride, padding=1, norm=f"{name}.norm")
        for name, (inputs, outputs, stride) in plan.items()
    }
    shared = heads.shared_maps
    for name, inputs, count in (
        ("maps", heads.widths[0], shared.stop - shared.start),
        ("parts.maps", PARTS_WIDTHS[0], shared.start),
        ("paint.maps", heads.widths[0], heads.own_maps),
    ):
        if count:
            layers[name] = Layer(name, inputs, count, 3, padding=1, relu=False)
    return layers


def _encoder_decoder_plan(
    prefix: str, widths: tuple[int, int, int], up: int, blocks: int
) -> dict[str, tuple[int, int, int]]:
    half, quarter, eighth = widths
    plan = {
        "stem": (12, half, 1),
        "down1": (half, quarter, 2),
        "down2": (quarter, eighth, 2),
        **{f"blocks.{block}.{part}": (eighth, eighth, 1) for block in range(blocks) for part in range(2)},
        "up1": (eighth + quarter, up, 1),
        "up2": (up + half, half, 1),
    }
    return {prefix + name: row for name, row in plan.items()}


def gate_plan(heads: HeadSet) -> list[tuple[int, int, int]]:
    """Inputs, outputs and strides of a gate with layers of its own, which sees what the network sees."""
    half, quarter, eighth = heads.widths
    return [(12, half, 1), (half, quarter, 2), (quarter, eighth, 2), (eighth, eighth, 1), (eighth, eighth, 2)]


def _paint_plan(heads: HeadSet) -> dict[str, tuple[int, int, int]]:
    half, quarter, eighth = heads.widths
    blocks = {f"paint.block.{part}": (eighth, eighth, 1) for part in range(2)}
    return {
        **blocks,
        "paint.up1": (eighth + quarter, PAINT_CHANNELS, 1),
        "paint.up2": (PAINT_CHANNELS + half, half, 1),
    }


def field_shapes(heads: HeadSet) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the tensors in the file of a model with heads."""
    scalars, width = len(heads.scalars) - heads.own_gate, heads.widths[2]
    shapes: dict[str, tuple[int, ...]] = {"scalars.weight": (scalars, width), "scalars.bias": (scalars,)}
    if heads.own_gate:
        shapes |= {"gate_scalar.weight": (1, width), "gate_scalar.bias": (1,)}
    if heads.prototypes:
        shapes |= PROTOTYPES
    return {**_shapes(field_layers(heads).values()), **shapes}


def _shapes(layers: Iterable[Layer]) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    for layer in layers:
        shapes[f"{layer.name}.weight"] = layer.weight_shape
        if layer.norm:
            shapes |= {f"{layer.norm}.{p}": (layer.outputs,) for p in ("weight", "bias", "running_mean", "running_var")}
        else:
            shapes[f"{layer.name}.bias"] = (layer.outputs,)
    return shapes


def _prefixed(layer: Layer, prefix: str) -> Layer:
    return replace(layer, name=prefix + layer.name, norm=prefix + layer.norm if layer.norm else "")
