"""Models from a Hub that is well, ill, slow, away or lying, through the unmodified client of `huggingface_hub`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from hub_standin import TOKEN, HubStandin, hub_standin

from diat.hub import EMBEDDED, load_model
from diat.models import WEIGHTS, ModelConfig, save_model
from diat.networks import TransformNetwork

REPOSITORY = "org/diat-mouth-close"

LOAD = """
import json, logging, sys, numpy
logging.disable(logging.CRITICAL)
from diat.errors import ModelRejected
from diat.hub import load_model, models_of
try:
    if sys.argv[1] == "list":
        print(*models_of("org"))
    else:
        model = load_model(sys.argv[1], **json.loads(sys.argv[2]))
        numpy.savez(sys.argv[3], **model.weights)
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

    def ask(name: str = REPOSITORY, **options: object) -> tuple[str, float]:
        environment = {**os.environ, "HF_ENDPOINT": hub.address, "HF_HOME": str(tmp_path / "cache")}
        environment |= {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_XET": "1"}
        environment.pop("HF_HUB_OFFLINE", None)
        start = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-c", LOAD, name, json.dumps(options), str(tmp_path / "weights.npz")],
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


@pytest.mark.parametrize("fault", [401, 403, 404, 429, 500, 503, "stalled", "dripping", "cut"])
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
    config = ModelConfig("mouth_close")
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


def test_a_model_of_any_column_is_listed_however_its_name_is_written(hub, load):
    hub.repositories |= {"org/diat-smiling": EMBEDDED / "mouth_open", "org/diat-not-5-o-Clock-Shadow": EMBEDDED}
    assert load("list")[0] == "mouth_close Smiling not-5_o_Clock_Shadow"


def test_a_model_in_a_subfolder_and_a_cache_of_its_own(hub, load, tmp_path):
    shutil.copytree(EMBEDDED / "mouth_open", tmp_path / "many" / "open")
    shutil.copytree(EMBEDDED / "mouth_close", tmp_path / "many" / "close")
    hub.repositories["org/many"] = tmp_path / "many"
    own = tmp_path / "own cache"
    assert load("org/many", subfolder="open", attribute="mouth_open", cache_dir=str(own))[0].startswith("org/many@")
    assert own.is_dir() and not (tmp_path / "cache" / "hub").exists()
    assert not [request for request in hub.requests if "resolve" in request and "close" in request]
    assert "lacks manifest.json" in load("org/many", subfolder="nothing")[0]


def test_without_the_network_the_cache_alone_is_asked(hub, load):
    assert "the network is not to be used" in load(local_files_only=True)[0]
    assert hub.requests == []
    load()
    hub.requests.clear()
    assert load(local_files_only=True)[0] == f"{REPOSITORY}@{hub.commit(REPOSITORY)}|{hub.commit(REPOSITORY)}"
    assert hub.requests == []


def test_a_forced_download_asks_again_and_takes_no_cached_copy(hub, load):
    def fetched() -> int:
        return sum(request.startswith("GET") and request.endswith(WEIGHTS) for request in hub.requests)

    load()
    load()
    assert fetched() == 1
    load(force_download=True)
    assert fetched() == 2
    hub.fault = 500
    assert load(force_download=True)[0].startswith("rejected: ")


def test_a_token_is_sent_and_a_gated_repository_says_so(hub, load):
    hub.gated.add(REPOSITORY)
    said, _ = load()
    assert f"{REPOSITORY} is gated: ask for access" in said
    assert load(token=TOKEN)[0].startswith(f"{REPOSITORY}@")


def test_an_organisation_without_models_is_one_sentence(hub, load):
    hub.repositories.clear()
    assert "'org' holds no model called org/diat-..." in load("list")[0]
    assert (EMBEDDED / "mouth_close" / WEIGHTS).is_file()
