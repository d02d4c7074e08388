"""What the server keeps of its visitors, and how much of it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from diat.pages import uploads
from diat.pages.guards import BUSY, FULL, BusyAnswer, DiskQuota
from diat.pages.page import TERMS
from diat.pages.uploads import Renewal, Sweeper, files_in_work, folder_bytes, remove_abandoned, upload_folder

HOLD = """
import sys, time
from diat.pages.uploads import upload_folder
with upload_folder() as folder:
    (folder / "face.jpg").write_bytes(b"x")
    print(folder, flush=True)
    time.sleep(60)
"""


def aged(path: Path, seconds: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    for part in (path, path.parent):
        os.utime(part, (time.time() - seconds,) * 2)
    return path


def test_the_upload_folder_is_the_users_alone_and_goes_with_the_server(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    with upload_folder() as folder:
        assert folder.parent == tmp_path
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "face.jpg").write_bytes(b"x")
    assert not list(tmp_path.iterdir())


def test_what_a_killed_server_left_is_removed_and_a_running_ones_is_not(tmp_path):
    environment = {**os.environ, "GRADIO_TEMP_DIR": str(tmp_path)}
    server = subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True, env=environment)
    folder = Path(server.stdout.readline().strip())
    (tmp_path / "mine").mkdir()
    remove_abandoned(tmp_path)
    assert (folder / "face.jpg").exists()
    server.send_signal(signal.SIGKILL)
    server.wait(30)
    remove_abandoned(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_idle_files_are_swept_and_new_ones_stay(tmp_path):
    aged(tmp_path / "old" / "face.jpg", uploads.IDLE_SECONDS + 1)
    new = aged(tmp_path / "new" / "face.jpg", 5)
    aged(tmp_path / "tmpcut", 10_000)  # an upload that was cut off
    sweeper = Sweeper(tmp_path)
    sweeper.sweep()
    os.utime(tmp_path / "old", (0, 0))  # emptied a while ago
    sweeper.sweep()
    assert sorted(tmp_path.rglob("*")) == [new.parent, new]


def test_what_work_waits_for_stays_and_is_kept_on_after_it(tmp_path):
    film = aged(tmp_path / "film" / "film.mp4", 10_000)
    Sweeper(tmp_path, lambda: {str(film)}).sweep()
    assert time.time() - film.stat().st_mtime < 5


def test_a_file_that_is_asked_for_stays_but_not_for_ever(tmp_path, monkeypatch):
    photo = aged(tmp_path / "a" / "face.jpg", uploads.IDLE_SECONDS + 1)

    async def answer(request):
        return PlainTextResponse("here")

    client = TestClient(
        Starlette(
            routes=[Route("/gradio_api/file={path:path}", answer)], middleware=[Middleware(Renewal, folder=tmp_path)]
        )
    )
    outside = aged(tmp_path.parent / "outside.jpg", 1000)
    client.head(f"/gradio_api/file={photo}")
    client.head(f"/gradio_api/file={tmp_path}/../outside.jpg")
    assert time.time() - outside.stat().st_mtime > 900
    sweeper = Sweeper(tmp_path)
    sweeper.sweep()
    assert photo.exists()
    later = time.time() + uploads.KEPT_SECONDS + 1
    os.utime(photo, (later, later))
    monkeypatch.setattr(uploads.time, "time", lambda: later)
    sweeper.sweep()
    assert not photo.exists()


@pytest.fixture
def clock(monkeypatch) -> list[float]:
    now = [time.time()]
    monkeypatch.setattr(uploads.time, "time", lambda: now[0])
    return now


def test_an_hour_is_counted_from_the_upload_also_while_there_is_work_to_do_with_it(tmp_path, clock):
    photo = aged(tmp_path / "a" / "face.jpg", 0)
    used = {str(photo)}
    sweeper = Sweeper(tmp_path, lambda: used)
    sweeper.sweep()
    clock[0] += uploads.KEPT_SECONDS + 1
    sweeper.sweep()
    assert photo.exists()
    used.clear()
    os.utime(photo, (clock[0],) * 2)
    sweeper.sweep()
    assert not photo.exists()


def test_who_uploads_a_file_again_has_another_hour(tmp_path, clock):
    photo, again = aged(tmp_path / "a" / "face.jpg", 0), aged(tmp_path / "b" / "face.jpg", 0)
    sweeper = Sweeper(tmp_path)
    sweeper.sweep()
    clock[0] += uploads.KEPT_SECONDS + 1
    again.replace(photo)  # Gradio puts it to the same place
    os.utime(photo, (clock[0],) * 2)
    sweeper.sweep()
    assert photo.exists()


def test_the_page_says_how_long_files_are_kept():
    assert uploads.IDLE_SECONDS + 2 * uploads.SWEEP_INTERVAL <= 120 and uploads.KEPT_SECONDS == 3600
    assert "two minutes after you leave" in TERMS and "at the latest after an hour" in TERMS


def test_the_files_of_waiting_requests_are_found():
    event = SimpleNamespace(data=SimpleNamespace(data=[{"path": "/a", "meta": {}}, [{"path": "/b"}], 1.0, None]))
    queue = SimpleNamespace(event_ids_to_events={"1": event, "2": SimpleNamespace(data=None)})
    assert files_in_work(SimpleNamespace(_queue=queue)) == {"/a", "/b"}


@pytest.mark.parametrize(("route", "status"), [("/gradio_api/upload", 507), ("/other", 200)])
def test_a_full_disk_takes_no_more_uploads_and_says_when_to_come_again(tmp_path, route, status):
    async def answer(request):
        return PlainTextResponse(str(len(await request.body())))

    (tmp_path / "face.jpg").write_bytes(bytes(900))
    assert folder_bytes(tmp_path) == 900
    app = Starlette(
        routes=[Route(route, answer, methods=["POST"])],
        middleware=[Middleware(DiskQuota, folder=tmp_path, quota=1000)],
    )
    client = TestClient(app)
    assert client.post(route, content=bytes(50)).text == "50"
    answered = client.post(route, content=bytes(200))
    assert answered.status_code == status
    if status == 507:
        assert answered.json()["error"] == FULL
        assert int(answered.headers["retry-after"]) > 0


def test_a_full_queue_says_when_to_come_again():
    async def full(request):
        return JSONResponse({"detail": "Queue is full. Max size is 20 and size is 20."}, 503)

    async def fine(request):
        return PlainTextResponse("here")

    app = Starlette(routes=[Route("/full", full), Route("/", fine)], middleware=[Middleware(BusyAnswer)])
    answered = TestClient(app).get("/full")
    assert answered.status_code == 503
    assert answered.json()["detail"] == BUSY
    assert int(answered.headers["retry-after"]) > 0
    assert TestClient(app).get("/").text == "here"


def test_folders_that_vanish_meanwhile_do_not_stop_the_sweeper(tmp_path):
    for number in range(200):
        aged(tmp_path / str(number) / "deep" / "face.jpg", 10)
    ended = threading.Event()

    def remove() -> None:
        for number in range(200):
            shutil.rmtree(tmp_path / str(number))
        ended.set()

    thread = threading.Thread(target=remove)
    thread.start()
    sweeper = Sweeper(tmp_path)
    while not ended.is_set():
        sweeper.sweep()
        folder_bytes(tmp_path)
    thread.join()
    assert folder_bytes(tmp_path) == 0
