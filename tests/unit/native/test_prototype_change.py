"""The difference between prototypes on a face, and the spline that lays it there."""

from __future__ import annotations

import numpy as np
import pytest

from diat.align import CROP_SIZE
from diat.layers import PROTOTYPES
from diat.native.prototypes import DIFFERENCE, POINTS, USUAL_LIGHTNESS, Prototypes
from diat.native.skin import render_skin
from diat.native.spline import laid_by_landmarks, warp
from diat.native.style import FEMALE, SHAVEN
from diat.native.working import WORK, Work
from tests.unit.native.test_shaving import face
from tests.unit.test_native_skin import POINTS68, fields


def spot(point, size=2.0):
    """A picture of 10 levels of L around a point."""
    ys, xs = np.indices((CROP_SIZE, CROP_SIZE), dtype=np.float32)
    near = np.exp(-((xs - point[0]) ** 2 + (ys - point[1]) ** 2) / (2 * size**2))
    return np.dstack([10 * near, 0 * near, 0 * near]).astype(np.float32)


@pytest.mark.parametrize("moved", [(0.0, 0.0), (5.0, -3.0)])
def test_a_warp_onto_a_moved_face_is_the_movement(moved):
    places = warp(POINTS68, POINTS68 + np.float32(moved), size=CROP_SIZE)
    ys, xs = np.indices((CROP_SIZE, CROP_SIZE), dtype=np.float32)
    inside = np.s_[20:120, 20:108]
    assert np.abs(places - np.dstack([xs, ys]) - np.float32(moved))[inside].max() < 0.1


def test_what_lies_on_a_landmark_comes_to_lie_on_that_of_another_face():
    other = POINTS68.copy()
    other[48:68, 1] += 4  # a longer face
    other[0:17, 1] += 6
    laid = laid_by_landmarks(spot(POINTS68[54]), POINTS68, other, WORK)[..., 0]
    y, x = np.unravel_index(laid.argmax(), laid.shape)
    assert np.abs((np.array([x, y]) + 0.5) / (WORK // CROP_SIZE) - 0.5 - other[54]).max() < 1.0


def test_a_model_without_prototypes_has_none():
    empty = {name: np.zeros(shape, np.float32) for name, shape in PROTOTYPES.items()}
    assert Prototypes.of(empty) is None
    some = Prototypes.of({**empty, DIFFERENCE: spot((64, 64)), POINTS: POINTS68})
    assert some is not None and some.points is POINTS68


def test_the_change_is_smaller_on_dark_skin():
    prototypes = Prototypes(spot((64.0, 80.0)), POINTS68)
    made, _ = fields()
    bright, dark = (Work.of(picture, made) for picture in (face(), darkened(0.4)))
    first, second = (prototypes.change(work)[..., 0].max() for work in (bright, dark))
    share = np.clip(bright.lab[..., 0][bright.cheeks > 0.5].mean() / USUAL_LIGHTNESS, 0.4, 1.3)
    assert first == pytest.approx(10 * share, rel=0.05)
    assert 0.3 * first < second < 0.75 * first


def test_a_face_changes_inside_its_outline_and_with_the_strength():
    made, scalars = fields(flow=0.0)
    prototypes = Prototypes(np.full((CROP_SIZE, CROP_SIZE, 3), 5, np.float32), POINTS68)
    plain = render_skin(face(), made, scalars, 1.0, FEMALE).astype(int)
    whole = render_skin(face(), made, scalars, 1.0, FEMALE, prototypes).astype(int) - plain
    half_plain = render_skin(face(), made, scalars, 0.5, FEMALE).astype(int)
    half = render_skin(face(), made, scalars, 0.5, FEMALE, prototypes).astype(int) - half_plain
    cheek = np.s_[150:170, 88:104]
    assert whole[cheek].mean() > 8 and half[cheek].mean() == pytest.approx(whole[cheek].mean() / 2, abs=1.5)
    assert not whole[:16].any() and not whole[:, :8].any()


def test_a_style_without_prototypes_uses_none():
    made, scalars = fields()
    prototypes = Prototypes(np.full((WORK, WORK, 3), 5, np.float32), POINTS68)
    with_them = render_skin(face(), made, scalars, 1.0, SHAVEN, prototypes)
    assert np.array_equal(with_them, render_skin(face(), made, scalars, 1.0, SHAVEN))


def darkened(share):
    picture = face()
    picture.pixels[:] = (picture.pixels * share).astype(np.uint8)
    return picture
