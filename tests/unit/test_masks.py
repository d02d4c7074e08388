import numpy as np
import pytest

from diat.align import photo_to_crop_matrix, transform_points
from diat.attributes import ATTRIBUTES, REGIONS
from diat.masks import attribute_mask, interocular


@pytest.fixture
def points(collins_face):
    return transform_points(collins_face.points68, photo_to_crop_matrix(collins_face.points5))


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_a_mask_is_1_on_its_landmarks_0_at_the_border_and_soft_between(name, points):
    spec = ATTRIBUTES[name]
    mask = attribute_mask(spec, points)
    assert mask.shape == (128, 128)
    assert mask.dtype == np.float32
    assert mask.min() == 0
    assert mask.max() == pytest.approx(1)
    inner = np.round(points[list(REGIONS[spec.region].landmarks)]).astype(int)
    inner = inner[(inner > 12).all(1) & (inner < 116).all(1)]
    assert (mask[inner[:, 1], inner[:, 0]] > 0.99).all()
    border = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
    assert (border == 0).all()
    assert 0.01 < ((mask > 0.05) & (mask < 0.95)).mean() < 0.4


def test_the_mouth_mask_leaves_the_eyes_and_the_glasses_mask_the_mouth(points):
    eyes, mouth = np.round(points[36:48]).astype(int), np.round(points[48:68]).astype(int)
    assert (attribute_mask(ATTRIBUTES["mouth_close"], points)[eyes[:, 1], eyes[:, 0]] == 0).all()
    assert (attribute_mask(ATTRIBUTES["eyeglasses_remove"], points)[mouth[:, 1], mouth[:, 0]] < 0.05).all()


def test_a_mask_scales_with_the_crop(points):
    spec = ATTRIBUTES["mouth_open"]
    large, small = attribute_mask(spec, points), attribute_mask(spec, (points + 0.5) / 2 - 0.5, 64)
    assert np.abs(large.reshape(64, 2, 64, 2).mean((1, 3)) - small).mean() < 0.01


def test_a_mask_moves_smoothly_with_the_landmarks(points):
    spec = ATTRIBUTES["mouth_open"]
    step = np.abs(attribute_mask(spec, points + 0.25) - attribute_mask(spec, points)).max()
    assert 0 < step < 0.2


def test_interocular_distance(points):
    assert interocular(points) == pytest.approx(28, abs=4)
