"""A model on the processor: ncnn on a graph built from the weights, which starts without torch."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from diat.models import ENHANCER_PREFIX, Model
from diat.pixels import F32, U8
from diat.runtime import ncnn_graph as graph
from diat.runtime.threads import available_threads


class NcnnRuntime:
    """`Runtime` on the processor."""

    def __init__(self, model: Model, threads: int | None = None) -> None:
        import ncnn

        config = model.config
        layers, weights = graph.build(model.weights, config.n_blocks, config.residual, config.enhancer, ENHANCER_PREFIX)
        self._net, self._mat = ncnn.Net(), ncnn.Mat
        options = self._net.opt
        options.num_threads = threads or available_threads()
        options.openmp_blocktime = 0  # threads that wait must not spin, see diat.runtime.threads.session_options
        # Everything stays in float32.
        options.use_fp16_packed = options.use_fp16_storage = options.use_fp16_arithmetic = False
        options.use_bf16_packed = options.use_bf16_storage = options.use_vulkan_compute = False
        # From files, since ncnn keeps pointing into memory that it was given.
        with tempfile.TemporaryDirectory() as folder:
            text, binary = Path(folder) / "layers.param", Path(folder) / "weights.bin"
            text.write_text(layers)
            binary.write_bytes(weights)
            if self._net.load_param(str(text)) != 0 or self._net.load_model(str(binary)) != 0:
                raise RuntimeError("ncnn does not take the graph")

    def __call__(self, crops: U8) -> F32:
        """See `Runtime`."""
        images = np.ascontiguousarray(crops.transpose(0, 3, 1, 2), np.float32) / np.float32(127.5) - np.float32(1)
        transformed = np.stack([self._one(image) for image in images])
        change: F32 = (transformed - images).transpose(0, 2, 3, 1) * np.float32(127.5)
        return change

    def _one(self, image: F32) -> F32:
        extractor = self._net.create_extractor()
        extractor.input(graph.INPUT, self._mat(image))
        code, result = extractor.extract(graph.OUTPUT)
        if code != 0:
            raise RuntimeError(f"ncnn gave up on an image of {image.shape} ({code})")
        return np.array(result)
