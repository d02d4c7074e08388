import cv2
import numpy as np

from diat.data.fields_mouths import MOTION
from diat.data.mouths import close_mouth, gaps, open_mouth, speaking_look, widen_mouth


def test_closing_a_mouth_hides_the_teeth_and_changes_the_lower_face_alone(laughing):
    crop, points = laughing
    shut = close_mouth(crop, points)
    changed = np.abs(shut.astype(int) - crop).max(-1) > 8
    rows, columns = np.nonzero(changed)
    assert rows.min() >= points[33, 1] - 1  # below the nose
    beside = 0.4 * (points[54, 0] - points[48, 0])
    assert columns.min() >= points[48, 0] - beside
    assert columns.max() <= points[54, 0] + beside
    # Teeth are as bright in blue as in red; lips and skin are not.
    left, right = points[[61, 63], 0].round().astype(int)
    top, bottom = int(points[62, 1]), int(points[66, 1]) + 1
    mouth = np.s_[top:bottom, left:right]
    bright = [(picture[mouth][..., 2] > 190).mean() for picture in (crop, shut)]
    assert bright[1] < bright[0] / 4


def test_a_mouth_that_is_shut_stays_nearly_as_it_is(laughing):
    crop, points = laughing
    lips = points.copy()
    lips[[67, 66, 65]] = lips[[61, 62, 63]]  # the inner lips touch
    assert np.abs(close_mouth(crop, lips).astype(int) - crop).mean() < 0.5


def test_opening_a_mouth_shows_a_dark_gap_below_teeth_and_changes_the_lower_face_alone(laughing):
    crop, points = laughing
    shut, lips = close_mouth(crop, points), points.copy()
    seam = 0.65 * points[[61, 62, 63], 1] + 0.35 * points[[67, 66, 65], 1]
    lips[[61, 62, 63], 1] = lips[[67, 66, 65], 1] = seam
    lips[[49, 50, 51, 52, 53], 1] += seam[1] - points[62, 1]
    lips[[59, 58, 57, 56, 55], 1] -= points[66, 1] - seam[1]
    opened = open_mouth(shut, lips)
    changed = np.abs(opened.astype(int) - shut).max(-1) > 0
    rows, columns = np.nonzero(changed)
    assert rows.min() >= points[33, 1] - 1
    beside = 0.6 * (points[54, 0] - points[48, 0])
    assert columns.min() >= points[48, 0] - beside
    assert columns.max() <= points[54, 0] + beside
    column = int(points[62, 0])
    gap = MOTION.opening * (points[54, 0] - points[48, 0])
    middle = opened[int(seam[1] - 0.2 * gap) : int(seam[1] + 0.8 * gap) + 1, column].astype(int).sum(-1)
    assert middle[: len(middle) // 2].max() > 2 * middle.min()
    assert 0 < middle.argmin() < len(middle) - 1
    np.testing.assert_array_equal(opened, open_mouth(shut, lips))  # the same face always gets the same mouth


def test_widening_opens_an_open_mouth_further_and_changes_the_lower_face_alone(laughing):
    crop, points = laughing
    mouth = cv2.fillConvexPoly(np.zeros((128, 128), np.uint8), np.rint(points[60:68]).astype(np.int32), 1) > 0
    below = np.zeros_like(mouth)  # what the lower lip leaves when it moves down
    middle = slice(int(points[61, 0]), int(points[63, 0]) + 1)
    below[int(points[66, 1]) + 1 : int(points[57, 1]) + 1, middle] = True
    changes = []
    for seed in range(8):
        wide, opened = widen_mouth(crop, points, np.random.default_rng(seed))
        assert gaps(opened[None]) > gaps(points[None])
        np.testing.assert_array_equal(opened[:48], points[:48])
        changes.append(np.abs(wide.astype(int) - crop).mean(-1))
        eyes = int(points[36:48, 1].max())
        assert changes[-1][:eyes].mean() < 0.05
    assert np.mean([change[mouth | below].mean() for change in changes]) > 8
    assert len({float(change.sum()) for change in changes}) == 8
    again, _ = widen_mouth(crop, points, np.random.default_rng(3))
    np.testing.assert_array_equal(np.abs(again.astype(int) - crop).mean(-1), changes[3])


def test_what_shows_inside_is_drawn_at_random_and_mouths_with_and_without_teeth_come():
    drawn = [speaking_look(np.random.default_rng(seed)) for seed in range(200)]
    assert drawn[0] == speaking_look(np.random.default_rng(0))
    assert 0.55 < np.mean([inside.teeth > 0 for inside in drawn]) < 0.75
    assert 0.2 < np.mean([inside.lower_teeth > 0 for inside in drawn]) < 0.4
    assert 0.6 < np.mean([inside.tongue > 0 for inside in drawn]) < 0.8
