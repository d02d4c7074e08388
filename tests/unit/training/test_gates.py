"""One gate for all models of whole faces learns who has an attribute; all else that a model says stays to the bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from safetensors.numpy import save_file
from scripts import run_script

from diat.attributes import COLUMNS, attribute_spec
from diat.data.pack import FORMAT, Pack, open_pack
from diat.field_network import FieldNetwork
from diat.heads import GATE, HEADS
from diat.hub import load_model
from diat.models import ModelConfig, save_model
from diat.training.gates import GatesConfig, batch, train_gates

HEAD_SET = HEADS["skin"]
SPEC = attribute_spec("older_to_younger")
CONFIG = GatesConfig(steps=30, batch=16, seed=1)


@pytest.fixture
def pack_file(tmp_path):
    """A pack of sixteen crops: the young are bright."""
    young = np.arange(16) % 2 == 0
    crops = np.where(young[:, None, None, None], 200, 60) + np.random.default_rng(0).integers(-20, 20, (16, 64, 64, 3))
    attributes = np.zeros((16, 40), bool)
    attributes[:, COLUMNS.index("Young")] = young
    arrays = {
        "crops": crops.astype(np.uint8), "attributes": attributes, "identity": np.arange(16, dtype=np.int32),
        "split": np.zeros(16, np.uint8), "points5": np.full((16, 5, 2), 30, np.float32),
        "points68": np.full((16, 68, 2), 30, np.float32),
    }  # fmt: skip
    path = tmp_path / "bright.pack"
    save_file(arrays, path, {"format": FORMAT})
    return path


@pytest.fixture
def pack(pack_file) -> Pack:
    return open_pack(pack_file)


@pytest.fixture
def model(tmp_path):
    torch.manual_seed(0)
    network = FieldNetwork(HEAD_SET)
    torch.nn.init.normal_(network.maps.weight)
    save_model(network, ModelConfig(SPEC.name, SPEC.region, "skin", HEAD_SET.size), tmp_path / "model", {})
    return tmp_path / "model"


def test_batches_are_functions_of_their_number(pack):
    images, truth = batch(pack, CONFIG, 3)
    assert images.shape == (16, 3, *HEAD_SET.input_shape) and images.abs().max() <= 1 and truth.shape == (16, 40)
    assert all(torch.equal(one, again) for one, again in zip((images, truth), batch(pack, CONFIG, 3), strict=True))
    assert not torch.equal(images, batch(pack, CONFIG, 4)[0])
    assert torch.equal(truth[:, COLUMNS.index("Young")] > 0.5, images.mean((1, 2, 3)) > 0)


def test_what_it_learns_is_what_a_model_says(pack, model, tmp_path):
    encoder = train_gates(pack, ["Young"], CONFIG, tmp_path / "run", False, Accelerator())
    with torch.no_grad():
        said = encoder.eval()(torch.from_numpy(pack.crops[:2]).permute(0, 3, 1, 2) / 127.5 - 1)
    assert said[0, COLUMNS.index("Young")] > said[1, COLUMNS.index("Young")]
    state = {**load_model(model).weights, **encoder.weights_of(SPEC)}
    network = FieldNetwork(HEAD_SET)
    network.load_state_dict({k: torch.from_numpy(np.asarray(v)) for k, v in state.items()}, strict=False)
    images = torch.from_numpy(pack.crops[:2]).permute(0, 3, 1, 2) / 127.5 - 1
    with torch.no_grad():
        gate = network.eval()(images)[1][:, HEAD_SET.scalars.index(GATE)]
    assert torch.allclose(gate, -said[:, COLUMNS.index("Young")], atol=1e-4)
    assert gate[0] < gate[1]  # the young one needs nothing, the other does


def test_the_command_writes_the_gate_and_nothing_else(pack_file, model, tmp_path):
    before = load_model(model)
    arguments = ["--pack", pack_file, "--models", model, "--output", tmp_path / "run", "--steps", 2, "--batch", 4]
    run_script("train/gates.py", *arguments)
    after = load_model(model)
    changed = {name for name, value in before.weights.items() if (after.weights[name] != value).any()}
    assert changed and all(name.startswith("gate") for name in changed)


def test_a_model_without_a_gate_of_its_own_is_refused(pack_file, tmp_path):
    arguments = ["--pack", pack_file, "--models", "diat/weights/mouth_open", "--output", tmp_path / "run"]
    done = run_script("train/gates.py", *arguments, check=False)
    assert done.returncode == 1 and "has no gate of its own" in done.stderr and len(done.stderr.splitlines()) == 1
