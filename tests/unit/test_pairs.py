import subprocess
import sys
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from diat.align import photo_to_crop_matrix, transform_points, warp_to_crop
from diat.attributes import ATTRIBUTES, attribute_spec
from diat.batches import TransferBatches
from diat.celeba import guided_set, input_set
from diat.errors import TrainingStopped
from diat.glasses import draw_glasses, load_borrowed, save_borrowed
from diat.masks import attribute_mask
from diat.mouths import OPENING, close_mouth, open_mouth
from diat.pack import Pack, open_pack
from diat.pairs import PAIRINGS, with_borrowed
from diat.prototypes import PrototypeTargets


@pytest.fixture(scope="module")
def laughing(collins, detector):
    """Collins' crop, in which teeth show, and its 68 points."""
    (face, *_) = detector.detect(collins)
    matrix = photo_to_crop_matrix(face.points5)
    return warp_to_crop(collins, matrix), transform_points(face.points68, matrix)


def test_closing_a_mouth_hides_the_teeth_and_changes_the_lower_face_alone(laughing):
    crop, points = laughing
    shut = close_mouth(crop, points)
    changed = np.abs(shut.astype(int) - crop).max(-1) > 8
    rows, columns = np.nonzero(changed)
    assert rows.min() >= points[33, 1] - 1  # below the nose
    beside = 0.4 * (points[54, 0] - points[48, 0])
    assert columns.min() >= points[48, 0] - beside
    assert columns.max() <= points[54, 0] + beside
    # Teeth are as bright in blue as in red; lips and skin are not.
    left, right = points[[61, 63], 0].round().astype(int)
    top, bottom = int(points[62, 1]), int(points[66, 1]) + 1
    mouth = np.s_[top:bottom, left:right]
    bright = [(picture[mouth][..., 2] > 190).mean() for picture in (crop, shut)]
    assert bright[1] < bright[0] / 4


def test_a_mouth_that_is_shut_stays_nearly_as_it_is(laughing):
    crop, points = laughing
    lips = points.copy()
    lips[[67, 66, 65]] = lips[[61, 62, 63]]  # the inner lips touch
    assert np.abs(close_mouth(crop, lips).astype(int) - crop).mean() < 0.5


