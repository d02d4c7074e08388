"""Who may ask the server, and what it keeps of them."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from diat.pages.access import SiteGuard, hostname, site_hosts
from diat.pages.uploads import KEPT_SECONDS, PREFIX, remove_abandoned, sweep, upload_folder


def client(host: str = "127.0.0.1", *allowed: str) -> TestClient:
    async def answer(request):
        return PlainTextResponse("here")

    app = Starlette(
        routes=[Route("/", answer, methods=["GET", "POST"])],
        middleware=[Middleware(SiteGuard, hosts=site_hosts(host, allowed))],
    )
    return TestClient(app)


@pytest.mark.parametrize(
    ("host", "allowed", "asked", "status"),
    [
        ("127.0.0.1", (), "localhost:7860", 200),
        ("127.0.0.1", (), "127.0.0.1:7860", 200),
        ("127.0.0.1", (), "evil.example", 421),
        ("127.0.0.1", ("faces.example.org",), "Faces.Example.org", 200),
        ("0.0.0.0", (), "anything.example", 200),  # a container, which does not know its name
        ("0.0.0.0", ("faces.example.org",), "evil.example", 421),
    ],
)
def test_only_its_own_names_are_answered(host, allowed, asked, status):
    assert client(host, *allowed).get("/", headers={"Host": asked}).status_code == status


@pytest.mark.parametrize(
    ("origin", "status"), [(None, 200), ("http://localhost:7860", 200), ("http://evil.example", 403), ("null", 403)]
)
def test_another_sites_page_cannot_post(origin, status):
    headers = {"Host": "localhost:7860", **({"Origin": origin} if origin else {})}
    answered = client().post("/", headers=headers)
    assert answered.status_code == status
    assert client().get("/", headers=headers).status_code == 200


def test_answers_carry_security_headers():
    headers = client().get("/", headers={"Host": "localhost"}).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'self'" in headers["content-security-policy"]


def test_a_host_loses_its_port():
    assert [hostname(host) for host in ("A.b:80", "a.b", "[::1]:80", "")] == ["a.b", "a.b", "[::1]", ""]


def test_the_upload_folder_is_the_users_alone_and_goes_with_the_server(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    with upload_folder() as folder:
        assert folder.parent == tmp_path
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "face.jpg").write_bytes(b"x")
    assert not list(tmp_path.iterdir())


def test_what_a_killed_server_left_is_removed_and_a_running_ones_is_not(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait(30)
    left, running, other = (tmp_path / name for name in (f"{PREFIX}{ended.pid}-x", f"{PREFIX}{os.getpid()}-x", "mine"))
    for folder in (left, running, other):
        folder.mkdir()
        (folder / "face.jpg").write_bytes(b"x")
    remove_abandoned(tmp_path)
    assert not left.exists()
    assert (running / "face.jpg").exists() and (other / "face.jpg").exists()


def test_old_files_are_swept_and_new_ones_stay(tmp_path):
    for name, age in (("old", KEPT_SECONDS + 5), ("new", 5)):
        (tmp_path / name).mkdir()
        file = tmp_path / name / "face.jpg"
        file.write_bytes(b"x")
        for path in (file, file.parent):
            os.utime(path, (time.time() - age,) * 2)
    (tmp_path / "tmpcut").write_bytes(b"an upload that was cut off")
    os.utime(tmp_path / "tmpcut", (0, 0))
    sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["face.jpg", "new", "old"]
    os.utime(tmp_path / "old", (0, 0))  # emptied a while ago
    sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["face.jpg", "new"]
