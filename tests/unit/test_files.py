"""Files are whole or absent, and have the rights of the process that wrote them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from diat import files
from diat.files import process_aside, write_file, write_folder


@pytest.mark.parametrize(("umask", "rights"), [(0o022, 0o644), (0o077, 0o600)])
def test_a_file_has_the_rights_that_the_umask_leaves(tmp_path, umask, rights):
    before = os.umask(umask)
    try:
        write_file(tmp_path / "new" / "a.png", b"new")
        write_folder(tmp_path / "model", {"model.safetensors": b"new"})
    finally:
        os.umask(before)
    written = [tmp_path / "new" / "a.png", tmp_path / "model" / "model.safetensors"]
    assert [path.stat().st_mode & 0o777 for path in written] == [rights, rights]
    assert (tmp_path / "model").stat().st_mode & 0o777 == rights | (rights & 0o444) >> 2


def test_a_folder_keeps_what_is_not_written_anew(tmp_path):
    write_folder(tmp_path / "model", {"model.safetensors": b"old", "README.md": b"read me"})
    write_folder(tmp_path / "model", {"model.safetensors": b"new"})
    assert {path.name: path.read_bytes() for path in (tmp_path / "model").iterdir()} == {
        "model.safetensors": b"new",
        "README.md": b"read me",
    }
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("write", [write_file, lambda path, data: write_folder(path, {"a": data})])
def test_what_fails_leaves_the_old_and_nothing_beside_it(tmp_path, monkeypatch, write):
    write(tmp_path / "kept", b"old")
    before = sorted(tmp_path.rglob("*"))

    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write(tmp_path / "kept", b"new")
    assert sorted(tmp_path.rglob("*")) == before
    assert [path.read_bytes() for path in before if path.is_file()] == [b"old"]


def test_only_regular_files_of_a_size_are_read(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"12345")
    assert files.read_file(tmp_path / "a", 5) == b"12345"
    with pytest.raises(OSError, match="too large"):
        files.read_file(tmp_path / "a", 4)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a regular file"):
        files.read_file(tmp_path / "pipe", 5)


def test_what_killed_processes_left_under_a_files_name_goes_and_nothing_else_does(tmp_path):
    path = tmp_path / "a[1].mp4"
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    kept = [f".a[1].{os.getpid()}.mp4", ".a[1].1.mp4", ".a[1].notes.mp4", f".a1.{ended.pid}.mp4", "a[1].mp4"]
    for name in (*kept, f".a[1].{ended.pid}.mp4", f".a[1].{2**70}.mp4"):
        (tmp_path / name).touch()
    assert process_aside(path).name == f".a[1].{os.getpid()}.mp4"
    assert sorted(left.name for left in tmp_path.iterdir()) == sorted(kept)
