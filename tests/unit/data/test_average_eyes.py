"""Average eyes of a pack."""

from __future__ import annotations

import numpy as np
import pytest

from diat.data import average_eyes as room
from diat.data.average_eyes import average_eyes
from diat.data.pack import open_pack
from diat.errors import TrainingStopped
from diat.native.eyes import SIZE


def test_a_pack_with_too_few_open_eyes_is_refused(tiny_pack):
    with pytest.raises(TrainingStopped, match="in skin of a lightness of 54 to 70, of the 96 that are needed"):
        average_eyes(open_pack(tiny_pack))


def test_averages_are_ratios_that_end_in_one_and_keep_the_iris(tiny_pack, monkeypatch):
    monkeypatch.setattr(room, "AVERAGED", 2)
    monkeypatch.setattr(room, "TONES", ((0.0, 100.0), (0.0, 100.0)))
    monkeypatch.setattr(room, "OPEN", (0.0, 9.0))
    monkeypatch.setattr(room, "FRONTAL", 0.0)
    made = average_eyes(open_pack(tiny_pack))
    assert made["ratios"].shape == (2, *SIZE, 3) and made["ratios"].dtype == np.float16
    assert (made["lightness"] > 0).all() and (made["lightness"] < 100).all()
    for ratios in made["ratios"].astype(np.float32):
        rim = np.concatenate([ratios[0], ratios[-1], ratios[:, 0], ratios[:, -1]])
        assert np.abs(rim - 1).mean() < 0.1
        assert ratios[24:40, 36:60].mean() < 0.85
