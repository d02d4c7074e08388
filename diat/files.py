"""Files that are whole or absent: written aside, flushed to disk, and only then given their names."""

from __future__ import annotations

import errno
import glob
import os
import secrets
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path


def read_file(path: Path, limit: int) -> bytes:
    """Read a file that strangers may have put there.

    Args:
        path: of a regular file; a pipe or a device may never end.
        limit: bytes, more of which are refused unread.

    Raises:
        OSError: it is none, too large, or cannot be read.
    """
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        if status.st_size > limit:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
        return file.read(limit)


def write_file(path: Path, data: bytes) -> None:
    """Write a file atomically; the folders above it are made.

    Raises:
        OSError: the disk is full or cannot be written; a file that was there before is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = _aside(path)
    try:
        with open(aside, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:  # also when interrupted: nothing may stay beside the result
        aside.unlink(missing_ok=True)
        raise


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write several files that belong together: the folder holds all of the new ones or all of the old ones.

    The new folder is written beside the old one and takes its name; what else the old one holds is kept.

    Raises:
        OSError: the disk is full or cannot be written; a folder that was there before is as it was.
    """
    folder = folder.resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = _aside(folder)
    old = aside.with_name(f"{aside.name}.old")
    aside.mkdir()
    try:
        if folder.is_dir():
            shutil.copytree(folder, aside, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*files))
        for name, data in files.items():
            write_file(aside / name, data)
        # A rename cannot take the place of a folder that holds files. Killed between these two, the old model lies
        # whole in `old` and the new one whole in `aside`.
        if folder.exists():
            folder.rename(old)
        aside.rename(folder)
    except BaseException:
        if old.exists() and not folder.exists():
            old.rename(folder)
        shutil.rmtree(aside, ignore_errors=True)
        raise
    shutil.rmtree(old, ignore_errors=True)


def process_aside(path: Path) -> Path:
    """A name beside a path for a library that writes by itself, as long as this process runs.

    What processes that were killed left under such names is removed. It ends as the path does.
    """
    for left in path.parent.glob(f".{glob.escape(path.stem[:100])}.*{path.suffix}"):
        number = left.name.removesuffix(path.suffix).rpartition(".")[2]
        if number.isdecimal() and not _runs(int(number)):
            try:
                left.unlink()
            except OSError:  # open on Windows, or in a folder that is not ours
                continue
    return path.with_name(f".{path.stem[:100]}.{os.getpid()}{path.suffix}")


def _runs(process: int) -> bool:
    if os.name == "nt":  # an open file cannot be removed there, and asking would end the process
        return False
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # another user's
        return True
    return True


def _aside(path: Path) -> Path:
    """A name beside a path that nobody has.

    What is made there has the rights that the process's umask leaves, which ``tempfile`` does not ask for: a model is
    for all who may read the folder, a server's pictures for the server alone.
    """
    return path.with_name(f".{path.name[:100]}.{secrets.token_hex(8)}")
