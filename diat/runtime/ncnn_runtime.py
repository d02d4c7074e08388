"""A model on the processor: ncnn on a graph built from the weights, which starts without torch."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from diat.heads import HEADS
from diat.models import ENHANCER_PREFIX, Model
from diat.pixels import F32, U8
from diat.runtime import ncnn_graph as graph
from diat.runtime.ncnn_fields import MAPS, SCALARS, build_fields
from diat.runtime.threads import import_ncnn, network_threads


class NcnnRuntime:
    """`Runtime` on the processor."""

    def __init__(self, model: Model, threads: int | None = None) -> None:
        config = model.config
        built = graph.build(model.weights, config.n_blocks, config.residual, config.enhancer, ENHANCER_PREFIX)
        self._net = _Net(*built, threads)

    def __call__(self, crops: U8) -> F32:
        """See `Runtime`."""
        images = _images(crops)
        transformed = np.stack([self._net.run(image, graph.OUTPUT)[0] for image in images])
        change: F32 = (transformed - images).transpose(0, 2, 3, 1) * np.float32(127.5)
        return change


class NcnnFields:
    """`FieldRuntime` on the processor."""

    def __init__(self, model: Model, threads: int | None = None) -> None:
        self._net = _Net(*build_fields(model.weights, HEADS[model.config.heads]), threads)

    def __call__(self, crops: U8) -> tuple[F32, F32]:
        """See `FieldRuntime`."""
        maps, scalars = zip(*(self._net.run(image, MAPS, SCALARS) for image in _images(crops)), strict=True)
        return np.stack(maps).transpose(0, 2, 3, 1), np.stack(scalars)


class _Net:
    """A graph loaded into ncnn."""

    def __init__(self, layers: str, weights: bytes, threads: int | None) -> None:
        ncnn = import_ncnn()
        self._net, self._mat = ncnn.Net(), ncnn.Mat
        options = self._net.opt
        options.num_threads = threads or network_threads()
        # Everything stays in float32.
        options.use_fp16_packed = options.use_fp16_storage = options.use_fp16_arithmetic = False
        options.use_bf16_packed = options.use_bf16_storage = options.use_vulkan_compute = False
        # From files, since ncnn keeps pointing into memory that it was given.
        with tempfile.TemporaryDirectory() as folder:
            text, binary = Path(folder) / "layers.param", Path(folder) / "weights.bin"
            text.write_text(layers)
            binary.write_bytes(weights)
            if self._net.load_param(str(text)) != 0 or self._net.load_model(str(binary)) != 0:
                raise RuntimeError("ncnn cannot load the network's graph: reinstall ncnn or update diat")

    def run(self, image: F32, *names: str) -> list[F32]:
        """The named blobs for an image, (3, H, W) float in [-1, 1]."""
        extractor = self._net.create_extractor()
        extractor.input(graph.INPUT, self._mat(image))
        return [self._extract(extractor, name, image) for name in names]

    def _extract(self, extractor: Any, name: str, image: F32) -> F32:
        code, result = extractor.extract(name)
        if code != 0:
            raise RuntimeError(f"ncnn failed on an image of shape {image.shape} (code {code})")
        return np.array(result)


def _images(crops: U8) -> F32:
    """(N, H, W, 3) uint8 -> (N, 3, H, W) float in [-1, 1]."""
    return np.ascontiguousarray(crops.transpose(0, 3, 1, 2), np.float32) / np.float32(127.5) - np.float32(1)
