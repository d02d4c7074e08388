"""The gate alone learns who has the attribute already, and everything else that the network says stays to the bit."""

import numpy as np
import pytest
import torch
from scripts import run_script

from diat.attributes import COLUMNS, attribute_spec
from diat.data.pack import Pack
from diat.errors import TrainingStopped
from diat.field_network import FieldNetwork
from diat.heads import GATE, HEADS
from diat.hub import load_model
from diat.models import ModelConfig, save_model
from diat.training.fields import FieldsConfig, train_fields
from diat.training.fields_gate import GateTask

HEAD_SET = HEADS["skin"]
SPEC = attribute_spec("older_to_younger")


@pytest.fixture
def pack():
    """Eight crops: the young are bright."""
    young = np.arange(8) % 2 == 0
    crops = np.where(young[:, None, None, None], 200, 60) + np.random.default_rng(0).integers(-20, 20, (8, 64, 64, 3))
    attributes = np.zeros((8, 40), bool)
    attributes[:, COLUMNS.index("Young")] = young
    points5, points68 = np.full((8, 5, 2), 30, np.float32), np.full((8, 68, 2), 30, np.float32)
    return Pack(
        crops.astype(np.uint8), attributes, np.arange(8, dtype=np.int32), np.zeros(8, np.uint8), points5, points68
    )


def test_batches_are_functions_of_their_number_with_both_kinds(pack):
    task = GateTask(pack, SPEC, batch=16, seed=1)
    batch = task.batch(3)
    assert batch["image"].shape == (16, 3, *HEAD_SET.input_shape) and batch["image"].abs().max() <= 1
    assert all(torch.equal(batch[name], again) for name, again in task.batch(3).items())
    dark = batch["image"].mean((1, 2, 3)) < 0
    assert torch.equal(batch["lacks"] > 0.5, dark) and 0 < dark.sum() < 16


def test_the_gate_learns_and_the_fields_stay(pack, tmp_path):
    torch.manual_seed(0)
    network = FieldNetwork(HEAD_SET)
    torch.nn.init.normal_(network.maps.weight)
    save_model(network, ModelConfig(SPEC.name, SPEC.region, "skin", HEAD_SET.size), tmp_path / "first", {})
    config = FieldsConfig(SPEC.name, "skin", steps=25, batch=8, warm_up=2, decay=0.5, part="gate")
    folder = train_fields(config, GateTask(pack, SPEC, 8, seed=1), tmp_path / "run", init=tmp_path / "first")
    before, after = load_model(tmp_path / "first"), load_model(folder)
    changed = {name for name, value in before.weights.items() if (after.weights[name] != value).any()}
    assert changed and all(name.startswith("gate") for name in changed)
    images = torch.from_numpy(pack.crops[:2]).permute(0, 3, 1, 2) / 127.5 - 1
    taught = FieldNetwork(HEAD_SET)
    taught.load_state_dict({k: torch.from_numpy(v) for k, v in after.weights.items()}, strict=False)
    gate = taught.eval()(images)[1][:, HEAD_SET.scalars.index(GATE)]
    assert gate[0] < -0.5 and gate[1] > 0.5  # the young one needs nothing, the other does


def test_a_gate_without_layers_of_its_own_cannot_be_taught_alone(pack, tmp_path):
    config = FieldsConfig("mouth_open", "mouth_open", steps=1, part="gate")
    with pytest.raises(TrainingStopped, match="no layers of its own"):
        train_fields(config, GateTask(pack, SPEC, 2, seed=1), tmp_path)


def test_a_gate_needs_a_network(tmp_path):
    arguments = ["--attribute", "male_to_female", "--gate", "--pack", tmp_path, "--output", tmp_path / "run"]
    done = run_script("train/fields.py", *arguments, check=False)
    assert done.returncode == 1 and "give --init" in done.stderr and len(done.stderr.splitlines()) == 1
