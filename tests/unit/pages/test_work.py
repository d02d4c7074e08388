"""Networks run in few threads, always the same."""

from __future__ import annotations

import contextvars
import inspect
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from diat.detector import EMBEDDED_PACK
from diat.pages.editors import EditorPool
from diat.pages.work import WORKERS, by_a_worker

asked_by = contextvars.ContextVar("asked_by")


@by_a_worker
def work(number: int, *, factor: int = 2) -> tuple[int, str, str]:
    """Work."""
    return number * factor, threading.current_thread().name, asked_by.get()


def test_many_callers_share_the_workers_and_each_gets_its_own_answer():
    def call(number: int) -> tuple[int, str, str]:
        asked_by.set(f"visitor {number}")
        return work(number, factor=3)

    with ThreadPoolExecutor(20) as callers:
        answers = list(callers.map(call, range(100)))
    assert [answer[0] for answer in answers] == [number * 3 for number in range(100)]
    assert len({answer[1] for answer in answers}) <= WORKERS
    assert [answer[2] for answer in answers] == [f"visitor {number}" for number in range(100)]


def test_what_the_work_raises_reaches_the_caller():
    @by_a_worker
    def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    assert inspect.signature(work).parameters.keys() == {"number", "factor"}


def test_work_within_work_does_not_wait_for_itself():
    outer = by_a_worker(lambda number: work(number)[1])
    asked_by.set("here")
    context = contextvars.copy_context()
    with ThreadPoolExecutor(8) as callers:
        names = list(callers.map(lambda number: context.copy().run(outer, number), range(20)))
    assert len(set(names)) <= WORKERS


def test_the_servers_editors_run_by_workers():
    pool = EditorPool(None, EMBEDDED_PACK)
    assert pool.detector.detect.__wrapped__
    assert pool.get("mouth_close").edit.__wrapped__
