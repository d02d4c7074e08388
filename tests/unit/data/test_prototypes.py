import cv2
import numpy as np

from diat.attributes import ATTRIBUTES
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
