"""Younger and male to female on the photograph's own pixels, with fields made up here."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from diat.align import CELEBA_TEMPLATE_128, transform_points
from diat.attributes import COLUMNS
from diat.heads import HEADS
from diat.native import working
from diat.native.bands import LIGHT_SIDE, bands_of, limited, refined
from diat.native.geometry import regions
from diat.native.movement import away_from_ears, movement
from diat.native.region import native_face
from diat.native.skin import MOST_RAISED, render_skin
from diat.native.stage import renderer_of
from diat.native.style import NEUTRAL, STYLES, YOUNGER, not_shown, style_of
from diat.native.working import WORK

RENDERERS = {
    name: renderer_of("skin", attribute)
    for name, attribute in {
        "younger": "older_to_younger", "female": "male_to_female", "older": "not-Young", "smile": "Smiling",
        "neutral": "Big_Nose",
    }.items()
}  # fmt: skip
SIDE = 40
# The mean of the 68 points over training faces in the crop of 128.
POINTS68 = np.array([pair.split(",") for pair in (
    "35,63 34,72 35,80 36,88 39,96 43,103 48,110 55,115 64,117 73,115 80,110 86,104 90,96 92,88 94,80 94,71 93,63 "
    "40,62 43,58 48,58 53,58 58,60 69,60 74,58 79,57 84,58 88,61 64,66 63,71 63,77 63,82 58,86 60,86 64,87 67,86 "
    "70,86 45,67 47,65 54,65 56,68 53,68 47,68 71,68 74,65 80,65 83,67 80,68 74,68 52,95 56,94 61,93 64,93 66,93 "
    "71,93 76,95 73,98 69,101 64,102 59,101 55,98 54,95 58,95 64,96 70,95 74,95 70,97 64,98 58,97"
).split()], np.float32)  # fmt: skip


def fields(flow=1.0, beard=-6.0):
    """Maps of a face whose skin is to become lighter and smoother, and scalars; an oval of skin under hair."""
    ys, xs = np.indices((SIDE, SIDE)) * 128 / SIDE
    oval = ((xs - 64) / 34) ** 2 + ((ys - 84) / 44) ** 2 < 1
    hair = (((xs - 64) / 46) ** 2 + ((ys - 70) / 60) ** 2 < 1) & ~oval & (ys < 70)
    maps = {name: np.zeros((SIDE, SIDE), np.float32) for name in HEADS["skin"].maps}
    maps["part_skin"][oval], maps["part_hair"][hair], maps["part_other"][~oval & ~hair] = 8, 8, 8
    maps["dx"] += flow
    maps["bias_l"] += 2.0
    maps["limit_2"] -= 1.0
    maps["alpha"] += np.where((ys > 100) & oval, 4.0, -6.0) if beard > 0 else -6.0
    maps["brow_alpha"] -= 6.0
    scalars = dict.fromkeys(HEADS["skin"].scalars, 0.1) | {"beard": beard, "grey_hair": -6.0}
    return maps, scalars


def photograph(side=320, turn=0.0, grey=False, seed=0):
    """A smooth face with some noise in a larger photograph, and its points."""
    rng = np.random.default_rng(seed)
    photo = cv2.resize(rng.integers(60, 200, (12, 12, 3), np.uint8), (side, side), interpolation=cv2.INTER_CUBIC)
    photo = np.clip(photo.astype(int) + rng.integers(-12, 12, (side, side, 1)), 0, 255).astype(np.uint8)
    if grey:
        photo = np.repeat(photo[..., :1], 3, 2)
    scale, angle = side / 200, np.deg2rad(turn)
    matrix = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]], np.float32)
    middle = np.float32([side / 2, side / 2]) - matrix @ np.float32([64, 74])
    to_photo = np.hstack([matrix, middle[:, None]]).astype(np.float32)
    return photo, transform_points(CELEBA_TEMPLATE_128, to_photo), transform_points(POINTS68, to_photo)


def edited(name, strength, made=None, **kwargs):
    photo, five, points = photograph(**kwargs)
    face, (left, top, right, bottom) = native_face(photo, five, points, (0, 0, 128, 128), 0)
    result = photo.copy()
    result[top:bottom, left:right] = RENDERERS[name](face, *(made or fields()), strength)
    return photo, result


@pytest.mark.parametrize("name", RENDERERS)
def test_strength_0_is_bit_equal_and_the_photograph_is_not_written(name):
    photo, five, points = photograph()
    kept = photo.copy()
    face, _ = native_face(photo, five, points, (0, 0, 128, 128), 0)
    assert np.array_equal(RENDERERS[name](face, *fields(), 0.0), face.pixels)
    RENDERERS[name](face, *fields(), 1.5)
    assert np.array_equal(photo, kept)


@pytest.mark.parametrize("name", RENDERERS)
def test_the_face_changes_and_the_photograph_far_from_it_does_not(name):
    photo, result = edited(name, 1.0)
    changed = np.abs(photo.astype(int) - result).max(-1)
    assert changed[140:180, 140:180].mean() > 2
    assert changed[:8].max() == 0 and changed[:, :8].max() == 0 and changed[:, -8:].max() == 0


@pytest.mark.parametrize("name", RENDERERS)
@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0, 1.48])
def test_strength_is_continuous(name, strength):
    made = fields(beard=4.0)
    a, b = (edited(name, s, made)[1].astype(int) for s in (strength, strength + 0.02))
    assert np.abs(a - b).mean() < 0.35


@pytest.mark.parametrize("name", RENDERERS)
def test_a_black_and_white_photograph_stays_so(name):
    photo, result = edited(name, 1.0, fields(beard=4.0), grey=True)
    assert np.array_equal(result[..., 0], result[..., 1]) and np.array_equal(result[..., 1], result[..., 2])
    assert not np.array_equal(photo, result)


@pytest.mark.parametrize("name", RENDERERS)
def test_a_turned_photograph_changes_as_the_upright_one(name):
    photo, five, points = photograph()
    results = []
    for turned in (False, True):
        if turned:  # a quarter to the left: (x, y) -> (y, side - 1 - x)
            photo = np.ascontiguousarray(np.rot90(photo))
            five, points = (np.stack([p[:, 1], 319 - p[:, 0]], 1) for p in (five, points))
        face, (left, top, right, bottom) = native_face(photo, five, points, (0, 0, 128, 128), 0)
        result = photo.copy()
        result[top:bottom, left:right] = RENDERERS[name](face, *fields(beard=4.0), 1.0)
        results.append(np.rot90(result, -1) if turned else result)
    upright, turned_back = (result.astype(int) for result in results)
    change = np.abs(upright - np.rot90(photo, -1)).mean()
    assert np.abs(upright - turned_back).mean() < 0.1 * change


def test_paint_changes_the_eyes_too_and_nothing_outside_the_face():
    made = fields(flow=0.0)
    made[0]["paint_a"] += 6.0
    (photo, painted), (_, plain) = edited("female", 1.0, made), edited("female", 1.0, fields(flow=0.0))
    _, _, points = photograph()
    change = np.abs(painted.astype(int) - plain).max(-1)
    x, y = np.rint(points[36:42].mean(0)).astype(int)
    assert change[y - 3 : y + 4, x - 3 : x + 4].min() > 4
    assert change[: int(points[19, 1]) - 60].max() == 0 and np.array_equal(photo[:8], painted[:8])


def test_ears_stay_where_they_are_and_the_chin_moves():
    cells = np.stack(np.meshgrid(np.arange(128.0), np.arange(128.0)), -1).astype(np.float32)
    free = away_from_ears(cells, POINTS68)
    for ear in (1, 15):
        x, y = POINTS68[ear].astype(int)
        assert free[y, x] < 0.02
    x, y = POINTS68[8].astype(int)
    assert free[y, x] > 0.98


def test_a_smiles_corners_rise_and_the_mouth_moves_more_than_the_jaw():
    own, reach = movement(POINTS68, STYLES["Smiling"])
    plain = movement(POINTS68, replace(STYLES["Smiling"], corners=0.0, mouth=0.0))
    x, y = (POINTS68[48] / 2).astype(int)
    assert own[y, x][1] < -2 and own[y, x][0] < -1  # up, and outwards
    assert reach[y, x] > 1.5 * plain[1][y, x] and not plain[0].any()
    x, y = (POINTS68[8] / 2).astype(int)
    assert reach[y, x] < 1.2 * plain[1][y, x] and np.abs(own[y, x]).max() < 0.3


def test_relief_is_raised_to_what_is_wanted_and_no_further():
    photo, _, points = photograph()
    made = fields(flow=0.0)
    made[0]["limit_2"] += 2.0  # as rough again as the cheeks are
    level = replace(NEUTRAL, flow=0, bias=0, relief=(0,) * 4, raised=(0, 1, 0, 0), chroma=1, lips=0, brows=0)
    face, (left, top, right, bottom) = native_face(photo, *photograph()[1:], (0, 0, 128, 128), 0)
    cheek = np.s_[int(points[2, 1]) : int(points[3, 1]), int(points[40, 0]) - 12 : int(points[40, 0])]
    rough = []
    for style in (replace(level, raised=(0,) * 4), level):
        result = photo.copy()
        result[top:bottom, left:right] = render_skin(face, *made, 1.0, style)
        rough.append(float(bands_of(result.mean(-1).astype(np.float32))[0][cheek].std()))
        if not any(style.raised):
            assert np.array_equal(result, photo)
    assert 1.15 < rough[1] / rough[0] < 1 + MOST_RAISED


def test_hair_turns_grey_and_the_skin_does_not():
    made = fields(flow=0.0)
    style = replace(NEUTRAL, flow=0, bias=0, relief=(0,) * 4, raised=(0,) * 4, chroma=1, lips=0, brows=0, grey=-0.8)
    photo, five, points = photograph()
    face, (left, top, right, bottom) = native_face(photo, five, points, (0, 0, 128, 128), 0)
    result = photo.copy()
    result[top:bottom, left:right] = render_skin(face, *made, 1.0, style)
    changed = np.abs(result.astype(int) - photo).max(-1) > 4
    x, y = np.rint((points[27] + points[8]) / 2).astype(int)
    assert changed.any() and not changed[y : y + 10, x - 10 : x + 10].any()
    chroma = [np.ptp(image[changed].astype(int), axis=-1).mean() for image in (photo, result)]
    assert chroma[1] < 0.6 * chroma[0]


def test_every_column_has_a_style_or_a_reason():
    for column in COLUMNS:
        for name in (column, f"not-{column}"):
            assert (renderer_of("skin", name) is None) == (not_shown(name) is not None)
    assert style_of("older_to_younger") is YOUNGER and style_of("not-Male") is style_of("male_to_female")
    assert style_of("Big_Nose") is NEUTRAL and not_shown("No_Beard") is None and not_shown("Goatee")
    assert not_shown("not-Goatee") is None and not_shown("not-Blond_Hair")


def test_nostrils_are_no_lines_of_the_skin():
    mask = regions(POINTS68, WORK).nostrils
    at = np.rint((POINTS68 + 0.5) * mask.shape[0] / 128 - 0.5).astype(int)
    assert all(mask[y, x] > 0.5 for x, y in at[31:36])
    assert all(mask[y, x] < 0.02 for x, y in [*at[:30], *at[36:]])  # but the tip


def test_pores_stay_and_lines_go():
    rng = np.random.default_rng(0)
    coarse = cv2.GaussianBlur(rng.normal(size=(256, 256)).astype(np.float32), (0, 0), 4) * 20
    fine = rng.normal(size=(256, 256)).astype(np.float32)
    bands = bands_of(coarse + fine)
    limit = np.full((256, 256), 0.5, np.float32)
    assert np.abs(limited(bands[2], limit)).max() <= LIGHT_SIDE * 0.5 < np.abs(bands[2]).max()
    small = np.full((256, 256), 0.01, np.float32)
    assert limited(small, limit) == pytest.approx(small, rel=0.01)


def test_refined_masks_follow_the_edge_of_the_picture():
    guide = np.zeros((64, 64), np.float32)
    guide[:, 32:] = 50
    soft = np.clip((np.arange(64, dtype=np.float32) - 24) / 16, 0, 1)[None].repeat(64, 0)
    sharp = refined(soft[..., None].repeat(2, 2), guide, 6, 4.0)[..., 0]
    assert sharp[32, 33] - sharp[32, 30] > 2 * (soft[32, 33] - soft[32, 30])


def test_a_face_as_small_as_a_webcams_is_worked_out_on_less_and_looks_the_same(monkeypatch, editors, collins):
    """A real face, and released weights: `diat.native.working.side_for`."""
    photo = cv2.resize(collins, (300, 300), interpolation=cv2.INTER_AREA)
    for name in ("male_to_female", "older_to_younger", "smile"):
        editor = editors(name)
        found = editor.detector.detect(photo)
        small = editor.edit_frame(photo, found, apply_anyway=True)
        with monkeypatch.context() as patched:
            patched.setattr(working, "SMALL_SCALE", 0)
            fine = editor.edit_frame(photo, found, apply_anyway=True)
        changed = cv2.absdiff(fine, photo).max(-1) > 4
        assert (fine != small).any()
        assert cv2.absdiff(fine, small)[changed].mean() < 0.2 * cv2.absdiff(fine, photo)[changed].mean()
