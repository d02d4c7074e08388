"""Models sent to the Hub and taken from it again, and a Hub that refuses, through the unmodified client."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from hub_standin import TOKEN, HubStandin, files_of, hub_standin
from scripts import ROOT

from diat.attributes import ATTRIBUTES
from diat.hub import EMBEDDED, load_model
from diat.models import WEIGHTS

REPOSITORY = "org/diat-mouth-close"

LOAD = """
import sys, numpy
from diat.hub import load_model
numpy.savez(sys.argv[1], **load_model(sys.argv[2]).weights)
"""


OWN = """
import sys
from diat import FaceEditor
editor = FaceEditor.from_pretrained("mouth_close", detector=object())
print(editor.push_to_hub("org/mine", private=True, token=sys.argv[1]))
"""


@pytest.fixture
def hub(tmp_path: Path):
    with hub_standin(tmp_path / "hub") as running:
        yield running


def push(hub: HubStandin, cache: Path, *arguments: object, token: str = TOKEN) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HF_ENDPOINT": hub.address, "HF_HOME": str(cache), "HF_TOKEN": token}
    environment |= {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_XET": "1"}
    command = [sys.executable, str(ROOT / "train" / "push.py"), "--organisation", "org", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)


def written(hub: HubStandin) -> list[str]:
    return [request for request in hub.requests if not request.startswith(("GET", "HEAD"))]


def test_a_dry_run_lists_what_it_would_send_and_asks_the_hub_for_nothing(hub, tmp_path):
    done = push(hub, tmp_path / "cache")
    assert done.returncode == 0, done.stderr
    for attribute in ATTRIBUTES:
        assert f"org/diat-{attribute.replace('_', '-')}" in done.stdout
    for name in (WEIGHTS, "config.json", "manifest.json", "README.md", "samples/eileen_collins.jpg"):
        assert name in done.stdout
    assert "Nothing was sent" in done.stdout
    assert hub.requests == []


def test_what_is_pushed_comes_back_bit_equal_and_is_not_pushed_twice(hub, tmp_path):
    folder = EMBEDDED / "mouth_close"
    done = push(hub, tmp_path / "cache", "--models", folder, "--push")
    assert done.returncode == 0, done.stderr
    assert hub.commit(REPOSITORY) in done.stdout
    assert sum("/commit/" in request for request in written(hub)) == 1

    environment = {**os.environ, "HF_ENDPOINT": hub.address, "HF_HOME": str(tmp_path / "other")}
    environment |= {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    subprocess.run([sys.executable, "-c", LOAD, str(tmp_path / "w.npz"), REPOSITORY], check=True, env=environment)
    weights, original = np.load(tmp_path / "w.npz"), load_model(folder).weights
    assert sorted(weights.files) == sorted(original)
    for name in original:
        np.testing.assert_array_equal(weights[name], original[name])

    again = push(hub, tmp_path / "cache", "--models", folder, "--push")
    assert again.returncode == 0, again.stderr
    assert sum("/commit/" in request for request in written(hub)) == 1


def test_the_card_has_metadata_that_parses_and_says_the_terms(hub, tmp_path):
    assert push(hub, tmp_path / "cache", "--models", EMBEDDED / "mouth_close", "--push").returncode == 0
    files = {
        path.relative_to(hub.repositories[REPOSITORY]).as_posix(): path
        for path in files_of(hub.repositories[REPOSITORY])
    }
    _, front, text = files["README.md"].read_text().split("---\n", 2)
    metadata = yaml.safe_load(front)
    assert metadata["library_name"] == "diat"
    assert metadata["license"] == "other"
    assert metadata["pipeline_tag"] == "image-to-image"
    assert "flwrlabs/celeba" in metadata["datasets"]
    assert "non-commercial research only" in text
    assert f'from_pretrained("{REPOSITORY}")' in text
    assert "samples/eileen_collins.jpg" in text
    assert "samples/eileen_collins.jpg" in files


def test_a_hub_that_is_not_there_is_one_sentence(tmp_path):
    nobody = SimpleNamespace(address="http://127.0.0.1:9")  # where nothing listens
    done = push(nobody, tmp_path / "cache", "--models", EMBEDDED / "mouth_close", "--push")
    assert done.returncode == 1
    assert "The Hub could not be reached" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("fault", "token", "sentence"),
    [(None, "hf_wrong", "log in"), (500, TOKEN, "try again later"), (None, "", "log in")],
)
def test_a_hub_that_refuses_is_one_sentence_and_nothing_is_changed(hub, tmp_path, fault, token, sentence):
    hub.fault = fault
    done = push(hub, tmp_path / "cache", "--models", EMBEDDED / "mouth_close", "--push", token=token)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert hub.repositories == {}


def test_a_refused_commit_says_that_an_empty_repository_is_left_once_it_was_created(hub, tmp_path):
    hub.fault = "read only"
    for left in (f"{REPOSITORY} was created and is empty", f"{REPOSITORY} is as it was"):
        done = push(hub, tmp_path / "cache", "--models", EMBEDDED / "mouth_close", "--push")
        assert done.returncode == 1
        assert left in done.stderr
    assert files_of(hub.repositories[REPOSITORY]) == []


def test_a_damaged_model_is_never_sent(hub, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(EMBEDDED / "mouth_close", folder)
    data = bytearray((folder / WEIGHTS).read_bytes())
    data[-1] ^= 1
    (folder / WEIGHTS).write_bytes(data)
    done = push(hub, tmp_path / "cache", "--models", folder, "--push")
    assert done.returncode == 1
    assert "differs from its manifest" in done.stderr
    assert hub.requests == []


def test_an_editor_pushes_its_model_with_a_card(hub, tmp_path):
    environment = {**os.environ, "HF_ENDPOINT": hub.address, "HF_HOME": str(tmp_path / "cache")}
    environment |= {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_XET": "1"}
    command = [sys.executable, "-c", OWN, TOKEN]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == hub.commit("org/mine")
    folder = hub.repositories["org/mine"]
    assert sorted(path.name for path in files_of(folder)) == ["README.md", "config.json", "manifest.json", WEIGHTS]
    sent, original = load_model(folder), load_model("mouth_close")
    assert sent.config == original.config and sent.training == original.training
    for name, value in original.weights.items():
        np.testing.assert_array_equal(sent.weights[name], value)
    assert "non-commercial" in (folder / "README.md").read_text()
