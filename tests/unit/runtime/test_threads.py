import os
import subprocess
import sys

import pytest

from diat.runtime.threads import available_threads, network_threads, session_options

IMPORT = """
import os, sys
from diat.runtime.threads import import_ncnn
before = dict(os.environ)
import_ncnn().Net()
assert dict(os.environ) == before
"""


@pytest.mark.parametrize(
    ("chosen", "policy"),
    [({}, "PASSIVE"), ({"OMP_WAIT_POLICY": "active"}, "ACTIVE"), ({"GOMP_SPINCOUNT": "77"}, "SPINCOUNT = '77'")],
)
def test_threads_that_wait_sleep_unless_the_user_wants_otherwise(chosen, policy):
    """As the OpenMP library itself says it, at the moment when it is loaded."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
    environment |= {"OMP_DISPLAY_ENV": "verbose", **chosen}
    done = subprocess.run([sys.executable, "-c", IMPORT], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    if "OPENMP DISPLAY ENVIRONMENT" not in done.stderr:
        pytest.skip("this OpenMP library does not say how it is set")
    assert policy in done.stderr


def test_the_users_number_of_threads_is_taken(monkeypatch):
    for text, number in (("1", 1), ("3,2", 3), (" 2 ", 2)):
        monkeypatch.setenv("OMP_NUM_THREADS", text)
        assert available_threads() == number
        assert network_threads() == session_options().intra_op_num_threads == number
    everything = len(os.sched_getaffinity(0))
    for text in ("", "0", "many"):
        monkeypatch.setenv("OMP_NUM_THREADS", text)
        assert available_threads() == everything


def test_a_network_leaves_half_of_the_processors_to_others(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    for processors, threads in ((1, 1), (2, 1), (3, 1), (8, 4)):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _, n=processors: set(range(n)))
        assert network_threads() == threads
