import cv2
import numpy as np
import pytest

from diat.data.fields_mouths import MouthShape
from diat.data.lip_edges import fitted
from tests.unit.data.test_fields_mouths import points

SCALE = 2  # pixels of the crop in a template unit
SKIN, LIP, TEETH = (205, 160, 140), (170, 70, 80), (235, 230, 220)


def landmarks(upper=0.0, lower=0.0, gap=6.0):
    return points(gap, upper, lower) + np.float32([64, 96])


def picture(points68, noise=6.0, gap=6.0):
    """Lips and teeth of the very mouth, with a camera's noise."""
    crop = np.full((128 * SCALE, 128 * SCALE, 3), SKIN, np.uint8)
    mouth = MouthShape.of(points68)
    for high, low, colour in ((mouth.upper, mouth.lower, LIP), (mouth.inner_upper, mouth.inner_lower, TEETH)):
        within = np.abs(mouth.columns) <= mouth.half
        if colour == TEETH and not gap:
            continue
        outline = [np.stack([mouth.columns, curve], 1)[within] for curve in (high, low)]
        outline = np.concatenate([outline[0], outline[1][::-1]]) + mouth.origin
        cv2.fillPoly(crop, [np.int32(np.rint((outline + 0.5) * SCALE * 16 - 8))], colour, cv2.LINE_AA, 4)
    rng = np.random.default_rng(0)
    return np.clip(cv2.GaussianBlur(crop, (0, 0), 0.8) + rng.normal(0, noise, crop.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(("upper", "lower"), [(1.2, 0.0), (-1.2, 1.0), (0.8, -1.2)])
def test_edges_are_found_where_landmarks_are_off(upper, lower):
    true, off = MouthShape.of(landmarks()), MouthShape.of(landmarks(upper, lower))
    found = fitted(off, picture(landmarks()))
    x = np.linspace(-0.6, 0.6, 25) * true.half
    for curve in ("inner_upper", "inner_lower"):
        wrong, left = (
            np.abs(one.at(getattr(one, curve), x) - true.at(getattr(true, curve), x)).mean() for one in (off, found)
        )
        assert left < (0.6 * wrong if wrong > 0.1 else 0.3)


def test_a_shut_mouth_has_no_edges_to_be_found():
    shut = MouthShape.of(landmarks(gap=0))
    found = fitted(shut, picture(landmarks(gap=0), gap=0))
    np.testing.assert_array_equal(found.inner_upper, shut.inner_upper)
    np.testing.assert_array_equal(found.inner_lower, shut.inner_lower)


def test_lips_like_what_is_between_them_are_left_to_the_landmarks():
    mouth = MouthShape.of(landmarks())
    grey = np.full((256, 256, 3), 128, np.uint8)
    found = fitted(mouth, grey)
    assert np.abs(found.inner_upper - mouth.inner_upper).max() < 0.3
