"""The average chin of a pack."""

from __future__ import annotations

import numpy as np
import pytest

from diat.align import CROP_SIZE
from diat.data import average_chin as room
from diat.data.average_chin import average_chin
from diat.data.pack import open_pack
from diat.errors import TrainingStopped


def test_a_pack_with_too_few_clean_faces_is_refused(tiny_pack):
    with pytest.raises(TrainingStopped, match="clean faces that look ahead, of the 100 that are needed"):
        average_chin(open_pack(tiny_pack))


def test_the_relief_is_even_on_both_sides_and_about_nothing(tiny_pack, monkeypatch):
    monkeypatch.setattr(room, "LEAST", 1)
    monkeypatch.setattr(room, "AHEAD", 1.0)
    made = average_chin(open_pack(tiny_pack))
    relief, points = made["relief"].astype(np.float32), made["points"]
    assert relief.shape == (CROP_SIZE, CROP_SIZE) and made["relief"].dtype == np.float16 and points.shape == (68, 2)
    assert np.abs(relief - relief[:, ::-1]).max() < 1e-3
    assert np.abs(points[8, 0] - (CROP_SIZE - 1) / 2) < 1e-3
    assert abs(float(relief[70:120, 40:88].mean())) < 0.1
