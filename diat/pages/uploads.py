"""The folder of uploads and results: readable by this user alone, emptied in time, and gone with the server."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from starlette.types import ASGIApp, Receive, Scope, Send

# A file that nobody has asked for so long is deleted: within two minutes, with the sweeper's pace. Browsers let a page
# that lies behind another one ask once a minute.
IDLE_SECONDS = 110
KEPT_SECONDS = 3600  # and one that an open page keeps asking for, after this
SWEEP_INTERVAL = 5  # seconds
PREFIX = "diat-demo-"
LOCK = ".lock"  # in the folder; the server holds it as long as it runs
FILE_ROUTE = "/file="  # of Gradio's addresses of files; the path follows

InUse = Callable[[], Collection[str]]


@contextmanager
def upload_folder() -> Iterator[Path]:
    """A folder for Gradio, which must be told of it before it is imported (``GRADIO_TEMP_DIR``).

    Gradio forgets uploads that were cut off and everything that an earlier server left. Here whatever lies in the
    folder is deleted when it is old (`Sweeper`), with the server, or by the next server where this one was killed.
    """
    parent = Path(os.environ.get("GRADIO_TEMP_DIR") or tempfile.gettempdir())
    parent.mkdir(parents=True, exist_ok=True)
    remove_abandoned(parent)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))  # of mode 0700
    with (folder / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def remove_abandoned(parent: Path) -> None:
    """Delete the folders of servers that run no more: whose locks nobody holds."""
    for folder in parent.glob(f"{PREFIX}*"):
        try:
            with (folder / LOCK).open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:  # a server holds it, or it is somebody else's
            continue


class Sweeper:
    """Deletes what lies idle in a folder, or too long.

    Args:
        folder: of uploads and results.
        in_use: paths that work waits for or runs on; they count as asked for.
    """

    def __init__(self, folder: Path, in_use: InUse = tuple) -> None:
        self._folder, self._in_use = folder, in_use
        # By path and inode: who uploads a file again gets its path, and another hour.
        self._first_seen: dict[tuple[Path, int], float] = {}

    def start(self) -> None:
        """Sweep in a thread of its own as long as the process runs."""
        threading.Thread(target=self._run, name="sweeper", daemon=True).start()

    def _run(self) -> None:
        while True:
            time.sleep(SWEEP_INTERVAL)
            self.sweep()

    def sweep(self) -> None:
        """Go through the folder once."""
        now = time.time()
        used = {Path(path) for path in self._in_use()}
        seen: dict[tuple[Path, int], float] = {}
        for path in _within(self._folder):
            if path == self._folder / LOCK:
                continue
            try:
                status = path.lstat()
                file = path, status.st_ino
                first, idle = self._first_seen.get(file, now), status.st_mtime < now - IDLE_SECONDS
                if path in used:
                    os.utime(path)
                    seen[file] = first
                elif stat.S_ISDIR(status.st_mode):
                    if idle:
                        path.rmdir()  # fails where it holds something
                elif idle or first < now - KEPT_SECONDS:
                    path.unlink()
                else:
                    seen[file] = first
            except OSError:  # a folder in use, or a file that Gradio has deleted meanwhile
                continue
        self._first_seen = seen


class Renewal:
    """ASGI middleware: a file that is asked for is kept on, so that an open page keeps what it shows.

    Args:
        folder: of uploads and results.
    """

    def __init__(self, app: ASGIApp, folder: Path) -> None:
        self._app, self._folder = app, folder.resolve()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        _, is_file, name = scope.get("path", "").partition(FILE_ROUTE)
        if is_file and (path := Path(unquote(name))).is_relative_to(self._folder) and ".." not in path.parts:
            try:
                os.utime(path)
            except (OSError, ValueError):
                pass  # gone, which Gradio says
        await self._app(scope, receive, send)


def files_in_work(demo: Any) -> set[str]:
    """The uploads that requests which wait or run in a demo's queue name."""
    events = list(demo._queue.event_ids_to_events.values())
    return {path for event in events if event.data is not None for path in _paths(event.data.data)}


def _paths(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(path := value.get("path"), str):
            yield path
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _paths(part)


def _within(folder: Path) -> Iterator[Path]:
    """Everything in a folder, files before their folders. Unlike rglob it bears what vanishes meanwhile."""
    for parent, folders, files in os.walk(folder, topdown=False):
        yield from (Path(parent, name) for name in (*files, *folders))


def folder_bytes(folder: Path) -> int:
    """How much lies in a folder, in bytes."""
    total = 0
    for path in _within(folder):
        try:
            total += path.lstat().st_size
        except OSError:
            continue
    return total
