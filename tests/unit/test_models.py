"""A model's files as networks, and where models lie; `test_hub.py` damages them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from diat.errors import DiatError, ModelRejected
from diat.field_network import FieldNetwork
from diat.heads import HEADS
from diat.hub import EMBEDDED, load_model
from diat.models import (
    CONFIG,
    ENHANCER_PREFIX,
    MANIFEST,
    MAX_FILE_BYTES,
    WEIGHTS,
    Model,
    ModelConfig,
    load_field_network,
    load_folder,
    load_networks,
    model_folders,
    save_model,
    write_model,
)
from diat.networks import GlobalEnhancer, LocalEnhancer, TransformNetwork


@pytest.mark.parametrize(
    ("enhancer", "n_blocks", "residual"), [("none", 2, True), ("local", 5, False), ("global", 5, True)]
)
def test_networks_come_back_as_they_were_saved(tmp_path, enhancer, n_blocks, residual):
    torch.manual_seed(1)
    transform = TransformNetwork(n_blocks, residual)
    second = {"none": lambda: None, "local": LocalEnhancer, "global": GlobalEnhancer}[enhancer]()
    config = ModelConfig("mouth_open", n_blocks=n_blocks, residual=residual, enhancer=enhancer)
    save_model(transform, config, tmp_path / "model", {"steps": 1}, second)
    model = load_folder(tmp_path / "model", "here", None)
    assert model.source == "here" and model.training == {"steps": 1}
    found = load_networks(model)
    assert (found[1] is None) == (second is None)
    x = torch.rand(1, 3, 16, 16)
    again = TransformNetwork(n_blocks, residual).eval()
    again.load_state_dict(found[0].state_dict())
    assert torch.equal(found[0](x), again(x))
    for network, original in zip(found, (transform, second), strict=True):
        if network is None:
            continue
        assert type(network) is type(original) and not network.training
        for name, value in original.state_dict().items():
            if value.is_floating_point():
                assert torch.equal(network.state_dict()[name], value.half().float())


def test_a_network_with_heads_comes_back_and_has_no_t(tmp_path):
    name = next(iter(HEADS))
    network = FieldNetwork(HEADS[name])
    config = ModelConfig("mouth_open", heads=name, size=HEADS[name].size)
    save_model(network, config, tmp_path / "model", {})
    model = load_folder(tmp_path / "model", "here", "mouth_open")
    again = load_field_network(model)
    assert not again.training
    assert {key: value.dtype for key, value in model.weights.items()} == dict.fromkeys(model.weights, np.float32)
    for key, value in network.state_dict().items():
        if value.is_floating_point():
            assert torch.equal(again.state_dict()[key], value.half().float())
    with pytest.raises(ModelRejected, match="here predicts fields and has no network T"):
        load_networks(model)


def test_weights_of_the_enhancer_stand_under_its_prefix(tmp_path):
    save_model(TransformNetwork(), ModelConfig("mouth_open", enhancer="local"), tmp_path, {}, LocalEnhancer())
    names = load_folder(tmp_path, "here", None).weights
    assert any(name.startswith(ENHANCER_PREFIX) for name in names)
    with pytest.raises(ModelRejected, match="of another network: missing none, unknown \\['enhancer.conv1.bias'"):
        _rewrite(tmp_path, enhancer="none")


def _rewrite(folder, **values) -> Model:
    """The model with another configuration, and a manifest that fits it."""
    model = load_folder(folder, "here", None)
    write_model(folder, replace(model.config, **values), model.weights, {})
    return load_folder(folder, "here", None)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"n_blocks": 0}, "describes no known network"),
        ({"n_blocks": 17}, "describes no known network"),
        ({"strength": 0.0}, "describes no known network"),
        ({"strength": 4.1}, "describes no known network"),
        ({"size": 100}, "describes no known network"),
        ({"enhancer": "other"}, "describes no known network"),
        ({"heads": "other"}, "describes no known network"),
        ({"strength": "1"}, "strength in .* is '1', no float"),
        ({"residual": 1}, "residual in .* is '1', no bool"),
        ({"attribute": 5}, "attribute in .* is '5', no str"),
        ({"format": "diat-model-2"}, "of format 'diat-model-2', and this version reads 'diat-model-1': update"),
        ({"attribute": "mouth_wide"}, "of an attribute that is not known here"),
        ({"region": "nowhere"}, "of an attribute that is not known here"),
    ],
)
def test_a_configuration_that_is_out_of_range_is_refused(tmp_path, values, sentence):
    save_model(TransformNetwork(), ModelConfig("mouth_open"), tmp_path, {})
    with pytest.raises(ModelRejected, match=sentence):
        _rewrite(tmp_path, **values)


@pytest.mark.parametrize("values", [{"strength": 4.0}, {"strength": 2}, {"windowed": True}, {"size": 256}])
def test_a_configuration_at_the_edge_is_taken(tmp_path, values):
    save_model(TransformNetwork(), ModelConfig("mouth_open"), tmp_path, {})
    (name, value), config = *values.items(), _rewrite(tmp_path, **values).config
    assert getattr(config, name) == value


def test_heads_run_at_their_own_size_alone(tmp_path):
    name = next(iter(HEADS))
    save_model(FieldNetwork(HEADS[name]), ModelConfig("mouth_open", heads=name, size=HEADS[name].size), tmp_path, {})
    for wrong in ({"size": HEADS[name].size * 2}, {"enhancer": "local"}):
        with pytest.raises(ModelRejected, match="describes no known network"):
            _rewrite(tmp_path, **wrong)
        _rewritten_back(tmp_path, name)


def _rewritten_back(folder, name) -> None:
    save_model(FieldNetwork(HEADS[name]), ModelConfig("mouth_open", heads=name, size=HEADS[name].size), folder, {})


def test_a_model_made_before_there_were_heads_draws_its_result(tmp_path):
    save_model(TransformNetwork(), ModelConfig("mouth_open"), tmp_path, {})
    config = json.loads((tmp_path / CONFIG).read_text())
    del config["heads"], config["training"]
    (tmp_path / CONFIG).write_text(json.dumps(config))
    from hashlib import sha256

    digests = {name: sha256((tmp_path / name).read_bytes()).hexdigest() for name in (CONFIG, WEIGHTS)}
    (tmp_path / MANIFEST).write_text(json.dumps(digests))
    model = load_model(tmp_path)
    assert model.config.heads == "rgb" and model.training == {}


@pytest.mark.parametrize("text", ["[1]", '"text"', "{", "null"])
def test_a_manifest_that_is_no_object_is_refused(tmp_path, text):
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(ModelRejected, match=f"{MANIFEST} in .* is not (a JSON object|JSON)"):
        load_folder(tmp_path, "here", None)


def test_a_folder_without_anything_and_one_that_is_not_there_are_refused(tmp_path):
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(ModelRejected, match=f"lacks {MANIFEST} \\(found nothing\\): expected {WEIGHTS}"):
            load_folder(folder, "here", None)


def test_a_file_beyond_all_measure_is_refused_unread(tmp_path):
    save_model(TransformNetwork(), ModelConfig("mouth_open"), tmp_path, {})
    with (tmp_path / WEIGHTS).open("r+b") as file:
        file.truncate(MAX_FILE_BYTES + 1)  # a hole, which takes no room
    with pytest.raises(ModelRejected, match=f"lacks {WEIGHTS}, which its manifest names"):
        load_folder(tmp_path, "here", None)


def test_a_folder_of_models_is_taken_apart(tmp_path):
    assert model_folders(EMBEDDED / "mouth_open") == [EMBEDDED / "mouth_open"]
    folders = model_folders(EMBEDDED)
    assert folders == sorted(folders) and EMBEDDED / "mouth_close" in folders
    with pytest.raises(DiatError, match="holds no model: give the folder of one"):
        model_folders(tmp_path)
