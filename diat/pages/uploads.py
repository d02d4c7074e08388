"""The folder of uploads and results: readable by this user alone, emptied in time, and gone with the server."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

KEPT_SECONDS = 600  # uploads and results are deleted after this
SWEEP_INTERVAL = 30  # seconds
PREFIX = "diat-demo-"


@contextmanager
def upload_folder() -> Iterator[Path]:
    """A folder for Gradio, which must be told of it before it is imported (``GRADIO_TEMP_DIR``).

    Gradio forgets uploads that were cut off and everything that an earlier server left. Here whatever lies in the
    folder is deleted when it is old, with the server, or by the next server where this one was killed.
    """
    parent = Path(os.environ.get("GRADIO_TEMP_DIR") or tempfile.gettempdir())
    parent.mkdir(parents=True, exist_ok=True)
    remove_abandoned(parent)
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=parent))  # of mode 0700
    ended = threading.Event()
    sweeper = threading.Thread(target=_sweep_on, args=(folder, ended), name="sweeper", daemon=True)
    sweeper.start()
    try:
        yield folder
    finally:
        ended.set()
        shutil.rmtree(folder, ignore_errors=True)


def remove_abandoned(parent: Path) -> None:
    """Delete the folders of servers that run no more."""
    for folder in parent.glob(f"{PREFIX}*"):
        number = folder.name.removeprefix(PREFIX).split("-")[0]
        if number.isdigit() and not _runs(int(number)) and folder.stat().st_uid == os.getuid():
            shutil.rmtree(folder, ignore_errors=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def sweep(folder: Path, older_than: float = KEPT_SECONDS) -> None:
    """Delete the files that nobody wrote to for so many seconds, and folders that are empty as long."""
    limit = time.time() - older_than
    for path in sorted(folder.rglob("*"), reverse=True):  # files before their folders
        try:
            if path.lstat().st_mtime >= limit:
                continue
            if path.is_dir() and not path.is_symlink():
                path.rmdir()
            else:
                path.unlink()
        except OSError:  # a folder in use, or a file that Gradio has deleted meanwhile
            continue


def _sweep_on(folder: Path, ended: threading.Event) -> None:
    while not ended.wait(SWEEP_INTERVAL):
        sweep(folder)
