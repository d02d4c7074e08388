"""A network with heads as an ncnn graph, see `diat.runtime.ncnn_graph`: it gives `MAPS`, (C, H/2, W/2), and `SCALARS`,
(S,).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from diat.heads import HeadSet
from diat.layers import PARTS_BLOCKS, Layer, field_layers
from diat.runtime.ncnn_graph import ADD, AVERAGE, F32, INPUT, Graph, fold

MAPS, SCALARS = "maps", "scalars"


def build_fields(weights: Mapping[str, F32], heads: HeadSet) -> tuple[str, bytes]:
    """The layers, as ncnn's text, and the weights of `diat.field_network.FieldNetwork`."""
    graph, layers = Graph(weights), field_layers(heads)
    x = graph.add("Reorg", graph.add("Input", INPUT), stride=2)
    a, b, c = _encoded(graph, x, layers, "", heads.blocks)
    scalars = _averaged(graph, c, "scalars")
    if heads.own_gate:
        y = x
        for name in sorted(name for name in layers if name.startswith("gate.")):
            y = graph.convolve(y, layers[name])
        scalars = graph.add("Concat", _averaged(graph, y, "gate_scalar"), scalars, axis=0)
    shared = heads.shared_maps
    maps = [_decoded(graph, (a, b, c), layers, "", heads.scales[shared])]
    if heads.own_parts:
        seen = _encoded(graph, x, layers, "parts.", PARTS_BLOCKS)
        maps.insert(0, _decoded(graph, seen, layers, "parts.", heads.scales[: shared.start]))
    if heads.own_maps:
        y = graph.convolve(graph.convolve(c, layers["paint.block.0"]), layers["paint.block.1"])
        seen = a, b, graph.add("BinaryOp", c, y, operation=ADD)
        maps.append(_decoded(graph, seen, layers, "paint.", heads.scales[shared.stop :]))
    result = graph.add("Concat", *maps, axis=0) if len(maps) > 1 else maps[0]
    return graph.text({result: MAPS, scalars: SCALARS}), bytes(graph.data)


def _encoded(graph: Graph, x: str, layers: Mapping[str, Layer], prefix: str, blocks: int) -> tuple[str, str, str]:
    """What an encoder sees at a half, a quarter and an eighth."""
    a = graph.convolve(x, layers[f"{prefix}stem"])
    b = graph.convolve(a, layers[f"{prefix}down1"])
    c = graph.convolve(b, layers[f"{prefix}down2"])
    for block in range(blocks):
        y = graph.convolve(graph.convolve(c, layers[f"{prefix}blocks.{block}.0"]), layers[f"{prefix}blocks.{block}.1"])
        c = graph.add("BinaryOp", c, y, operation=ADD)
    return a, b, c


def _decoded(
    graph: Graph, seen: tuple[str, str, str], layers: Mapping[str, Layer], prefix: str, usual: tuple[float, ...]
) -> str:
    """The maps of a decoder, whose last weights take in each map's usual size."""
    a, b, c = seen
    y = graph.convolve(graph.add("Concat", graph.doubled(c), b, axis=0), layers[f"{prefix}up1"])
    y = graph.convolve(graph.add("Concat", graph.doubled(y), a, axis=0), layers[f"{prefix}up2"])
    weight, bias = fold(layers[f"{prefix}maps"], graph.weights)
    scales = np.array(usual, np.float32)
    return graph.convolution(y, weight * scales[:, None, None, None], bias * scales, (1, 1), relu=False)


def _averaged(graph: Graph, x: str, dense: str) -> str:
    """A dense layer of the average over the whole of a blob."""
    pooled = graph.add("Pooling", x, method=AVERAGE, whole=1)
    return graph.dense(pooled, graph.weights[f"{dense}.weight"], graph.weights[f"{dense}.bias"])
