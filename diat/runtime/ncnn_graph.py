"""Networks as ncnn graphs, built from the weights alone: norms folded into the convolutions, no torch needed.

`diat.layers` describes the same networks as the torch classes; a test holds them together. A graph takes an image,
(3, H, W) float in [-1, 1], as the blob `INPUT`, and T gives the transformed one as `OUTPUT`. Networks with heads are in
`diat.runtime.ncnn_fields`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from diat.layers import BLUR_SIGMA, BLUR_SIZE, ENHANCER_BLOCKS, Layer, local_layers, transform_layers

F32 = NDArray[np.float32]
EPSILON = 1e-5  # of torch's BatchNorm2d
INPUT, OUTPUT = "image", "transformed"
# ncnn's text format numbers the parameters of each kind of layer (https://github.com/Tencent/ncnn/wiki/operators).
PARAMETERS: dict[str, dict[str, int]] = {
    "BinaryOp": {"operation": 0, "with_scalar": 1, "scalar": 2},
    "Clip": {"low": 0, "high": 1},
    "Concat": {"axis": 0},
    "Convolution": {"outputs": 0, "kernel": 1, "stride": 3, "left": 4, "top": 14, "right": 15, "bottom": 16,
                    "with_bias": 5, "weights": 6, "relu": 9},
    "ConvolutionDepthWise": {"outputs": 0, "width": 1, "height": 11, "with_bias": 5, "weights": 6, "groups": 7},
    "Crop": {"left": 0, "top": 1, "width": 3, "height": 4, "channels": 5, "right": 6, "bottom": 7},
    "Deconvolution": {"outputs": 0, "kernel": 1, "stride": 3, "padding": 4, "with_bias": 5, "weights": 6, "relu": 9,
                      "output_right": 18, "output_bottom": 19},
    "Eltwise": {"operation": 0},
    "InnerProduct": {"outputs": 0, "with_bias": 1, "weights": 2},
    "Input": {},
    "Interp": {"method": 0, "height_scale": 1, "width_scale": 2},
    "Padding": {"top": 0, "bottom": 1, "left": 2, "right": 3, "method": 4},
    "Pooling": {"method": 0, "whole": 4},
    "ReLU": {},
    "Reorg": {"stride": 0},
    "TanH": {},
}  # fmt: skip
ADD, MULTIPLY = 0, 2  # operations of BinaryOp
SUM = 1  # operation of Eltwise
CONSTANT, REFLECT = 0, 2  # methods of Padding
BILINEAR = 2  # method of Interp
AVERAGE = 1  # method of Pooling
ARRAY = -23300  # the number 0 of a layer, a list
REST = -233  # size of Crop: what the other numbers leave
BLOCK = 3  # side of the kernels that Winograd's method is for
MAGIC = 7767517  # how ncnn's text format begins


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
    weights: Mapping[str, F32], n_blocks: int, residual: bool, enhancer: str, enhancer_prefix: str
) -> tuple[str, bytes]:
    """The layers, as ncnn's text, and the weights of T and, where there is one, E. See diat.models.ModelConfig."""
    graph = Graph(weights)
    x = graph.add("Input", INPUT)
    transformed = _transform(graph, x, transform_layers(n_blocks), residual)
    if enhancer == "local":
        y = graph.add("Concat", x, transformed, axis=0)
        for layer in local_layers(enhancer_prefix):
            y = graph.convolve(y, layer)
        transformed = graph.clamp(graph.add("BinaryOp", transformed, y, operation=ADD))
    elif enhancer == "global":
        transformed = _transform(
            graph, graph.blur(transformed), transform_layers(ENHANCER_BLOCKS, enhancer_prefix), residual=False
        )
    return graph.text({transformed: OUTPUT}), bytes(graph.data)


