"""What the benchmarks share: the portrait that they take, the editor, the demo, and the shortest of some runs."""

from __future__ import annotations

import argparse
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from diat.editor import FaceEditor
from diat.photo import open_photo
from diat.pixels import U8

ROOT = Path(__file__).parents[1]
PORTRAIT = ROOT / "examples" / "eileen_collins.jpg"  # 512x512, one frontal face with an open mouth


def portrait() -> U8:
    """The portrait. -> (512, 512, 3) RGB."""
    return open_photo(PORTRAIT).pixels


def editor_of(attribute: str, model: str | None = None) -> FaceEditor:
    """An attribute's editor: the embedded weights, or a folder or Hub repository that must hold the same attribute."""
    return FaceEditor.from_pretrained(model or attribute, attribute=attribute)


def option_parser(description: str | None) -> argparse.ArgumentParser:
    """A parser that prints the module's docstring as it stands."""
    return argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)


def shortest(work: Callable[[], object], budget: float, runs: int = 3) -> float:
    """Seconds of the shortest of the runs that fit into the budget, ``runs`` of them at least.

    Other work on the machine only ever slows a run, so the shortest says most of the code itself.
    """
    best, spent, done = float("inf"), 0.0, 0
    while spent < budget or done < runs:
        start = time.perf_counter()
        work()
        took = time.perf_counter() - start
        best, spent, done = min(best, took), spent + took, done + 1
    return best


def start_server() -> tuple[subprocess.Popen[bytes], str]:
    """The demo on a free port of this machine. -> its process and address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen([sys.executable, ROOT / "app.py", "--port", str(port)], stdout=subprocess.DEVNULL)
    for _ in range(240):
        time.sleep(0.5)
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}", timeout=5).close()
            return server, f"http://127.0.0.1:{port}"
        except OSError:
            if server.poll() is not None:
                break
    sys.exit("The server did not start.")
