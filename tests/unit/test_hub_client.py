"""Models through `huggingface_hub`'s client, in this process; `tests/faults/test_downloads.py` does it as users do."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import pytest
from hub_standin import TOKEN, HubStandin, hub_standin
from huggingface_hub import constants

from diat import hub as diat_hub
from diat.errors import ModelRejected
from diat.hub import EMBEDDED, load_model, models_of
from diat.models import CONFIG, MANIFEST, WEIGHTS

REPOSITORY = "org/diat-mouth-close"
SECONDS = 1.5  # of patience, so that a stalled Hub does not stop the tests for nine


@pytest.fixture(scope="module")
def standin():
    with hub_standin() as running:
        yield running


@pytest.fixture
def hub(standin: HubStandin, tmp_path: Path, monkeypatch):
    """A Hub with one repository, and a client whose cache is empty."""
    standin.repositories = {REPOSITORY: EMBEDDED / "mouth_close"}
    standin.fault, standin.gated = None, set()
    standin.requests.clear()
    standin.released.clear()
    monkeypatch.setattr(constants, "ENDPOINT", standin.address)
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", standin.address + "/{repo_id}/resolve/{revision}/{filename}"
    )
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    yield standin
    standin.released.set()


def test_a_model_says_its_commit_and_comes_from_the_cache_when_the_hub_fails(hub, monkeypatch, caplog):
    commit = hub.commit(REPOSITORY)
    model = load_model(REPOSITORY)
    assert (model.source, model.revision, model.notices) == (f"{REPOSITORY}@{commit}", commit, ())
    assert [name for name in (CONFIG, MANIFEST, WEIGHTS) if any(name in asked for asked in hub.requests)] == [
        CONFIG,
        MANIFEST,
        WEIGHTS,
    ]
    monkeypatch.setattr(diat_hub, "STALL_TIMEOUT_S", SECONDS)
    hub.fault = "stalled"
    with caplog.at_level(logging.WARNING, "diat.hub"):
        again = load_model(REPOSITORY)
    assert again.revision == commit and again.source == model.source
    assert again.notices == (f"The Hub could not be reached (TimeoutError): the cached copy of {REPOSITORY} is used.",)
    assert "cached copy" in caplog.text
    with pytest.raises(ModelRejected, match="is not in the cache: check the network and the disk"):
        load_model(REPOSITORY, force_download=True)


def test_a_hub_that_is_to_be_left_alone_is(hub, monkeypatch):
    with pytest.raises(ModelRejected, match="the network is not to be used"):
        load_model(REPOSITORY, local_files_only=True)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ModelRejected, match="the network is not to be used"):
        load_model(REPOSITORY)
    assert hub.requests == []


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        (REPOSITORY, {"revision": "nowhere"}, "no revision 'nowhere': check the name"),
        ("org/nothing", {}, "The Hub has no 'org/nothing', or it is private"),
        ("or g/na me", {}, "'or g/na me' is not a valid repository name"),
        (REPOSITORY, {"attribute": "mouth_open"}, "holds 'mouth_close', not 'mouth_open'"),
        (REPOSITORY, {"subfolder": "none"}, f"{REPOSITORY} lacks {MANIFEST}, {CONFIG} and {WEIGHTS}"),
    ],
)
def test_what_the_hub_does_not_hold_is_one_sentence(hub, name, options, sentence):
    with pytest.raises(ModelRejected, match=sentence):
        load_model(name, **options)


def test_the_commit_of_the_revision_that_was_asked_for_is_what_counts(hub):
    commit = hub.commit(REPOSITORY)
    assert load_model(REPOSITORY, revision=commit).revision == commit
    assert f"GET /api/models/{REPOSITORY}/revision/{commit}" in hub.requests


def test_a_gated_repository_wants_the_token(hub):
    hub.gated.add(REPOSITORY)
    with pytest.raises(ModelRejected, match=f"{REPOSITORY} is gated: ask for access"):
        load_model(REPOSITORY)
    assert load_model(REPOSITORY, token=TOKEN).config.attribute == "mouth_close"


def test_a_subfolder_alone_is_fetched_into_the_cache_that_was_named(hub, tmp_path):
    for name in ("mouth_open", "mouth_close"):
        shutil.copytree(EMBEDDED / name, tmp_path / "many" / "models" / name)
    hub.repositories["org/many"] = tmp_path / "many"
    options = {"subfolder": "models/mouth_open", "cache_dir": tmp_path / "own"}
    assert load_model("org/many", **options).revision == hub.commit("org/many")
    assert not [asked for asked in hub.requests if "resolve" in asked and "mouth_close" in asked]
    assert (tmp_path / "own").is_dir() and not (tmp_path / "cache").exists()
    hub.requests.clear()
    assert load_model("org/many", local_files_only=True, **options).config.attribute == "mouth_open"
    assert hub.requests == []


def test_a_download_that_was_given_up_is_not_taken_for_a_copy(hub):
    load_model(REPOSITORY)
    for path in Path(constants.HF_HUB_CACHE).rglob(WEIGHTS):
        path.unlink()
    with pytest.raises(ModelRejected, match="is not in the cache"):
        load_model(REPOSITORY, local_files_only=True)


@pytest.mark.parametrize("fault", ["cut", "dripping"])
def test_weights_that_never_become_whole_are_given_up(hub, monkeypatch, fault):
    monkeypatch.setattr(diat_hub, "STALL_TIMEOUT_S", SECONDS)
    hub.fault = fault
    with pytest.raises(ModelRejected, match="could not be fetched from the Hub"):
        load_model(REPOSITORY)


def test_weights_of_another_content_are_refused(hub):
    hub.fault = "tampered"
    with pytest.raises(ModelRejected, match="differs from its manifest"):
        load_model(REPOSITORY)


def test_a_client_that_falls_back_to_its_cache_is_found_out(hub, monkeypatch):
    """Between the question for the newest commit and the files the Hub may go away."""
    old = load_model(REPOSITORY)
    monkeypatch.setattr(HubStandin, "commit", lambda *_: "f" * 40)
    monkeypatch.setattr(diat_hub, "_file", lambda _, options, name, alive: _cached_file(name))
    again = load_model(REPOSITORY)
    assert again.revision == old.revision and "ConnectionError" in again.notices[0]


def _cached_file(name: str) -> str:
    return str(next(Path(constants.HF_HUB_CACHE).rglob(f"snapshots/*/{name}")))


def test_an_organisations_models_are_listed_and_without_the_hub_those_in_the_cache(hub, monkeypatch):
    hub.repositories |= {
        "org/diat-not-5-o-Clock-Shadow": EMBEDDED,
        "org/diat-mouth-open": EMBEDDED / "mouth_open",
        "org/other": EMBEDDED,
    }
    assert list(models_of("org").items()) == [
        ("mouth_open", "org/diat-mouth-open"),
        ("mouth_close", "org/diat-mouth-close"),
        ("not-5_o_Clock_Shadow", "org/diat-not-5-o-Clock-Shadow"),
    ]
    with pytest.raises(ModelRejected, match="'nobody' holds no model called nobody/diat-..."):
        models_of("nobody")
    load_model(REPOSITORY)
    monkeypatch.setattr(diat_hub, "STALL_TIMEOUT_S", SECONDS)
    hub.fault = "stalled"
    assert models_of("org") == {"mouth_close": REPOSITORY}
