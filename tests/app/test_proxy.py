"""The demo with a login, under a path, behind a real reverse proxy."""

from __future__ import annotations

import contextlib
import http.cookiejar
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, expect
from scripts import serving
from websockets.sync.client import connect

from diat.pages.access import SIGN_IN

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
# As root nginx would give its work to "nobody", who cannot write here; others ignore the line.
CONFIGURATION = """
daemon off; user root; pid {folder}/pid; error_log stderr; worker_processes 1;
events {{ }}
http {{
  access_log off; client_max_body_size 50m;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
  server {{
    listen 127.0.0.1:{port};
    location /faces/ {{
      proxy_pass {server}/;
      proxy_http_version 1.1; proxy_buffering off;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
    }}
  }}
}}
"""
LIVE = "live/frame?attribute=mouth_close&consent=true"


@pytest.fixture(scope="module")
def jpeg(collins: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", cv2.resize(collins, (320, 320))[..., ::-1])[1].tobytes()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory) -> Iterator[str]:
    log = tmp_path_factory.mktemp("guarded") / "log"
    with serving(log, "--auth", "alice:secret", "--root-path", "/faces", HF_HUB_OFFLINE="1") as address:
        yield address


@pytest.fixture(scope="module")
def proxied(guarded: str, tmp_path_factory) -> Iterator[str]:
    """The guarded server as its visitors reach it, under /faces/."""
    if NGINX is None:
        pytest.skip("needs nginx: apt-get install nginx-light")
    folder = tmp_path_factory.mktemp("nginx")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    path = Path(folder) / "nginx.conf"
    path.write_text(CONFIGURATION.format(folder=folder, port=port, server=guarded))
    process = subprocess.Popen([NGINX, "-p", str(folder), "-c", str(path)], stderr=subprocess.DEVNULL)
    for _ in range(100):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            break
        time.sleep(0.1)
    yield f"http://127.0.0.1:{port}/faces/"
    process.terminate()
    process.wait(20)


def refused(address: str, data: bytes | None = None, **headers: str) -> int:
    try:
        return urllib.request.urlopen(urllib.request.Request(address, data, headers), timeout=30).status
    except urllib.error.HTTPError as error:
        return error.code


def signed_in(address: str) -> urllib.request.OpenerDirector:
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    opener.open(f"{address}login", urllib.parse.urlencode({"username": "alice", "password": "secret"}).encode(), 30)
    return opener


def test_nothing_is_had_without_the_login(guarded, jpeg):
    assert refused(f"{guarded}/{LIVE}", jpeg) == 401
    assert refused(f"{guarded}/gradio_api/call/edit", b"{}", **{"Content-Type": "application/json"}) == 401
    assert refused(f"{guarded}/gradio_api/upload", b"") == 401
    assert refused(f"{guarded}/openapi.json") == 404
    for route in ("info", "queue/data?session_hash=x", "file=/tmp/x", "heartbeat/x"):
        assert refused(f"{guarded}/gradio_api/{route}") in (401, 403, 404, 405), route
    with connect(guarded.replace("http", "ws") + "/live") as client:
        assert json.loads(client.recv(timeout=10))["error"] == SIGN_IN


def test_a_signed_in_visitor_is_served_under_the_path(proxied, jpeg):
    # Without a body: a proxy may take an answer that comes before all of one was read for a broken connection.
    assert refused(f"{proxied}{LIVE}", b"") == 401
    opener = signed_in(proxied)
    with opener.open(urllib.request.Request(f"{proxied}{LIVE}", jpeg), timeout=60) as reply:
        assert reply.status == 200
        assert reply.read(2) == b"\xff\xd8"


@pytest.mark.parametrize("blocked", [False, True], ids=["websocket", "posted"])
def test_the_pages_work_under_the_path_the_webcam_included(proxied, browser: Browser, collins_path, blocked):
    context = browser.new_context(permissions=["camera"], viewport={"width": 1280, "height": 1000})
    page = context.new_page()
    if blocked:
        page.add_init_script(
            "window.WebSocket = class { constructor() { setTimeout(() => this.onclose(), 0); } close() {} send() {} };"
        )
    page.goto(proxied)
    page.get_by_label("username").fill("alice")
    page.get_by_label("password").fill("secret")
    page.get_by_role("button", name="Login").click()
    page.wait_for_selector("#photo", timeout=60_000)
    if not blocked:
        page.locator("#consent input").check()
        page.locator("#photo input[type=file]").set_input_files(collins_path)
        expect(page.locator("#result .message")).to_contain_text("recognisable", timeout=60_000)
    page.get_by_role("tab", name="Webcam").click()
    page.check("#consent input")
    page.click("#live-start")
    page.wait_for_function("document.querySelector('#live-rate').textContent.includes('fps')", timeout=60_000)
    context.close()


def test_another_name_and_another_site_are_refused(server, jpeg):
    assert refused(server, None, Host="evil.example") == 421
    assert refused(f"{server}/{LIVE}", jpeg, Origin="http://evil.example") == 403
    assert refused(f"{server}/gradio_api/upload", b"x", Origin="http://evil.example") == 403
