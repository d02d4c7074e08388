"""Runs the project's scripts and its demo as a user would."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run_script(script: str, *arguments: object, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run one of them and return what it said."""
    command = [sys.executable, str(ROOT / script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if check and done.returncode != 0:
        pytest.fail(f"{script} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return done


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def wait_for(address: str, process: subprocess.Popen[bytes], log_path: Path) -> None:
    """Until a server answers; the test fails if it ends before."""
    for _ in range(600):  # a busy machine takes a minute to import everything
        if process.poll() is not None:
            pytest.fail(f"the server ended:\n{log_path.read_text()}")
        try:
            urllib.request.urlopen(address, timeout=1)
            return
        except OSError:
            time.sleep(0.25)
    pytest.fail(f"the server does not answer:\n{log_path.read_text()}")


@contextmanager
def serving(log_path: Path, *arguments: str, **variables: str) -> Iterator[str]:
    """The address of `python app.py`, started as a user starts it with these arguments and environment variables."""
    port = free_port()
    command = [sys.executable, str(ROOT / "app.py"), "--port", str(port), *arguments]
    with log_path.open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **variables}, cwd=ROOT)
    address = f"http://127.0.0.1:{port}"
    wait_for(address, process, log_path)
    yield address
    process.terminate()
    process.wait(60)
