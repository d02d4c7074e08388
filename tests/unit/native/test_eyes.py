"""Average eyes show where lenses hide the person's own, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from diat.native.eyes import SIZE, eye_matrix, with_average_eyes
from diat.native.region import NativeFace, native_face

SKIN = np.array([190, 150, 130], np.float32)


@pytest.fixture(scope="module")
def face(collins, collins_face) -> NativeFace:
    return native_face(collins, collins_face.points5, collins_face.points68, (16, 32, 112, 96), 8)[0]


def eyes_of(face: NativeFace) -> np.ndarray:
    """The middles of both eyes, (2, 2) whole pixels."""
    return np.rint([face.points68[36:42].mean(0), face.points68[42:48].mean(0)]).astype(int)


def plain(face: NativeFace, colour=SKIN) -> np.ndarray:
    return np.full((*face.shape, 3), colour, np.float32)


def test_hidden_eyes_get_a_dark_iris_between_lids(face):
    behind = plain(face)
    made = with_average_eyes(face, behind, np.ones(face.shape, np.float32), SKIN)
    for x, y in eyes_of(face):
        iris, below = made[y, x].mean(), made[y + round(7 * face.scale), x].mean()
        assert iris < 0.6 * SKIN.mean()
        assert below > 0.8 * SKIN.mean()
        beside = made[y, x + round(20 * face.scale) if x > face.shape[1] / 2 else x - round(20 * face.scale)]
        np.testing.assert_array_equal(beside, SKIN)


def test_eyes_that_are_seen_stay_to_the_bit(face):
    behind, hidden = plain(face), np.zeros(face.shape, np.float32)
    assert with_average_eyes(face, behind, hidden, SKIN) is behind
    left, right = eyes_of(face)
    reach = round(11 * face.scale)
    hidden[left[1] - reach : left[1] + reach, left[0] - reach : left[0] + reach] = 1
    made = with_average_eyes(face, behind, hidden, SKIN)
    changed = (made != behind).any(-1)
    assert changed[left[1], left[0]] and not changed[:, right[0] - 2 :].any()


def test_they_take_on_the_light_and_the_tint_of_what_they_are_laid_on(face):
    hidden = np.ones(face.shape, np.float32)
    first = with_average_eyes(face, plain(face), hidden, SKIN)
    tint = np.array([0.5, 0.6, 0.7], np.float32)
    darker = with_average_eyes(face, plain(face, SKIN * tint), hidden, SKIN)
    np.testing.assert_allclose(darker, first * tint, atol=0.5)


def test_more_hidden_more_of_them_shows(face):
    x, y = eyes_of(face)[0]
    made = [
        with_average_eyes(face, plain(face), np.full(face.shape, hidden, np.float32), SKIN)[y, x].mean()
        for hidden in (0.55, 0.7, 0.8, 0.95)
    ]
    assert made == sorted(made, reverse=True) and len(set(made)) == 4


def test_grey_stays_grey(face):
    grey = NativeFace(np.repeat(face.pixels[..., :1], 3, -1), face.to_template, face.points68)
    made = with_average_eyes(grey, plain(face, (120, 120, 120)), np.ones(face.shape, np.float32), SKIN)
    assert np.ptp(made, axis=-1).max() < 1e-3
    assert np.ptp(made) > 40


@pytest.mark.parametrize("eye", [0, 1])
def test_the_picture_lies_with_its_corners_on_the_eyes(face, eye):
    height, width = SIZE
    matrix = eye_matrix(face.points68, eye)
    across = (np.array([-0.5, 0.5]) / 0.95 + 1) / 2 * (width - 1)
    level = 0.62 / (0.62 + 0.64) * (height - 1)
    corners = [matrix @ [u, level, 1] for u in across]
    outer, inner = ((36, 39), (45, 42))[eye]
    np.testing.assert_allclose(corners, face.points68[[outer, inner]], atol=0.01)
    assert matrix[1, 1] > 0  # upright
