"""Models with heads: ncnn and torch give the same numbers, and the files are strictly read."""

import numpy as np
import pytest
import torch

from diat.errors import ModelRejected
from diat.field_network import FieldNetwork
from diat.heads import HEADS
from diat.hub import load_model
from diat.layers import field_shapes
from diat.models import Model, ModelConfig, load_networks, save_model
from diat.networks import TransformNetwork
from diat.runtime.engine import FieldEngine
from diat.runtime.ncnn_runtime import NcnnFields
from diat.runtime.torch_runtime import TorchFields


def random_network(name: str) -> FieldNetwork:
    """Every weight matters: random, norms included."""
    torch.manual_seed(0)
    network = FieldNetwork(HEADS[name])
    with torch.no_grad():
        for key, value in network.state_dict().items():
            if value.is_floating_point():
                random = torch.rand_like(value) + 0.5 if "var" in key or "norm.weight" in key else None
                value.copy_(torch.randn_like(value) * 0.06 if random is None else random)
    return network


def saved(name: str, folder, **changes) -> Model:
    settings = {"region": "mouth", "heads": name, "size": HEADS[name].size, **changes}
    save_model(random_network(name), ModelConfig("mouth_close", **settings), folder, {"steps": 3})
    return load_model(folder)


@pytest.mark.parametrize("name", HEADS)
def test_the_layers_are_the_networks(name):
    state = FieldNetwork(HEADS[name]).state_dict()
    assert field_shapes(HEADS[name]) == {k: tuple(v.shape) for k, v in state.items() if v.is_floating_point()}


@pytest.mark.parametrize("name", HEADS)
def test_ncnn_computes_what_torch_computes(name, tmp_path):
    model, heads = saved(name, tmp_path), HEADS[name]
    crops = np.random.default_rng(0).integers(0, 256, (2, *heads.input_shape, 3), np.uint8)
    (maps, scalars), (maps_torch, scalars_torch) = NcnnFields(model)(crops), TorchFields(model, "cpu")(crops)
    assert maps.shape == (2, *heads.map_shape, len(heads.maps))
    assert np.abs(maps_torch).max() > 1 and np.abs(scalars_torch).max() > 0.05
    np.testing.assert_allclose(maps, maps_torch, atol=2e-3)
    np.testing.assert_allclose(scalars, scalars_torch, atol=1e-3)


def test_the_engine_names_what_the_network_says(tmp_path):
    heads = HEADS["mouth_open"]
    engine = FieldEngine(saved("mouth_open", tmp_path), "cpu")
    crops = np.random.default_rng(0).integers(0, 256, (17, *heads.input_shape, 3), np.uint8)
    fields = engine.fields(crops)
    assert len(fields) == 17 and engine.fields(crops[:0]) == []
    maps, scalars = NcnnFields(saved("mouth_open", tmp_path))(crops[16:])
    np.testing.assert_array_equal(fields[16].named_maps["across"], maps[0, ..., heads.maps.index("across")])
    assert fields[16].needed == pytest.approx(1 / (1 + np.exp(-scalars[0, heads.scalars.index("gate")])), abs=1e-6)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [({"size": 128}, "no known network"), ({"enhancer": "local"}, "no known network"), ({"heads": "nose"}, "no known")],
)
def test_configurations_of_no_known_heads_are_refused(tmp_path, changes, sentence):
    config = {"region": "mouth", "heads": "mouth_close", "size": 192, **changes}
    save_model(random_network("mouth_close"), ModelConfig("mouth_close", **config), tmp_path, {})
    with pytest.raises(ModelRejected, match=sentence):
        load_model(tmp_path)


def test_weights_of_other_heads_are_refused(tmp_path):
    save_model(
        random_network("mouth_open"), ModelConfig("mouth_open", "mouth", "mouth_close", 192), tmp_path / "other", {}
    )
    with pytest.raises(ModelRejected, match=r"maps\.weight .*expected"):
        load_model(tmp_path / "other")
    save_model(TransformNetwork(), ModelConfig("mouth_open", "mouth", "mouth_close", 192), tmp_path / "t", {})
    with pytest.raises(ModelRejected, match="another network"):
        load_model(tmp_path / "t")


def test_a_model_with_heads_has_no_transform_network(tmp_path):
    with pytest.raises(ModelRejected, match="predicts fields"):
        load_networks(saved("skin", tmp_path))
