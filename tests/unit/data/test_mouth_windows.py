import numpy as np
import pytest

from diat.align import rescaled
from diat.attributes import COLUMNS
from diat.data.mouth_windows import WIDE, MouthBatches
from diat.data.mouths import gaps
from diat.data.pack import Pack
from diat.errors import TrainingStopped
from diat.training.fields_mouths import MouthTask, composed


@pytest.fixture
def pack(laughing):
    """Collins' crop as three people: one with the mouth open, one called shut, whose lips touch, one of whom label and
    landmarks say different things."""
    crop, points = laughing
    shut = points.copy()
    shut[[67, 66, 65]] = shut[[61, 62, 63]]
    attributes = np.zeros((3, 40), bool)
    attributes[0, COLUMNS.index("Mouth_Slightly_Open")] = True
    points68 = np.stack([points, shut, points])
    corners = [points[36:42].mean(0), points[42:48].mean(0), points[30], points[48], points[54]]
    points5 = np.stack([np.stack(corners)] * 3)
    return Pack(
        np.stack([crop] * 3), attributes, np.arange(3, dtype=np.int32), np.zeros(3, np.uint8), points5, points68
    )


@pytest.mark.parametrize("attribute", ["mouth_close", "mouth_open"])
def test_a_batch_is_a_function_of_its_step_and_only_sure_faces_teach_fields(pack, attribute):
    batches = MouthBatches(pack, attribute, 24, seed=1)
    first, again, other = batches(3), batches(3), batches(4)
    for name in ("image", "fields", "weight", "needed"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    assert (first.image != other.image).any()
    assert first.image.shape == (24, 96, 96, 3)
    assert first.fields.shape == (24, len(batches.heads.maps), 48, 48)
    still = np.abs(first.fields[:, :4]).max((1, 2, 3)) == 0
    unsure = first.weight.max((1, 2)) == 0
    np.testing.assert_array_equal(still | unsure, first.needed != 1)
    np.testing.assert_array_equal(unsure, ~np.isin(first.needed, (0.0, 1.0)))


def test_what_lies_outside_the_crop_does_not_train(pack):
    low = MouthBatches(pack, "mouth_close", 8, seed=0)
    assert (low(0).weight > 0).mean() > 0.9
    cut = Pack(pack.crops[:, :100, :100], pack.attributes, pack.identity, pack.split, pack.points5, pack.points68)
    weight = MouthBatches(cut, "mouth_close", 8, seed=0)(0).weight
    assert (weight[:, -8:] == 0).mean() > 0.8 and (weight > 0).mean() < 0.8


def test_the_losses_are_least_for_the_fields_themselves(pack):
    import torch

    for attribute in ("mouth_close", "mouth_open"):
        task = MouthTask(MouthBatches(pack, attribute, 6, seed=2))
        batch = task.batch(0)
        right = (batch["needed"][:, None] - 0.5) * 20
        exact = task.losses(batch["fields"], right, batch)
        assert exact["fields"] == 0 and exact["picture"] == 0 and exact["gate"] < 0.05
        wrong = task.losses(torch.zeros_like(batch["fields"]), -right, batch)
        assert all(wrong[name] > 0.02 for name in exact)


def test_mouths_wide_open_are_drawn_more_often_than_there_are(pack):
    """Of twenty open mouths one is wide open."""
    wide, row = pack.points68[0].copy(), np.array([0] * 20 + [1])
    wide[[67, 66, 65], 1] += 8
    points68 = pack.points68[row].copy()
    points68[0] = wide
    many = Pack(
        pack.crops[row], pack.attributes[row], np.arange(21), np.zeros(21, np.uint8), pack.points5[row], points68
    )
    assert gaps(points68[1:2])[0] < WIDE < gaps(points68[:1])[0]
    drawn = []
    for attribute in ("mouth_close", "mouth_open"):
        batches = MouthBatches(many, attribute, 40, seed=0)
        batches._sample = lambda row, sure, rng: (drawn.append(row), *[np.zeros(1)] * 3)
        for step in range(10):
            batches(step)
    to_shut = [row for row in drawn[:400] if row != 20]
    assert 0.2 < to_shut.count(0) / len(to_shut) < 0.4  # a quarter of them, and one in twenty of the rest
    assert 0.02 < drawn[400:].count(0) / 400 < 0.08


def test_the_losses_picture_is_shut(pack):
    task = MouthTask(MouthBatches(pack, "mouth_close", 16, seed=5))
    batch = task.batch(0)
    made = composed(task.batches.heads, batch["fields"], batch["image"])
    changed = (made - batch["image"]).abs().mean((1, 2, 3))
    needed = batch["needed"] == 1
    assert changed[needed].min() > 5 * changed[~needed].max()


def test_a_pack_without_open_mouths_is_refused(pack):
    shut = Pack(pack.crops, np.zeros((3, 40), bool), pack.identity, pack.split, pack.points5, pack.points68)
    with pytest.raises(TrainingStopped, match="open and with shut mouths"):
        MouthBatches(shut, "mouth_close", 4, seed=0)


def test_the_points_of_a_pack_of_another_size_fit(pack):
    import cv2

    large = np.stack([cv2.resize(crop, (256, 256), interpolation=cv2.INTER_CUBIC) for crop in pack.crops])
    points5, points68 = (
        np.stack([rescaled(points, 128, 256) for points in part]) for part in (pack.points5, pack.points68)
    )
    finer = Pack(large, pack.attributes, pack.identity, pack.split, points5, points68)
    a, b = (MouthBatches(some, "mouth_open", 6, seed=3)(0) for some in (pack, finer))
    np.testing.assert_allclose(a.fields, b.fields, atol=0.01)
    assert np.abs(a.image.astype(int) - b.image).mean() < 6