def test_opening_a_mouth_shows_a_dark_gap_below_teeth_and_changes_the_lower_face_alone(laughing):
    crop, points = laughing
    shut, lips = close_mouth(crop, points), points.copy()
    seam = 0.65 * points[[61, 62, 63], 1] + 0.35 * points[[67, 66, 65], 1]
    lips[[61, 62, 63], 1] = lips[[67, 66, 65], 1] = seam
    lips[[49, 50, 51, 52, 53], 1] += seam[1] - points[62, 1]
    lips[[59, 58, 57, 56, 55], 1] -= points[66, 1] - seam[1]
    opened = open_mouth(shut, lips)
    changed = np.abs(opened.astype(int) - shut).max(-1) > 0
    rows, columns = np.nonzero(changed)
    assert rows.min() >= points[33, 1] - 1
    assert columns.min() >= points[48, 0] - 1
    assert columns.max() <= points[54, 0] + 1
    column = int(points[62, 0])
    gap = OPENING * (points[54, 0] - points[48, 0])
    middle = opened[int(seam[1] - 0.2 * gap) : int(seam[1] + 0.8 * gap) + 1, column].astype(int).sum(-1)
    assert middle[: len(middle) // 2].max() > 2 * middle.min()
    assert 0 < middle.argmin() < len(middle) - 1
    np.testing.assert_array_equal(opened, open_mouth(shut, lips))  # the same face always gets the same mouth


def test_glasses_are_drawn_within_the_region_and_each_time_others(laughing):
    crop, points = laughing
    drawn = [draw_glasses(crop, points, np.random.default_rng(seed)) for seed in range(12)]
    mask = attribute_mask(ATTRIBUTES["eyeglasses_remove"], points, 128)
    for picture in drawn:
        change = np.abs(picture.astype(int) - crop).mean(-1)
        assert change.max() > 25
        assert change[mask == 0].sum() < 0.12 * change.sum()
    assert len({picture.tobytes() for picture in drawn}) == 12
    again = draw_glasses(crop, points, np.random.default_rng(3))
    np.testing.assert_array_equal(again, drawn[3])


@pytest.mark.parametrize("name", PAIRINGS)
def test_batches_carry_the_pairs_and_stay_pure_functions_of_the_step(tiny_pack, name):
    pack = open_pack(tiny_pack)
    streams = [
        TransferBatches(
            pack, ATTRIBUTES[name], size=64, batch=4, seed=0, num_inputs=None, matched=False, shift=2, paired=paired
        )
        for paired in (True, True, False)
    ]
    streams[0][1]
    a, b, plain = (stream[2] for stream in streams)
    assert torch.equal(a.paired.source, b.paired.source)
    assert torch.equal(a.paired.target, b.paired.target)
    assert torch.equal(a.source, plain.source)  # the pairs take no randomness from the batch
    assert torch.equal(a.guided, plain.guided)
    assert not torch.equal(a.paired.source, a.paired.target)
    if PAIRINGS[name].of_guided:
        assert a.paired.target is a.guided
    else:
        assert a.paired.source is a.source
        assert a.to(torch.device("cpu")).paired.source is a.source or torch.equal(a.paired.source, a.source)


def test_an_attribute_without_pairs_is_refused(tiny_pack):
    pack = replace(open_pack(tiny_pack))
    with pytest.raises(TrainingStopped, match="Smiling has no pairs"):
        TransferBatches(
            pack,
            attribute_spec("Smiling"),
            size=64,
            batch=4,
            seed=0,
            num_inputs=None,
            matched=False,
            shift=0,
            paired=True,
        )


def test_a_prototypes_target_moves_the_face_and_keeps_what_lies_outside(tiny_pack):
    pack = open_pack(tiny_pack)
    spec = ATTRIBUTES["older_to_younger"]  # Collins is labelled young and Hopper is not
    inputs, guided = input_set(pack, spec), guided_set(pack, spec)
    targets = PrototypeTargets(pack, spec, inputs, guided)
    row = int(inputs[0])
    target, crop = targets[row], pack.crops[row]
    mask = attribute_mask(spec, pack.points68[row], 128)
    change = np.abs(target.astype(int) - crop).mean(-1)
    assert change[mask == 0].max() == 0
    assert change[mask > 0.5].mean() > 5
    # It is nearer to the prototype of the young than the face was.
    young = np.mean([pack.crops[k] for k in guided], axis=0)[50:110, 40:90]
    away = [np.abs(picture[50:110, 40:90].astype(float) - young).mean() for picture in (crop, target)]
    assert away[1] < away[0]
    np.testing.assert_array_equal(PrototypeTargets(pack, spec, inputs, guided)[row], target)


def test_a_prototypes_target_of_half_the_size_is_the_same_face(tiny_pack):
    pack = open_pack(tiny_pack)
    spec = ATTRIBUTES["older_to_younger"]
    inputs, guided = input_set(pack, spec), guided_set(pack, spec)
    row = int(inputs[1])
    large, small = (PrototypeTargets(pack, spec, inputs, guided, size)[row] for size in (128, 64))
    assert small.shape == (64, 64, 3)
    assert np.abs(cv2.resize(large, (64, 64), interpolation=cv2.INTER_AREA).astype(int) - small).mean() < 6


def test_borrowed_glasses_sit_on_the_eyes_and_come_from_their_lender(tiny_pack, tmp_path):
    pack = open_pack(tiny_pack)
    lender, wearer = 0, 1
    mask = attribute_mask(ATTRIBUTES["eyeglasses_remove"], pack.points68[lender], pack.size)
    save_borrowed(tmp_path / "glasses.safetensors", pack, [lender], np.rint(255 * mask)[None].astype(np.uint8))
    borrowed = load_borrowed(tmp_path / "glasses.safetensors", pack)
    crop, points = np.asarray(pack.crops[wearer]), pack.points68[wearer]
    worn = borrowed.put_on(crop, points, np.random.default_rng(0))
    changed = np.abs(worn.astype(int) - crop).max(-1) > 0
    rows = np.nonzero(changed)[0]
    eyes = points[36:48, 1]
    assert rows.min() < eyes.min()
    assert rows.max() > eyes.max()
    assert rows.max() < points[57, 1]  # not the mouth
    at_home = borrowed.put_on(np.asarray(pack.crops[lender]), pack.points68[lender], np.random.default_rng(0))
    assert np.abs(at_home.astype(int) - pack.crops[lender]).max() <= 1


def test_cut_out_glasses_of_another_pack_are_refused(tiny_pack, tmp_path):
    pack = open_pack(tiny_pack)
    path = tmp_path / "glasses.safetensors"
    with pytest.raises(TrainingStopped, match="make them by train/cut_glasses.py"):
        load_borrowed(path, pack)
    save_borrowed(path, pack, [0], np.zeros((1, pack.size, pack.size), np.uint8))
    other = Pack(pack.crops, ~pack.attributes, pack.identity, pack.split, pack.points5, pack.points68)
    with pytest.raises(TrainingStopped, match="cut out of another pack"):
        load_borrowed(path, other)


def test_glasses_are_cut_out_where_the_model_changes_the_face(tiny_pack, tmp_path):
    output = tmp_path / "glasses.safetensors"
    command = [sys.executable, "train/cut_glasses.py", "--pack", str(tiny_pack), "--output", str(output)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    pack = open_pack(tiny_pack)
    borrowed = load_borrowed(output, pack)
    for cut, points in zip(borrowed.cut, borrowed.points68, strict=True):
        rows = np.nonzero(cut > 127)[0]
        assert points[17:27, 1].min() - 15 < rows.mean() < points[33, 1]
    worn = with_borrowed(borrowed)
    crop, points = np.asarray(pack.crops[0]), pack.points68[0]
    seen = {worn.draw(crop, points, np.random.default_rng(seed)).tobytes() for seed in range(8)}
    assert len(seen) > 1
