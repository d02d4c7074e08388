"""The threads that run networks: few, and always the same ones.

Gradio hands work to whichever of its forty threads is free, and each thread that ever ran a network keeps the network's
buffers and a team of processors' threads.
"""

from __future__ import annotations

import contextvars
import functools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

WORKERS = 2  # each edit uses all processors, so that more would only wait
_here = threading.local()


def _begin() -> None:
    _here.is_worker = True


_WORKERS = ThreadPoolExecutor(WORKERS, "edit", initializer=_begin)


def by_a_worker(function: Callable[P, R]) -> Callable[P, R]:
    """A function that runs in one of the workers, whoever calls it, while the caller waits."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if getattr(_here, "is_worker", False):  # part of work that a worker does
            return function(*args, **kwargs)
        # The context holds the request, for which Gradio shows the progress.
        context = contextvars.copy_context()
        return _WORKERS.submit(lambda: context.run(function, *args, **kwargs)).result()

    return run
