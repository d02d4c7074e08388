"""Models from a Hub that is well, ill, slow, away or lying, through the unmodified client of `huggingface_hub`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from hub_standin import HubStandin, hub_standin

from diat.hub import EMBEDDED, load_model
from diat.models import WEIGHTS, save_model
from diat.networks import TransformNetwork

REPOSITORY = "org/diat-mouth-close"

LOAD = """
import logging, sys, numpy
logging.disable(logging.CRITICAL)
from diat.errors import ModelRejected
from diat.hub import attributes_of, load_model
try:
    if sys.argv[1] == "list":
        print(*attributes_of("org"))
    else:
        model = load_model(sys.argv[1], attribute=sys.argv[2] or None, revision=sys.argv[3] or None)
        numpy.savez(sys.argv[4], **model.weights)
        print(model.source, model.revision, *model.notices, sep="|")
except ModelRejected as error:
    print("rejected:", error)
"""


@pytest.fixture
def hub():
    with hub_standin() as running:
        running.repositories[REPOSITORY] = EMBEDDED / "mouth_close"
        yield running


@pytest.fixture
def load(hub: HubStandin, tmp_path: Path):
    """Ask for a model in a process of its own, whose cache is empty at first. -> what it said, and after how long."""

    def ask(name: str = REPOSITORY, attribute: str = "", revision: str = "") -> tuple[str, float]:
        environment = {**os.environ, "HF_ENDPOINT": hub.address, "HF_HOME": str(tmp_path / "cache")}
        environment |= {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_XET": "1"}
        environment.pop("HF_HUB_OFFLINE", None)
        start = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-c", LOAD, name, attribute, revision, str(tmp_path / "weights.npz")],
            capture_output=True, text=True, timeout=120, env=environment,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("\n") == 1  # one sentence
        return done.stdout.strip(), time.monotonic() - start

    return ask


def test_what_comes_from_the_hub_is_what_was_put_there_and_says_its_commit(hub, load, tmp_path):
    said, _ = load()
    commit = hub.commit(REPOSITORY)
    assert said == f"{REPOSITORY}@{commit}|{commit}"
    expected = load_model("mouth_close").weights
    with np.load(tmp_path / "weights.npz") as found:
        assert found.keys() == expected.keys()
        assert all((found[name] == expected[name]).all() for name in expected)


def test_a_revision_can_be_asked_for_by_its_commit(hub, load):
    commit = hub.commit(REPOSITORY)
    assert load(revision=commit)[0].startswith(f"{REPOSITORY}@{commit}")
    assert "no revision 'nowhere'" in load(revision="nowhere")[0]


@pytest.mark.parametrize("fault", [401, 403, 404, 429, 500, 503, "stalled", "cut"])
def test_a_hub_that_fails_is_one_sentence_within_ten_seconds(hub, load, fault):
    hub.fault = fault
    said, seconds = load()
    assert said.startswith("rejected: ")
    assert "check" in said
    assert seconds < 10 + 4  # the process itself starts in one or two


@pytest.mark.parametrize("fault", [500, "stalled"])
def test_a_hub_that_fails_leaves_the_cached_copy_in_use_and_says_so(hub, load, fault):
    commit = hub.commit(REPOSITORY)
    load()
    hub.fault = fault
    said, seconds = load()
    assert said.startswith(f"{REPOSITORY}@{commit}|{commit}|The Hub could not be reached")
    assert "cached copy" in said
    assert seconds < 10 + 4


def test_a_hub_that_is_not_there_leaves_the_cached_copy_in_use(hub, load):
    load()
    hub.address = "http://127.0.0.1:9"
    assert "cached copy" in load()[0]


def test_tampered_weights_of_the_same_length_are_refused(hub, load):
    hub.fault = "tampered"
    assert "differs from its manifest" in load()[0]


def test_another_attribute_is_refused(load):
    assert "holds 'mouth_close', not 'mouth_open'" in load(attribute="mouth_open")[0]


def test_missing_tensors_are_refused_though_the_manifest_fits(hub, load, tmp_path):
    config = load_model("mouth_close").config
    save_model(TransformNetwork(3, residual=True), config, tmp_path / "small", {})
    hub.repositories[REPOSITORY] = tmp_path / "small"
    assert "missing ['blocks.3.conv1.weight'" in load()[0]


def test_a_pickle_alone_is_refused_and_never_asked_for(hub, load, tmp_path):
    folder = tmp_path / "pickle"
    folder.mkdir()
    torch.save({"weight": torch.zeros(3)}, folder / "pytorch_model.bin")
    hub.repositories[REPOSITORY] = folder
    assert "lacks manifest.json" in load()[0]
    assert not [request for request in hub.requests if "pytorch_model.bin" in request]


def test_a_repository_that_is_not_there_is_one_sentence(load):
    assert "The Hub has no 'org/diat-nothing'" in load("org/diat-nothing")[0]


def test_what_an_organisation_holds_is_listed_in_the_order_of_the_attributes(hub, load, tmp_path):
    shutil.copytree(EMBEDDED / "mouth_open", tmp_path / "open")
    hub.repositories |= {"org/diat-mouth-open": tmp_path / "open", "org/other": tmp_path / "open"}
    assert load("list")[0] == "mouth_open mouth_close"
    load()
    hub.fault = 500
    assert load("list")[0] == "mouth_close"  # what the cache holds


def test_an_organisation_without_models_is_one_sentence(hub, load):
    hub.repositories.clear()
    assert "'org' holds no model called org/diat-..." in load("list")[0]
    assert (EMBEDDED / "mouth_close" / WEIGHTS).is_file()