def _transform(graph: Graph, x: str, layers: list[Layer], residual: bool) -> str:
    y, skip = x, ""
    for layer in layers:
        if layer.name.endswith("conv1") and "blocks." in layer.name:
            skip = y
        y = graph.convolve(y, layer)
        if layer.name.endswith("conv2") and "blocks." in layer.name:
            y = graph.add("BinaryOp", skip, y, operation=ADD)
    change = graph.add("TanH", y)
    if not residual:
        return change
    doubled = graph.add("BinaryOp", change, operation=MULTIPLY, with_scalar=1, scalar=2.0)
    return graph.clamp(graph.add("BinaryOp", x, doubled, operation=ADD))


class Graph:
    """Layers and weights of a graph under construction. A blob may be used more than once; `text` splits those."""

    def __init__(self, weights: Mapping[str, F32]) -> None:
        self.weights = weights
        self.data = bytearray()
        self._layers: list[tuple[str, list[str], list[str], str]] = []  # type, inputs, outputs, parameters

    def add(self, kind: str, *inputs: str, **parameters: float) -> str:
        """Append a layer with parameters of `PARAMETERS`; an "Input" is named instead of fed. -> its blob's name."""
        named = kind == "Input"
        output = inputs[0] if named else f"b{len(self._layers)}"
        text = " ".join(f"{PARAMETERS[kind][name]}={value}" for name, value in parameters.items())
        self._layers.append((kind, [] if named else list(inputs), [output], text))
        return output

    def slice(self, x: str, parts: int, channels: int) -> list[str]:
        """Cut a blob into parts of so many channels. -> the names of their blobs."""
        outputs = [f"b{len(self._layers)}_{part}" for part in range(parts)]
        self._layers.append(("Slice", [x], outputs, f"{ARRAY}={parts}{f',{channels}' * parts}"))
        return outputs

    def text(self, results: Mapping[str, str]) -> str:
        """The layers in ncnn's text format, in which each blob has one reader.

        ``results``: blobs that nothing reads, and what to call them.
        """
        lines, blobs = [], 0
        readers = {
            output: sum(inputs.count(output) for _, inputs, *_ in self._layers)
            for *_, outputs, _ in self._layers
            for output in outputs
        }
        copies: dict[str, list[str]] = {}
        for number, (kind, inputs, outputs, params) in enumerate(self._layers):
            fed = [copies[name].pop() if name in copies else name for name in inputs]
            named = [results.get(output, output) for output in outputs]
            lines.append(f"{kind} l{number} {len(fed)} {len(named)} {' '.join([*fed, *named])} {params}")
            blobs += len(named)
            for output, name in zip(outputs, named, strict=True):
                if readers[output] > 1:
                    copies[output] = [f"{output}_{k}" for k in range(readers[output])]
                    blobs += readers[output]
                    lines.append(f"Split s{number} 1 {readers[output]} {name} {' '.join(copies[output])}")
        return f"{MAGIC}\n{len(lines)} {blobs}\n" + "".join(line.rstrip() + "\n" for line in lines)

    def clamp(self, x: str) -> str:
        """A blob held in [-1, 1]."""
        return self.add("Clip", x, low=-1.0, high=1.0)

    def convolve(self, x: str, layer: Layer) -> str:
        """A convolution and its norm, as one."""
        weight, bias = fold(layer, self.weights)
        if layer.transposed:
            weight = weight.transpose(1, 0, 2, 3)  # ncnn has the outputs first here too
        if layer.stride == 1 and layer.kernel > BLOCK:
            return self._convolve_in_blocks(x, layer, weight, bias)
        if not layer.transposed:
            return self.convolution(x, weight, bias, (layer.padding, layer.padding), layer.relu, layer.stride)
        self._store(weight, bias)
        return self.add(
            "Deconvolution",
            x,
            outputs=layer.outputs,
            kernel=layer.kernel,
            stride=layer.stride,
            padding=layer.padding,
            with_bias=1,
            weights=weight.size,
            relu=int(layer.relu),
            output_right=layer.output_padding,
            output_bottom=layer.output_padding,
        )

    def _convolve_in_blocks(self, x: str, layer: Layer, weight: F32, bias: F32) -> str:
        """A large kernel cut into blocks of 3x3, which ncnn computes by Winograd's method, a quarter of the work.

        Each block is a convolution of the image moved by its place in the kernel. Where the inputs are few, the moved
        images are stacked and convolved at once; where the outputs are few, all blocks' results are had at once, moved
        and added.
        """
        padding = layer.padding
        if layer.transposed:  # of stride 1: a convolution with the kernel turned round
            weight, padding = weight[:, :, ::-1, ::-1], layer.kernel - 1 - layer.padding
        across = -(-layer.kernel // BLOCK)
        rest = BLOCK * across - layer.kernel  # zeros that fill the last blocks, and as many in the image
        weight = np.pad(weight, ((0, 0), (0, 0), (0, rest), (0, rest)))
        places = [(BLOCK * row, BLOCK * column) for row in range(across) for column in range(across)]
        blocks = [weight[:, :, top : top + BLOCK, left : left + BLOCK] for top, left in places]
        sides = (padding, padding + rest)
        end = BLOCK * (across - 1)
        if layer.inputs < layer.outputs:
            x = self.add("Padding", x, top=sides[0], bottom=sides[1], left=sides[0], right=sides[1], method=CONSTANT)
            x = self.add("Concat", *(self._moved(x, place, end) for place in places), axis=0)
            return self.convolution(x, np.concatenate(blocks, axis=1), bias, (0, 0), layer.relu)
        no_bias = np.zeros((len(places) - 1) * layer.outputs, np.float32)
        y = self.convolution(x, np.concatenate(blocks), np.concatenate([bias, no_bias]), sides, relu=False)
        parts = self.slice(y, len(places), layer.outputs)
        moved = (self._moved(part, place, end) for part, place in zip(parts, places, strict=True))
        y = self.add("Eltwise", *moved, operation=SUM)
        return self.add("ReLU", y) if layer.relu else y

    def convolution(self, x: str, weight: F32, bias: F32, sides: tuple[int, int], relu: bool, stride: int = 1) -> str:
        """A convolution of the image padded by `sides` at its left and top, and at its right and bottom."""
        self._store(weight, bias)
        before, after = sides
        return self.add(
            "Convolution",
            x,
            outputs=len(weight),
            kernel=weight.shape[-1],
            stride=stride,
            left=before,
            top=before,
            right=after,
            bottom=after,
            with_bias=1,
            weights=weight.size,
            relu=int(relu),
        )

    def doubled(self, x: str) -> str:
        """A blob twice as high and wide."""
        return self.add("Interp", x, method=BILINEAR, height_scale=2.0, width_scale=2.0)

    def dense(self, x: str, weight: F32, bias: F32) -> str:
        """A dense layer."""
        self._store(weight, bias)
        return self.add("InnerProduct", x, outputs=len(weight), with_bias=1, weights=weight.size)

    def _moved(self, x: str, place: tuple[int, int], end: int) -> str:
        """What is seen of x from `place`, (row, column), on, all but `end` of its rows and columns."""
        top, left = place
        return self.add(
            "Crop", x, left=left, top=top, width=REST, height=REST, channels=REST, right=end - left, bottom=end - top
        )

    def blur(self, x: str) -> str:
        """B of Eq. (11)."""
        size = BLUR_SIZE
        places = np.arange(size, dtype=np.float32) - (size - 1) / 2
        line = np.exp(-(places**2) / (2 * BLUR_SIGMA**2)).astype(np.float32)
        line /= line.sum()
        half = size // 2
        y = self.add("Padding", x, top=half, bottom=half, left=half, right=half, method=REFLECT)
        for width, height in ((size, 1), (1, size)):
            self._store(np.tile(line, 3))
            y = self.add(
                "ConvolutionDepthWise",
                y,
                outputs=3,
                width=width,
                height=height,
                with_bias=0,
                weights=3 * size,
                groups=3,
            )
        return y

    def _store(self, weight: F32, bias: F32 | None = None) -> None:
        self.data += np.uint32(0).tobytes()  # what follows is float32
        for array in (weight, bias):
            if array is not None:
                self.data += np.ascontiguousarray(array, np.float32).tobytes()
