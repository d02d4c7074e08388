"""What the faces of a pack with an attribute differ by from those without."""

from __future__ import annotations

import numpy as np
import pytest

from diat.align import CROP_SIZE
from diat.attributes import attribute_spec
from diat.data import prototype_difference as room
from diat.data.pack import open_pack
from diat.data.prototype_difference import look_ahead, prototype_difference, symmetric
from diat.errors import TrainingStopped
from tests.unit.test_native_skin import POINTS68

MALE = attribute_spec("male_to_female")


def test_a_pack_with_too_few_faces_that_are_alike_is_refused(tiny_pack):
    with pytest.raises(TrainingStopped, match="that have their like without, of the 100 that are needed"):
        prototype_difference(open_pack(tiny_pack), MALE)


def test_what_differs_is_found_on_both_sides_and_no_light(tiny_pack, monkeypatch):
    pack = open_pack(tiny_pack)
    monkeypatch.setattr(room, "LEAST", 1)
    monkeypatch.setattr(room, "AHEAD", 1.0)
    for name in ("MATCHED", "HIDING", "BEARDS"):
        monkeypatch.setattr(room, name, ())
    made = prototype_difference(pack, attribute_spec("older_to_younger"))
    assert made.difference.shape == (CROP_SIZE, CROP_SIZE, 3) and made.points.shape == (68, 2)
    assert np.abs(made.difference - made.difference[:, ::-1]).max() < 1e-3
    assert np.abs(made.difference).max() > 1 and np.abs(made.difference.mean((0, 1))).max() < 1
    other = prototype_difference(pack, attribute_spec("not-Young"))
    assert np.corrcoef(other.difference.ravel(), made.difference.ravel())[0, 1] < -0.9


def test_a_face_looks_ahead_when_its_nose_is_in_the_middle():
    turned = POINTS68.copy()
    turned[30, 0] += 12
    assert look_ahead(np.stack([POINTS68, turned]), 0.15).tolist() == [True, False]


def test_symmetric_points_are_their_own_mirror_image():
    points = symmetric(POINTS68 + np.random.default_rng(0).normal(0, 1, (68, 2)).astype(np.float32))
    assert np.allclose(symmetric(points), points, atol=1e-4)
    assert points[36, 0] + points[45, 0] == pytest.approx(CROP_SIZE - 1, abs=1e-3)
