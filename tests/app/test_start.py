"""How the demo starts: with models from a Hub, and when it cannot."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import suppress

import pytest
from gradio_client import Client, handle_file
from hub_standin import hub_standin
from scripts import ROOT, serving

from diat.hub import EMBEDDED


@pytest.fixture
def hub():
    with hub_standin() as running:
        yield running


def variables(hub, tmp_path) -> dict[str, str]:
    return {"HF_ENDPOINT": hub.address, "HF_HOME": str(tmp_path / "cache"), "HF_HUB_DISABLE_XET": "1"}


def test_the_demo_offers_what_the_organisation_holds_and_runs_it(hub, tmp_path, hopper_path):
    hub.repositories["org/diat-eyeglasses-remove"] = EMBEDDED / "eyeglasses_remove"
    with serving(tmp_path / "log", "--models", "org", **variables(hub, tmp_path)) as address:
        page = json.load(urllib.request.urlopen(f"{address}/config", timeout=30))
        radio = next(c["props"] for c in page["components"] if c["props"].get("elem_id") == "attribute")
        assert [name for _, name in radio["choices"]] == ["eyeglasses_remove"] == [radio["value"]]
        client = Client(address, verbose=False)
        *_, sentence = client.predict(handle_file(hopper_path), "eyeglasses_remove", 1.0, [], True, api_name="/edit")
        assert "identity similarity" in sentence
    assert any("diat-eyeglasses-remove/resolve" in request for request in hub.requests)


def test_an_organisation_without_models_is_one_sentence(hub, tmp_path):
    done = subprocess.run(
        [sys.executable, str(ROOT / "app.py"), "--models", "org"],
        capture_output=True, text=True, timeout=120, env={**os.environ, **variables(hub, tmp_path)},
    )  # fmt: skip
    assert done.returncode == 1
    assert "holds no model" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("port", ["taken", "99999", "abc"])
def test_a_port_that_cannot_be_had_is_one_sentence(port):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        number = str(holder.getsockname()[1]) if port == "taken" else port
        done = subprocess.run(
            [sys.executable, str(ROOT / "app.py")],
            capture_output=True, text=True, timeout=120, env={**os.environ, "GRADIO_SERVER_PORT": number},
        )  # fmt: skip
    assert done.returncode != 0
    assert "port" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_public_address_is_asked_for_and_its_lack_is_one_sentence(tmp_path):
    with socket.socket() as proxy:  # of the way out, which it notes and closes
        proxy.bind(("127.0.0.1", 0))
        proxy.listen()
        asked: list[bytes] = []

        def refuse() -> None:
            with suppress(OSError):  # the test is over
                while True:
                    connection, _ = proxy.accept()
                    asked.append(connection.recv(200).split(b"\r\n")[0])
                    connection.close()

        threading.Thread(target=refuse, daemon=True).start()
        way_out = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        names = {"HTTPS_PROXY": way_out, "https_proxy": way_out, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
        log = tmp_path / "log"
        with serving(log, "--share", HF_HUB_OFFLINE="1", **names):
            for _ in range(240):
                if "public address" in log.read_text():
                    break
                time.sleep(0.25)
    said = log.read_text()
    assert "No public address could be opened: check the network." in said and "Traceback" not in said
    assert "DIAT is on http://127.0.0.1" in said and "frpc" not in said
    assert any(line.startswith(b"CONNECT") for line in asked)


def test_uploads_are_the_servers_alone_and_go_with_it(tmp_path, hopper_path):
    uploads = tmp_path / "uploads"
    with serving(tmp_path / "log", GRADIO_TEMP_DIR=str(uploads), HF_HUB_OFFLINE="1") as address:
        client = Client(address, verbose=False)
        client.predict(handle_file(hopper_path), "mouth_open", 1.0, [], True, api_name="/edit")
        files = [path for path in uploads.rglob("*") if path.is_file()]
        assert len(files) >= 2  # the upload and the result
        assert not [path for path in files if path.stat().st_mode & 0o077]
    assert list(uploads.iterdir()) == []
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_the_demo_is_a_command_too():
    command = [sys.executable, "-m", "diat", "demo", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    for option in ("--auth", "--root-path", "--allowed-host", "--models"):
        assert option in done.stdout
    done = subprocess.run([*command[:-1], "--auth", "nobody"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "give USER:PASSWORD" in done.stderr
