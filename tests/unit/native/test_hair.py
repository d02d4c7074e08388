"""Grey hair gets its colour back, as a whole or not at all."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from diat.align import CELEBA_TEMPLATE_128, photo_to_crop_matrix, transform_points
from diat.heads import HEADS, PARTS
from diat.native.geometry import oval
from diat.native.hair import MOST_DARKER, coloured_again
from diat.native.region import native_face
from diat.native.style import NEUTRAL
from diat.native.working import WORK, Work

SIDE = HEADS["skin"].map_shape[0]
STYLE = replace(NEUTRAL, grey=1.0)
SCALARS = {"grey_hair": 4.0, "beard": -6.0}
SKIN, GREY, BROWN = (200, 160, 140), (170, 170, 172), (86, 64, 50)
WALL = (90, 120, 200)


@pytest.fixture
def points68(collins_face):
    """(68, 2) template units."""
    return transform_points(collins_face.points68, photo_to_crop_matrix(collins_face.points5))


def hairy(points68, hair=GREY, wall=WALL, top=24, right=None):
    """The working picture of a face with hair of a colour from ``top`` template units down to the ears, and its place.

    ``right``: another colour for half of the head.
    """
    size, rng = 4 * 128, np.random.default_rng(0)
    photo = np.empty((size, size, 3), np.uint8)
    photo[:] = wall
    head = np.zeros((128, 128), np.uint8)
    cv2.ellipse(head, (64, top + 50), (44, 50), 0, 180, 360, 1, -1)
    face = np.zeros((128, 128), np.uint8)
    cv2.fillPoly(face, [np.rint(oval(points68)).astype(np.int32)], 1)
    large = lambda mask: cv2.resize(mask, (size, size), interpolation=cv2.INTER_NEAREST) > 0  # noqa: E731
    strands = rng.integers(-14, 15, (1, size, 1))
    photo[large(head)] = np.clip(np.array(hair) + np.broadcast_to(strands, (size, size, 1))[large(head)], 0, 255)
    if right is not None:
        photo[large(head) & (np.arange(size) > size // 2)] = right
    photo[large(face)] = np.clip(np.array(SKIN) + rng.integers(-3, 4, (size, size, 1))[large(face)], 0, 255)
    maps = {name: np.zeros((SIDE, SIDE), np.float32) for name in HEADS["skin"].maps}
    masks = {"skin": face, "hair": head * (1 - face), "other": (1 - head) * (1 - face)}
    for part in PARTS:
        maps[f"part_{part}"] += 8 * cv2.resize(masks.get(part, 0 * face), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    to_photo = np.hstack([4 * np.eye(2), np.full((2, 1), 1.5)]).astype(np.float32)
    five, points = transform_points(CELEBA_TEMPLATE_128, to_photo), transform_points(points68, to_photo)
    return Work.of(native_face(photo, five, points, (0, 0, 128, 128), 0)[0], maps), masks["hair"]


def inside(mask):
    """A mask of template units, without its rim, at the working picture's pixels."""
    core = cv2.erode(mask, np.ones((9, 9), np.uint8))
    return cv2.resize(core, (WORK, WORK), interpolation=cv2.INTER_NEAREST) > 0


def test_grey_hair_becomes_darker_and_brown_and_keeps_its_strands(points68):
    work, mask = hairy(points68)
    change, there = coloured_again(work, SCALARS, 1.0, STYLE), inside(mask)
    assert -1.2 * MOST_DARKER < np.median(change[there][:, 0]) < -12
    after = work.lab + change
    assert np.median(after[there][:, 2]) > np.median(work.lab[there][:, 2]) + 4
    strands = [np.std(image[there][:, 0]) for image in (work.lab, after)]
    assert 0.7 < strands[1] / strands[0] < 1.5


def test_skin_and_wall_stay_as_they_are(points68):
    work, mask = hairy(points68)
    change = np.abs(coloured_again(work, SCALARS, 1.0, STYLE)).max(-1)
    beyond = cv2.dilate(mask, np.ones((7, 7), np.uint8)) == 0
    cheeks = work.areas.cheeks > 0.5
    assert change[cheeks].max() < 0.5
    far = cv2.resize(beyond.astype(np.uint8), (WORK, WORK), interpolation=cv2.INTER_NEAREST) > 0
    assert change[far & (work.areas.oval < 0.1) & (work.areas.beard < 0.1)].max() < 2


def test_hair_that_has_a_colour_keeps_it(points68):
    work, mask = hairy(points68, hair=BROWN)
    assert np.abs(coloured_again(work, SCALARS, 1.0, STYLE)[inside(mask)]).max() < 1


def test_nothing_changes_where_no_grey_is_seen_or_wanted(points68):
    work, _ = hairy(points68)
    assert not coloured_again(work, SCALARS | {"grey_hair": -6.0}, 1.0, STYLE).any()
    assert not coloured_again(work, SCALARS, 1.0, replace(STYLE, grey=0.0)).any()
    assert not coloured_again(work, SCALARS, 0.0, STYLE).any()


def test_hair_that_goes_on_beyond_the_crop_keeps_its_colour(points68):
    work, mask = hairy(points68, top=-30)
    assert np.abs(coloured_again(work, SCALARS, 1.0, STYLE)[inside(mask)]).max() < 1


def test_half_the_strength_is_half_the_change(points68):
    work, _ = hairy(points68)
    half, full = (coloured_again(work, SCALARS, strength, STYLE) for strength in (0.5, 1.0))
    assert np.allclose(2 * half, full, atol=1e-3)


def test_hair_of_which_one_side_cannot_be_coloured_keeps_its_colour_altogether(points68):
    work, mask = hairy(points68, right=(230, 200, 90))
    assert np.abs(coloured_again(work, SCALARS, 1.0, STYLE)[inside(mask)]).max() < 1
