"""Work goes on as long as it shows signs of life, and no longer."""

import threading
import time

import pytest

from diat.deadline import run_within


def test_what_was_made_or_raised_comes_back():
    assert run_within(1, lambda alive: "made") == "made"

    def fail(alive):
        raise ValueError("as asked")

    with pytest.raises(ValueError, match="as asked"):
        run_within(1, fail)


def test_signs_of_life_keep_it_going():
    def slow(alive):
        for _ in range(5):
            time.sleep(0.1)
            alive()
        return "made"

    assert run_within(0.4, slow) == "made"  # in half a second


def test_what_stands_still_is_given_up_and_ends_at_its_next_sign_of_life():
    go_on, ended = threading.Event(), []

    def stand_still(alive):
        go_on.wait(10)
        try:
            alive()
        except TimeoutError:
            ended.append("given up")
            raise

    start = time.monotonic()
    with pytest.raises(TimeoutError, match="nothing came for 0 seconds"):
        run_within(0.2, stand_still)
    assert 0.2 <= time.monotonic() - start < 5
    go_on.set()
    for _ in range(100):
        if ended:
            break
        time.sleep(0.05)
    assert ended == ["given up"]
