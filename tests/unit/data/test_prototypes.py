import cv2
import numpy as np

from diat.attributes import ATTRIBUTES
from diat.data import prototypes
from diat.data.pack import open_pack
from diat.data.prototypes import PrototypeTargets
from diat.data.sets import guided_set, input_set
from diat.masks import attribute_mask


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


def test_the_nearest_faces_are_those_of_one_long_comparison_whatever_the_blocks(tiny_pack, monkeypatch):
    pack, spec = open_pack(tiny_pack), ATTRIBUTES["older_to_younger"]
    inputs, guided = input_set(pack, spec), guided_set(pack, spec)
    targets = PrototypeTargets(pack, spec, inputs, guided)
    whole = [targets._nearest(int(row), "with") for row in inputs[:3]]
    monkeypatch.setattr(prototypes, "BLOCK", 7)
    for row, expected in zip(inputs[:3], whole, strict=True):
        np.testing.assert_array_equal(targets._nearest(int(row), "with"), expected)
    assert not set(targets._nearest(int(inputs[0]), "without")) & {int(inputs[0])}  # nobody is like oneself


def test_targets_are_kept_up_to_a_limit(tiny_pack, monkeypatch):
    monkeypatch.setattr(prototypes, "CACHE_BYTES", 2 * 3 * 64**2)
    pack, spec = open_pack(tiny_pack), ATTRIBUTES["older_to_younger"]
    inputs = input_set(pack, spec)
    targets = PrototypeTargets(pack, spec, inputs, guided_set(pack, spec), 64)
    first = [targets[int(row)] for row in inputs[:4]]
    assert len(targets._made) == 2
    for row, target in zip(inputs[:4], first, strict=True):
        np.testing.assert_array_equal(targets[int(row)], target)
