"""Runs a model on crops: one call, the fastest correct runtime behind it.

On a processor that is ONNX Runtime on a graph built from the weights, which starts without torch; on a GPU it is torch.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

import numpy as np

from diat import graph
from diat.align import F32, U8
from diat.models import ENHANCER_PREFIX, Model

if TYPE_CHECKING:
    from onnxruntime import SessionOptions

# Beyond this many crops at once the processor's caches, not the calls, set the pace.
MAX_BATCH = 16


class Runtime(Protocol):
    """What is behind the engine."""

    def __call__(self, crops: U8) -> F32:
        """(N, H, W, 3) RGB uint8 -> the change, (N, H, W, 3) float in units of 0..255."""
        ...


class Engine:
    """A model ready to run.

    Args:
        model: from `diat.hub.load_model`.
        device: ``"cpu"``, ``"cuda"``, or a torch device; None takes the GPU when torch is there and sees one.
        threads: of the processor; None takes those that this process may use.
    """

    def __init__(self, model: Model, device: str | None = None, threads: int | None = None) -> None:
        self.config = model.config
        self.device = device or ("cuda" if _cuda() else "cpu")
        self._run: Runtime = OnnxRuntime(model, threads) if self.device == "cpu" else _torch_runtime(model, self.device)

    def change(self, crops: U8) -> F32:
        """T(x) - x, or E's result less x, at the model's own strength.

        (N, H, W, 3) RGB uint8, sides multiples of 4 -> (N, H, W, 3) float in units of 0..255.
        """
        parts = [self._run(crops[start : start + MAX_BATCH]) for start in range(0, len(crops), MAX_BATCH)]
        return np.concatenate(parts) if parts else np.zeros(crops.shape, np.float32)


class OnnxRuntime:
    """`Runtime` on the processor."""

    def __init__(self, model: Model, threads: int | None = None) -> None:
        import onnxruntime

        config = model.config
        built = graph.build(
            model.weights, config.n_blocks, config.residual, config.enhancer, ENHANCER_PREFIX, config.strength
        )
        self._session = onnxruntime.InferenceSession(
            built, session_options(threads), providers=["CPUExecutionProvider"]
        )

    def __call__(self, crops: U8) -> F32:
        """See `Runtime`."""
        change: F32 = self._session.run(None, {"crops": np.ascontiguousarray(crops)})[0]
        return change


def session_options(threads: int | None = None) -> SessionOptions:
    """Of ONNX Runtime, for every network here.

    Threads that wait must not spin: between two frames of a webcam they would take the processor from the browser.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or available_threads()
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def available_threads() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _torch_runtime(model: Model, device: str) -> Runtime:
    from diat.torch_runtime import TorchRuntime

    return TorchRuntime(model, device)


def _cuda() -> bool:
    """Whether torch sees a GPU. Without the driver's library torch need not be imported to know that it does not."""
    import ctypes.util

    if ctypes.util.find_library("cuda") is None and os.name != "nt":
        return False
    try:
        import torch
    except ImportError:
        return False
    return torch.cuda.is_available()
