"""The relief of a clean chin."""

from __future__ import annotations

import numpy as np

from diat.align import CROP_SIZE
from diat.native.chin import chin_relief
from diat.native.region import points_in_template
from diat.native.shaving import clean_skin, hair_seen
from diat.native.working import WORK, Work
from tests.unit.native.test_shaving import face
from tests.unit.test_native_skin import POINTS68, fields

JAW_POINT = POINTS68[8]


def at(plane, point):
    x, y = np.rint((np.asarray(point) + 0.5) * (WORK // CROP_SIZE) - 0.5).astype(int)
    return float(plane[y - 1 : y + 2, x - 1 : x + 2].mean())


def test_a_chin_stands_out_between_the_lips_and_the_dark_under_the_jaw():
    relief = chin_relief(POINTS68, WORK)
    assert relief.shape == (WORK, WORK) and relief.dtype == np.float32
    chin = POINTS68[57] + 0.6 * (JAW_POINT - POINTS68[57])
    below = JAW_POINT + [0, 2.0]
    assert at(relief, chin) > 0.08 and at(relief, below) < -0.08
    assert np.abs(relief).max() < 0.6


def test_it_follows_the_jaw_of_a_face():
    longer = POINTS68.copy()
    longer[3:14, 1] += 6
    chin = longer[57] + 0.6 * (longer[8] - longer[57])
    assert at(chin_relief(longer, WORK), chin) > 0.08
    assert (
        at(chin_relief(longer, WORK), longer[8] + [0, 2.0])
        < -0.08
        < at(chin_relief(POINTS68, WORK), longer[8] + [0, 2.0])
    )


def test_clean_skin_has_the_relief_and_the_light_of_the_face():
    made, _ = fields(beard=4.0)
    work = Work.of(face(0.6), made)
    points = points_in_template(face(0.6))
    beard = np.zeros((WORK, WORK), np.float32)
    beard[204:] = 1
    clean = clean_skin(work, work.lab, made, beard)[..., 0]
    chin = points[57] + 0.6 * (points[8] - points[57])
    assert at(clean, chin) > at(clean, points[8] + [0, 2.0]) + 5


def test_hair_is_seen_where_it_is_dark_and_rough_alone():
    made, _ = fields(beard=4.0)
    chin = np.s_[216:236, 112:144]
    assert hair_seen(Work.of(face(0.7, 8.0), made))[chin].mean() > 0.5
    assert hair_seen(Work.of(face(0.7), made))[chin].mean() < 0.1
    assert hair_seen(Work.of(face(1.0, 4.0), made))[chin].mean() < 0.1
