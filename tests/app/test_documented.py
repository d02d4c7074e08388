"""What README.md and docs/hosting.md say to programs does what they say."""

from __future__ import annotations

import json
import re
import subprocess
import urllib.request

from gradio_client import Client, handle_file
from scripts import ROOT

ADDRESS = "http://127.0.0.1:7860"


def block(document: str, word: str, language: str = "") -> str:
    """The block of code in a document that holds a word."""
    blocks = re.findall(rf"```{language}\n(.*?)```", (ROOT / document).read_text(), re.DOTALL)
    return next(text for text in blocks if word in text)


def test_the_readmes_call_of_the_api(server, monkeypatch):
    monkeypatch.chdir(ROOT)
    names: dict = {}
    exec(block("README.md", "gradio_client", "python").replace(ADDRESS, server), names)
    assert names["file"].endswith("eileen_collins-close-mouth.jpg")
    assert "identity similarity" in names["sentence"]


def test_the_calls_by_curl(server):
    script = block("docs/hosting.md", "curl").replace(ADDRESS, server)
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.stdout.startswith("event: complete"), done.stdout + done.stderr
    assert "grace_hopper-remove-glasses.jpg" in done.stdout


def test_the_call_that_the_page_shows_works_as_it_is(server):
    """As the page of the API writes it for Python: each parameter's default or example."""
    endpoints = json.load(urllib.request.urlopen(f"{server}/gradio_api/info", timeout=30))["named_endpoints"]
    labels = {part["label"] for endpoint in endpoints.values() for part in endpoint["returns"]}
    assert not {label for label in labels if label.startswith("value_")}
    client = Client(server, verbose=False)
    for name in ("/faces", "/edit", "/every"):
        options = {}
        for parameter in endpoints[name]["parameters"]:
            value = parameter["parameter_default"] if parameter["parameter_has_default"] else parameter["example_input"]
            if parameter["parameter_name"] == "photo":
                value = handle_file(value["path"])
            options[parameter["parameter_name"]] = value
        assert client.predict(**options, api_name=name)
