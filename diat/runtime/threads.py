"""How many threads the networks take, and how those wait."""

from __future__ import annotations

import importlib
import os
import sys
import threading
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnxruntime import SessionOptions

_WAIT_VARIABLES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")  # by which users choose how threads wait
_IMPORT_LOCK = threading.Lock()


def session_options(threads: int | None = None) -> SessionOptions:
    """Of ONNX Runtime, for every network that it runs here.

    Threads that wait must not spin: between two frames of a webcam they would take the processor from the browser.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or available_threads()
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def available_threads() -> int:
    """How many threads the face detector takes: OMP_NUM_THREADS where the user set it, or the processors there are."""
    return _chosen_threads() or _processors()


def network_threads() -> int:
    """How many threads an attribute's network takes: OMP_NUM_THREADS where the user set it, or half of the processors.

    Each of some thirty layers of a third of a millisecond waits for its slowest thread. While a browser or a video's
    encoder holds one processor, a thread on every processor is held up thirty times an image. On two processors the
    second thread gained nothing (8.6 ms a mouth against 8.1) and cost 2 to 5 times at p90 beside other work
    (`benchmarks/contention.py`).
    """
    return _chosen_threads() or max(1, _processors() // 2)


def _chosen_threads() -> int | None:
    first = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()  # the rest is for nested regions
    return int(first) if first.isdecimal() and int(first) > 0 else None


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def import_ncnn() -> ModuleType:
    """ncnn, whose threads sleep where they wait for one another.

    By default OpenMP's threads spin there for some milliseconds. Where another process holds a core, the thread that is
    waited for cannot run, and a network of 15 ms takes 300 to 1,100. The library reads its policy when it is loaded,
    and ncnn brings its own copy: the variable is set for that moment alone, unless the user chose a policy.
    """
    with _IMPORT_LOCK:
        chosen = "ncnn" in sys.modules or any(name in os.environ for name in _WAIT_VARIABLES)
        if not chosen:
            os.environ["OMP_WAIT_POLICY"] = "passive"
        try:
            return importlib.import_module("ncnn")
        finally:
            if not chosen:
                del os.environ["OMP_WAIT_POLICY"]
