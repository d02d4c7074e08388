"""Runs the project's scripts as a user would."""

from __future__ import annotations

import subprocess
import sys
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
