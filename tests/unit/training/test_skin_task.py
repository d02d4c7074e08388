"""Batches and losses of the skin's fields."""

import numpy as np
import pytest
import torch

from diat.attributes import attribute_spec
from diat.errors import TrainingStopped
from diat.field_network import FieldNetwork
from diat.heads import HEADS
from diat.training.fields_skin import LABELS, MAPS, SCALARS, SkinTask, lit
from tests.unit.data.test_skin_targets import made_up, skin_faces

HEAD_SET = HEADS["skin"]


@pytest.fixture(scope="module")
def task():
    return SkinTask(skin_faces(made_up()), attribute_spec("older_to_younger"), batch=10, seed=3)


def test_a_batch_is_a_function_of_the_step(task):
    first, again, other = task.batch(5), task.batch(5), task.batch(6)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["image"], other["image"])
    assert first["image"].shape == (10, 3, HEAD_SET.size, HEAD_SET.size)
    assert first["fields"].shape == (10, len(MAPS), HEAD_SET.size // 2, HEAD_SET.size // 2)
    assert first["learning"].sum() == 6 and first["labels"][:, 0].sum() >= 6


def test_a_network_that_says_the_targets_loses_nothing_on_fields(task):
    batch = task.batch(0)
    maps = torch.zeros(10, len(HEAD_SET.maps), *HEAD_SET.map_shape)
    scalars = torch.zeros(10, len(HEAD_SET.scalars))
    for channel, name in enumerate(MAPS):
        maps[:, HEAD_SET.maps.index(name)] = batch["fields"][:, channel]
    for channel, name in enumerate(SCALARS):
        scalars[:, HEAD_SET.scalars.index(name)] = batch["colours"][:, channel]
    for channel, name in enumerate(LABELS):
        scalars[:, HEAD_SET.scalars.index(name)] = 20 * (2 * batch["labels"][:, channel] - 1)
    losses = task.losses(maps, scalars, batch)
    for name in ("flow", "bias", "limits", "fill", "colours", "labels"):
        assert float(losses[name]) == pytest.approx(0, abs=1e-5)
    assert float(task.losses(maps + 0.5, scalars, batch)["flow"]) > 0.5


def test_training_lowers_the_losses(task):
    torch.manual_seed(0)
    network = FieldNetwork(HEAD_SET)
    optimizer = torch.optim.AdamW(network.parameters(), 3e-3)
    totals = []
    for step in range(8):
        batch = task.batch(step)
        total = sum(task.losses(*network(batch["image"]), batch).values())
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        totals.append(float(total))
    assert totals[-1] < 0.8 * totals[0]


def test_a_mirrored_face_moves_the_other_way(task):
    """Both come up within a few steps; what moves to the right in one moves to the left in the other."""
    row = int(task._targets[0])
    flows = {}
    for seed in range(20):
        sample = task._sample(row, True, np.random.default_rng(seed))
        flows.setdefault(round(float(sample["fields"][0].mean()), 5), sample["fields"])
    assert len(flows) == 2
    a, b = flows.values()
    np.testing.assert_allclose(a[0], -b[0][:, ::-1], atol=1e-5)
    np.testing.assert_allclose(a[1], b[1][:, ::-1], atol=1e-5)


def test_light_keeps_shape_and_range():
    rng = np.random.default_rng(0)
    crop = rng.integers(0, 256, (HEAD_SET.size, HEAD_SET.size, 3), np.uint8)
    image = lit(crop, rng)
    assert image.shape == crop.shape and 0 <= image.min() and image.max() <= 256


def test_data_without_parsing_are_refused():
    with pytest.raises(TrainingStopped, match="parsing"):
        SkinTask(skin_faces(made_up(), parsing=False), attribute_spec("older_to_younger"), 10, 0)
