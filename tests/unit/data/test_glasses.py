import subprocess
import sys

import numpy as np
import pytest

from diat.attributes import ATTRIBUTES
from diat.data.glasses import load_borrowed, save_borrowed
from diat.data.glasses_layers import draw_glasses
from diat.data.pack import Pack, open_pack
from diat.data.pairs import with_borrowed
from diat.errors import TrainingStopped
from diat.masks import attribute_mask


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
