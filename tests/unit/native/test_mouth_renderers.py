import cv2
import numpy as np
import pytest

from diat.align import photo_to_crop_matrix, transform_points
from diat.data.fields_mouths import MouthShape, close_fields, open_fields, window_grid
from diat.heads import HEADS
from diat.native.mouth_interior import Interior
from diat.native.mouths import _interior, render_mouth_close, render_mouth_open
from diat.native.region import native_face

WINDOW = HEADS["mouth_close"].window
GRID = window_grid(WINDOW, 48, 48)


class Case:
    """A portrait with its points, and what edits its mouth."""

    def __init__(self, kind, photo, points5, points68):
        self.kind, self.photo, self.points5, self.points68 = kind, photo, points5, points68
        render, fields = {"close": (render_mouth_close, close_fields), "open": (render_mouth_open, open_fields)}[kind]
        self.render = render
        in_template = transform_points(points68, photo_to_crop_matrix(points5))
        self.maps = dict(zip(HEADS[f"mouth_{kind}"].maps, fields(MouthShape.of(in_template), *GRID), strict=True))

    def __call__(self, strength=1.0, photo=None):
        photo = self.photo if photo is None else photo
        face, (left, top, right, bottom) = native_face(photo, self.points5, self.points68, WINDOW, 4)
        result = photo.copy()
        result[top:bottom, left:right] = self.render(face, self.maps, {}, strength)
        return result


@pytest.fixture(params=["close", "open"])
def case(request, collins, collins_face, hopper, detector):
    if request.param == "close":
        return Case("close", collins, collins_face.points5, collins_face.points68)
    face = detector.detect(hopper)[0]
    return Case("open", hopper, face.points5, face.points68)


def changed(before, after):
    return np.abs(after.astype(int) - before).max(-1)


def mouth_box(points68, reach):
    width = np.linalg.norm(points68[54] - points68[48])
    (left, top), (right, bottom) = points68[48:68].min(0) - reach * width, points68[48:68].max(0) + reach * width
    return np.s_[max(int(top), 0) : int(bottom), max(int(left), 0) : int(right)]


def test_at_strength_0_and_away_from_the_mouth_the_photograph_is_bit_equal(case):
    np.testing.assert_array_equal(case(0.0), case.photo)
    difference = changed(case.photo, case())
    assert difference[mouth_box(case.points68, 0.0)].mean() > 8
    difference[mouth_box(case.points68, 1.0)] = 0
    assert not difference.any()


def test_the_result_grows_with_the_strength_and_without_jumps(case):
    results = [case(strength).astype(float) for strength in (0.0, 0.01, 0.5, 0.51, 1.0, 1.01, 1.5)]
    box = mouth_box(case.points68, 0.3)
    steps = [np.abs(after - before)[box].mean() for before, after in zip(results, results[1:], strict=False)]
    assert max(steps[0], steps[2], steps[4]) < 1.0
    assert min(steps[1], steps[3], steps[5]) > 1.5


def test_a_grey_photograph_stays_grey(case):
    grey = np.repeat(cv2.cvtColor(case.photo, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=-1)
    result = case(photo=grey)
    assert changed(grey, result).max() > 30
    assert not np.ptp(result, axis=-1).any()


@pytest.mark.parametrize("degrees", [30, 180])
def test_a_turned_photograph_gives_the_turned_result(case, degrees):
    height, width = case.photo.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0).astype(np.float32)

    def turned(photo):
        return cv2.warpAffine(photo, turn, (width, height), flags=cv2.INTER_CUBIC)

    points = transform_points(case.points5, turn), transform_points(case.points68, turn)
    result = Case(case.kind, turned(case.photo), *points)()
    box = mouth_box(points[1], 0.2)
    moved = changed(turned(case.photo), result)[box].mean()
    assert moved > 6
    assert changed(turned(case()), result)[box].mean() < 0.3 * moved  # what two ways of sampling differ by


def test_what_is_between_the_lips_goes_when_the_mouth_shuts_and_comes_when_it_opens(case):
    points, result = case.points68, case()
    column = int(points[[62, 66], 0].mean())
    height = 0.35 * np.linalg.norm(points[54] - points[48])
    rows = np.s_[int(points[51, 1] - height) : int(points[57, 1] + height)]
    # Teeth are nearly as bright in blue as in red; skin and lips are not, of these two people.
    least = {"close": 0.85, "open": 0.68}[case.kind]
    teeth = [(photo[rows, column, 2] > least * photo[rows, column, 0]).sum() for photo in (case.photo, result)]
    if case.kind == "close":
        assert teeth[0] > 3 * teeth[1]
    else:
        assert teeth[0] < teeth[1] / 3
        assert (result[rows, column].sum(-1) < 180).any()  # and the cavity is dark


def test_two_faces_get_different_mouths_and_one_face_always_the_same(case):
    np.testing.assert_array_equal(case(), case())
    if case.kind == "open":
        other = Case("open", case.photo, case.points5, case.points68)
        other.points68 = case.points68.copy()
        other.points68[27] += [0, 0.1 * np.linalg.norm(case.points68[27] - case.points68[33])]  # a shorter nose
        assert 0 < changed(case(), other()).mean()


@pytest.mark.parametrize("column", [0, 20, 39])
def test_an_opening_one_pixel_wide_is_drawn_too(hopper, detector, column):
    found = detector.detect(hopper)[0]
    face, _ = native_face(hopper, found.points5, found.points68, WINDOW, 4)
    between = np.zeros((30, 40), np.float32)
    between[10:14, column] = 1
    maps = np.full((30, 40), -0.5, np.float32), np.full((30, 40), -0.5, np.float32), np.zeros((30, 40), np.float32)
    shown = _interior(face, maps, between, 1.0, 1.0, Interior.of(face))
    assert (shown[10:14, column] > 0).any() and np.isfinite(shown).all()
