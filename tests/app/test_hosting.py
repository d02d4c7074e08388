"""The server as its owner runs it: health, logs, options, and assistants by MCP."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator

import numpy as np
import pytest
from coroutines import in_a_thread
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client
from PIL import Image
from scripts import ROOT, serving

from diat import __version__
from diat.attributes import ATTRIBUTES


@pytest.fixture(scope="module")
def hosted_log(tmp_path_factory):
    return tmp_path_factory.mktemp("hosted") / "log"


@pytest.fixture(scope="module")
def hosted(hosted_log) -> Iterator[str]:
    with serving(hosted_log, "--mcp", "--queue", "7", "--concurrency", "1", HF_HUB_OFFLINE="1") as address:
        yield address


def test_health_is_answered_to_whoever_watches(hosted):
    answer = json.load(urllib.request.urlopen(f"{hosted}/health", timeout=30))
    assert answer["status"] == "ok" and answer["version"] == __version__
    assert answer["attributes"] == list(ATTRIBUTES)


def test_each_edit_is_a_line_of_the_log_without_names(hosted, hosted_log, hopper_path, tmp_path):
    (tmp_path / "Ada Lovelace.jpg").write_bytes(hopper_path.read_bytes())
    Image.new("RGB", (300, 300), "green").save(tmp_path / "Mary.png")
    client = Client(hosted, verbose=False)
    client.predict(handle_file(tmp_path / "Ada Lovelace.jpg"), "mouth_open", 1.0, [], True, api_name="/edit")
    with pytest.raises(AppError):
        client.predict(handle_file(tmp_path / "Mary.png"), "mouth_open", 1.0, [], True, api_name="/edit")
    lines = hosted_log.read_text().splitlines()
    edited = [line for line in lines if "edited attribute=mouth_open" in line]
    assert len(edited) == 1
    pattern = (
        r"\d{4}-\d\d-\d\d [\d:,]+ INFO edited attribute=mouth_open strength=1 size=512x600 faces=1/1 milliseconds=\d+"
    )
    assert re.fullmatch(pattern, edited[0]), edited[0]
    assert [line for line in lines if "refused attribute=mouth_open reason=No face found" in line]
    assert not [line for line in lines if re.search("Ada|Mary|Lovelace", line)]


async def by_mcp(address: str, arguments: dict) -> tuple[list[str], object]:
    async with (
        streamablehttp_client(f"{address}/gradio_api/mcp/") as (read, write, _),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        tools = await session.list_tools()
        return [tool.name for tool in tools.tools], await session.call_tool("edit", arguments)


def test_an_assistant_edits_a_photograph(hosted, hopper_path, hopper):
    url = "data:image/jpeg;base64," + base64.b64encode(hopper_path.read_bytes()).decode()
    arguments = {"photo": url, "attribute": "eyeglasses_remove", "chosen": [], "consent": True}
    tools, answer = in_a_thread(by_mcp(hosted, arguments))
    assert sorted(tools) == ["attributes", "edit", "edit_all", "edit_film", "every", "faces", "verify"]
    assert not answer.isError, answer.content
    text = " ".join(part.text for part in answer.content if part.type == "text")
    assert "identity similarity" in text
    address = next(url for url in re.findall(r"'url': '([^']+)'", text) if url.endswith("-remove-glasses.jpg"))
    pixels = np.asarray(Image.open(urllib.request.urlopen(address, timeout=30)))
    assert pixels.shape == hopper.shape
    assert np.abs(pixels.astype(int) - hopper).max() > 50
    _, answer = in_a_thread(by_mcp(hosted, arguments | {"consent": False}))
    assert answer.isError and "Confirm consent first" in answer.content[0].text


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--queue", "0"], "give a whole number from 1, not '0'"),
        (["--concurrency", "many"], "give a whole number from 1"),
        (["--mcp", "--auth", "alice:secret"], "do not go together"),
        (["--log-level", "loud"], "invalid choice: 'loud'"),
    ],
)
def test_options_that_cannot_be_are_refused(options, sentence):
    command = [sys.executable, str(ROOT / "app.py"), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert sentence in done.stderr and "Traceback" not in done.stderr
