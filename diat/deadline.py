"""Work that may take long as long as it gets on, and is given up when it stands still."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

TICK_S = 0.1  # how often the waiting thread looks


def run_within(stall_timeout_s: float, work: Callable[[Callable[[], None]], T]) -> T:
    """Run work in a thread of its own and wait as long as it gets on.

    Args:
        stall_timeout_s: seconds without a sign of life after which it is given up.
        work: is given what it calls as a sign of life, and what raises TimeoutError once it is given up.

    Raises:
        TimeoutError: it stood still. The thread is left to end by itself, at its next sign of life.
        Exception: whatever the work raised.
    """
    results: list[T] = []
    errors: list[Exception] = []
    seen = [time.monotonic()]

    given_up = threading.Event()

    def alive() -> None:
        if given_up.is_set():
            raise TimeoutError("the work was given up")
        seen[0] = time.monotonic()

    def run() -> None:
        try:
            results.append(work(alive))
        except Exception as error:  # noqa: BLE001 - raised again below, in the caller's thread
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while thread.is_alive() and time.monotonic() - seen[0] < stall_timeout_s:
        thread.join(TICK_S)
    if errors:
        raise errors[0]
    if not results:
        given_up.set()
        raise TimeoutError(f"nothing came for {stall_timeout_s:.0f} seconds")
    return results[0]
