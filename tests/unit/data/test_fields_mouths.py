import numpy as np
import pytest

from diat.data.fields_mouths import MOTION, MouthShape, close_fields, kept_fields, open_fields, window_grid

GRID = window_grid((32, 64, 96, 128), 48, 48)


def points(gap=6.0, upper=0.0, lower=0.0):
    """The mouth and jaw of 68 points in template units about the mouth's middle, as of a face that looks straight, 24
    wide; the inner lips lie off by so much: above 0, on the lip.
    """
    made = np.zeros((68, 2), np.float32)
    across = np.linspace(-12, 12, 7)
    arch = 3 * (1 - (across / 12) ** 2)
    made[48:55] = np.stack([across, -arch - gap / 2], 1)
    made[[48, 59, 58, 57, 56, 55, 54]] = np.stack([across, arch + gap / 2], 1)
    inner = np.linspace(-11, 11, 5)
    outline = 1 - (inner / 11) ** 2
    made[60:65] = np.stack([inner, -(gap / 2 + upper) * outline], 1)
    made[[60, 67, 66, 65, 64]] = np.stack([inner, (gap / 2 + lower) * outline], 1)
    made[[48, 54], 1] = 0
    made[4:13] = np.stack([np.linspace(-24, 24, 9), 24 - np.linspace(-3, 3, 9) ** 2], 1)
    made[33] = 0, -14
    return made


def face(gap=6.0, degrees=0.0, turn=0.0):
    """The mouth of such a face, tilted, or with its middle to one side."""
    made = points(gap)
    made[[51, 62, 66, 57], 0] += turn
    angle = np.radians(degrees)
    turned = made @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return MouthShape.of((turned + [64, 96]).astype(np.float32))


def at(make, mouth, x, y):
    """The fields at one template point."""
    return make(mouth, *(np.full((1, 1), value, np.float32) for value in (x, y)))[:, 0, 0]


def test_closing_brings_the_inner_lips_to_the_seam():
    fields = close_fields(face(gap=6), *GRID)
    upper, lower, seam = fields[1], fields[3], fields[4]
    column = np.abs(GRID[0][0] - 64).argmin()
    row = np.abs(seam[:, column]).argmin()
    y = GRID[1][row, column]
    assert y + upper[row, column] == pytest.approx(96 - 3 - MOTION.cut, abs=1.2)  # the upper lip's edge comes down
    assert y + lower[row, column] == pytest.approx(96 + 3 + MOTION.cut, abs=1.2)
    assert (np.diff(seam[:, column]) <= 0).all()  # positive above


def test_opening_is_as_high_as_it_says_and_its_edges_meet_at_the_corners():
    fields = open_fields(face(gap=0), *GRID)
    height = -(fields[4] + fields[5])
    assert height.max() == pytest.approx(24 * MOTION.opening, abs=1.0)
    assert np.abs(at(open_fields, face(gap=0), 64 - 13, 96)[[4, 5]].sum()) < 0.2
    assert at(open_fields, face(gap=0), 64, 96)[6] == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("make", [close_fields, open_fields])
def test_a_turned_mouth_has_the_turned_fields(make):
    angle = np.radians(20)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    for place in ((0, 5), (-6, -4), (8, 7), (3, 12)):
        level = at(make, face(), *(np.array(place) + [64, 96]))
        tilted = at(make, face(degrees=20), *(rotation @ place + [64, 96]))
        np.testing.assert_allclose(rotation @ level[0:2], tilted[0:2], atol=1e-3)
        np.testing.assert_allclose(rotation @ level[2:4], tilted[2:4], atol=1e-3)
        np.testing.assert_allclose(level[4:], tilted[4:], atol=1e-3)


@pytest.mark.parametrize("make", [close_fields, open_fields])
def test_nothing_moves_above_the_nose_or_below_the_chin(make):
    fields = make(face(), *GRID)
    assert np.abs(fields[0:2, GRID[1] < 96 - 15]).max() < 1e-3  # the upper layer, which is what shows there
    assert np.abs(fields[2:4, GRID[1] > 96 + 25]).max() < 0.3


def test_a_mouth_that_is_shut_is_hardly_moved_and_a_kept_one_not_at_all():
    assert np.abs(close_fields(face(gap=0), *GRID)[:4]).max() < 1e-3
    for opens in (True, False):
        assert not kept_fields(face(), *GRID, opens)[:4].any()


def test_a_turned_heads_far_side_is_foreshortened():
    across = open_fields(face(turn=4), *GRID)[6]
    row = np.abs(GRID[1][:, 0] - 96).argmin()
    middle = GRID[0][0][np.abs(across[row]).argmin()]
    assert middle == pytest.approx(68, abs=1.5)
    slopes = np.diff(across[row])[[14, 33]]  # at -10 and +11 of the middle between the corners
    assert slopes[1] > 1.3 * slopes[0]
