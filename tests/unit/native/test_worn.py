"""Rims and dark lenses stay as they are while the face behind them changes."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from diat.align import photo_to_crop_matrix, transform_points, warp_to_crop
from diat.heads import HEADS, PARTS
from diat.native.geometry import oval
from diat.native.region import native_face
from diat.native.skin import render_skin
from diat.native.style import NEUTRAL
from diat.native.working import WORK, Work
from diat.native.worn import are_worn, glasses_kept

SIDE = HEADS["skin"].map_shape[0]


def seen(points68, glasses=True):
    """Maps of a face whose parsing sees glasses over its eyes, or none."""
    maps = {name: np.zeros((SIDE, SIDE), np.float32) for name in HEADS["skin"].maps}
    face, lenses = np.zeros((128, 128), np.uint8), np.zeros((128, 128), np.uint8)
    cv2.fillPoly(face, [np.rint(oval(points68)).astype(np.int32)], 1)
    for eye in (points68[36:42], points68[42:48]):
        cv2.ellipse(lenses, np.rint(eye.mean(0)).astype(int).tolist(), (14, 10), 0, 0, 360, int(glasses), -1)
    masks = {"skin": face * (1 - lenses), "other": np.maximum(1 - face, lenses)}
    for part in PARTS:
        maps[f"part_{part}"] += 8 * cv2.resize(masks.get(part, 0 * face), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return maps


@pytest.fixture
def framed(collins, collins_face):
    """(photograph with thin dark rims, its face's points): around each eye a ring."""
    photo, points, scale = collins.copy(), collins_face.points68, np.linalg.norm(
        collins_face.points5[0] - collins_face.points5[1]
    )  # fmt: skip
    for eye in (points[36:42], points[42:48]):
        axes = (int(0.42 * scale), int(0.32 * scale))
        cv2.ellipse(photo, np.rint(eye.mean(0)).astype(int).tolist(), axes, 0, 0, 360, (25, 20, 20), int(0.05 * scale))
    return photo, collins_face


def work_of(photo, face, glasses):
    matrix = photo_to_crop_matrix(face.points5)
    region = native_face(photo, face.points5, face.points68, (0, 0, 128, 128), 0)[0]
    return Work.of(region, seen(transform_points(face.points68, matrix), glasses))


def test_dark_rims_are_kept_and_the_skin_beside_them_is_not(framed):
    photo, face = framed
    work = work_of(photo, face, True)
    kept = glasses_kept(work)
    crop = warp_to_crop(photo, photo_to_crop_matrix(face.points5), WORK).max(-1)
    rims = (
        (crop < 45)
        & (work.areas.eyes < 0.1)
        & (work.areas.brows < 0.1)
        & (kept.shape[0] * 0.3 < np.indices(crop.shape)[0])
    )
    near = np.zeros((WORK, WORK), np.uint8)
    for eye in (work.points[36:42], work.points[42:48]):
        cv2.ellipse(near, np.rint(2 * eye.mean(0)).astype(int).tolist(), (32, 26), 0, 0, 360, 1, -1)
    rims &= near > 0
    assert rims.sum() > 100 and kept[rims].mean() > 0.6
    beside = cv2.dilate((crop < 60).astype(np.uint8), np.ones((9, 9), np.uint8)) == 0
    assert kept[beside & (work.areas.cheeks > 0.9)].mean() < 0.15


def test_only_who_is_seen_to_wear_glasses_wears_some(framed):
    assert are_worn(work_of(*framed, True)) and not are_worn(work_of(*framed, False))


def test_a_dark_lens_is_kept_and_a_clear_one_changes(collins, collins_face):
    dark = collins.copy()
    for eye in (collins_face.points68[36:42], collins_face.points68[42:48]):
        scale = np.linalg.norm(collins_face.points5[0] - collins_face.points5[1])
        axes = (int(0.42 * scale), int(0.32 * scale))
        lens = np.zeros(dark.shape[:2], np.uint8)
        cv2.ellipse(lens, np.rint(eye.mean(0)).astype(int).tolist(), axes, 0, 0, 360, 1, -1)
        dark[lens > 0] = dark[lens > 0] // 3
    lenses = work_of(dark, collins_face, True).other > 0.9
    eyes = work_of(dark, collins_face, True).areas.eyes
    inside = lenses & (cv2.dilate(eyes, np.ones((5, 5))) > 0.5)
    clear, tinted = (glasses_kept(work_of(photo, collins_face, True)) for photo in (collins, dark))
    assert tinted[inside].mean() > clear[inside].mean() + 0.4


def test_the_renderer_leaves_rims_their_colour(framed):
    photo, face = framed
    points = transform_points(face.points68, photo_to_crop_matrix(face.points5))
    region = native_face(photo, face.points5, face.points68, (0, 0, 128, 128), 0)[0]
    still = replace(NEUTRAL, flow=0, relief=(0,) * 4, raised=(0,) * 4, chroma=1, lips=0, brows=0, paint=1.0)
    changed = []
    for glasses in (True, False):
        maps = seen(points, glasses)
        maps["paint_l"] += 8.0
        result = render_skin(region, maps, dict.fromkeys(HEADS["skin"].scalars, -6.0), 1.0, still)
        changed.append(np.abs(result.astype(int) - region.pixels).max(-1))
    crop = np.asarray(region.pixels).max(-1)
    eyes = np.zeros(crop.shape, np.uint8)
    for eye in (region.points68[36:42], region.points68[42:48]):
        cv2.circle(eyes, np.rint(eye.mean(0)).astype(int).tolist(), int(16 * region.scale), 1, -1)
    rims = (crop < 32) & (eyes > 0)
    assert rims.sum() > 100 and changed[0][rims].mean() < 0.6 * changed[1][rims].mean()
