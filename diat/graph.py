"""T and E as ONNX graphs, built from the weights alone: norms folded into the convolutions, no torch needed.

`LAYERS_*` describe the same networks as diat.networks; a test holds them together. A graph takes crops as they are,
(N, S, S, 3) uint8, and gives the change in units of 0..255, (N, S, S, 3) float.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
EPSILON = 1e-5  # of torch's BatchNorm2d
OPSET = 17


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
        layers += transform_layers(5, enhancer_prefix)
    shapes: dict[str, tuple[int, ...]] = {}
    for layer in layers:
        shapes[f"{layer.name}.weight"] = layer.weight_shape
        if layer.norm:
            shapes |= {f"{layer.norm}.{p}": (layer.outputs,) for p in ("weight", "bias", "running_mean", "running_var")}
        else:
            shapes[f"{layer.name}.bias"] = (layer.outputs,)
    return shapes


def fold(layer: Layer, weights: Mapping[str, F32]) -> tuple[F32, F32]:
    """Weight and bias of a convolution that does what it and its norm do."""
    weight = weights[f"{layer.name}.weight"].astype(np.float32)
    if not layer.norm:
        return weight, weights[f"{layer.name}.bias"].astype(np.float32)
    gamma, beta, mean, variance = (
        weights[f"{layer.norm}.{part}"].astype(np.float64) for part in ("weight", "bias", "running_mean", "running_var")
    )
    scale = gamma / np.sqrt(variance + EPSILON)
    shape = (1, -1, 1, 1) if layer.transposed else (-1, 1, 1, 1)
    return (weight * scale.reshape(shape)).astype(np.float32), (beta - mean * scale).astype(np.float32)


def build(
    weights: Mapping[str, F32], n_blocks: int, residual: bool, enhancer: str, enhancer_prefix: str, strength: float
) -> bytes:
    """The serialised ONNX model of T and, where there is one, E. See diat.models.ModelConfig for the arguments."""
    from onnx import TensorProto, helper

    graph = _Graph(weights)
    x = graph.add("Transpose", graph.add("Cast", "crops", to=TensorProto.FLOAT), perm=[0, 3, 1, 2])
    x = graph.add("Sub", graph.add("Div", x, graph.scalar(127.5)), graph.scalar(1.0))
    transformed = _transform(graph, x, transform_layers(n_blocks), residual)
    if enhancer == "local":
        y = graph.add("Concat", x, transformed, axis=1)
        for layer in local_layers(enhancer_prefix):
            y = graph.convolve(y, layer)
        transformed = graph.clamp(graph.add("Add", transformed, y))
    elif enhancer == "global":
        transformed = _transform(graph, graph.blur(transformed), transform_layers(5, enhancer_prefix), residual=False)
    change = graph.add("Mul", graph.add("Sub", transformed, x), graph.scalar(127.5 * strength))
    graph.nodes.append(helper.make_node("Transpose", [change], ["change"], perm=[0, 2, 3, 1]))
    shape: list[str | int | None] = ["n", "height", "width", 3]
    made = helper.make_graph(
        graph.nodes,
        "diat",
        [helper.make_tensor_value_info("crops", TensorProto.UINT8, shape)],
        [helper.make_tensor_value_info("change", TensorProto.FLOAT, shape)],
        graph.constants,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    serialised: bytes = model.SerializeToString()
    return serialised


def _transform(graph: _Graph, x: str, layers: list[Layer], residual: bool) -> str:
    y, skip = x, ""
    for layer in layers:
        if layer.name.endswith("conv1") and "blocks." in layer.name:
            skip = y
        y = graph.convolve(y, layer)
        if layer.name.endswith("conv2") and "blocks." in layer.name:
            y = graph.add("Add", skip, y)
    change = graph.add("Tanh", y)
    if not residual:
        return change
    return graph.clamp(graph.add("Add", x, graph.add("Mul", change, graph.scalar(2.0))))


def _prefixed(layer: Layer, prefix: str) -> Layer:
    return replace(layer, name=prefix + layer.name, norm=prefix + layer.norm if layer.norm else "")


class _Graph:
    """Nodes and constants of a graph under construction; values are called v0, v1, ..."""

    def __init__(self, weights: Mapping[str, F32]) -> None:
        self.weights = weights
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        from onnx import helper

        output = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [output], **attributes))
        return output

    def constant(self, array: NDArray[Any]) -> str:
        from onnx import numpy_helper

        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def scalar(self, value: float) -> str:
        return self.constant(np.array(value, np.float32))

    def clamp(self, x: str) -> str:
        return self.add("Clip", x, self.scalar(-1.0), self.scalar(1.0))

    def convolve(self, x: str, layer: Layer) -> str:
        weight, bias = fold(layer, self.weights)
        attributes: dict[str, Any] = {"strides": [layer.stride] * 2, "pads": [layer.padding] * 4}
        if layer.transposed:
            attributes["output_padding"] = [layer.output_padding] * 2
        operator = "ConvTranspose" if layer.transposed else "Conv"
        y = self.add(operator, x, self.constant(weight), self.constant(bias), **attributes)
        return self.add("Relu", y) if layer.relu else y

    def blur(self, x: str, sigma: float = 1.8, size: int = 11) -> str:
        places = np.arange(size, dtype=np.float32) - (size - 1) / 2
        line = np.exp(-(places**2) / (2 * sigma**2)).astype(np.float32)
        line /= line.sum()
        half = size // 2
        padding = self.constant(np.array([0, 0, half, half, 0, 0, half, half], np.int64))
        y = self.add("Pad", x, padding, mode="reflect")
        y = self.add("Conv", y, self.constant(np.tile(line, (3, 1, 1, 1)).reshape(3, 1, 1, size)), group=3)
        return self.add("Conv", y, self.constant(np.tile(line, (3, 1, 1, 1)).reshape(3, 1, size, 1)), group=3)
