"""The figures of sharpness see blur and noise, and call an edit of the photograph's own pixels neither."""

import cv2
import numpy as np
import pytest

from diat.align import CELEBA_TEMPLATE_128, transform_points
from diat.evaluation.metrics import median
from diat.evaluation.native import background_change, detail_of, native_figures, psnr_of_face, scale_consistency
from diat.faces import Face

SCALE = 3.0


@pytest.fixture(scope="module")
def face(detector, hopper):
    """The 68 points of a real face, where the template has it, in a photograph of 420 pixels."""
    found = detector.detect(hopper)[0]
    from diat.align import photo_to_crop_matrix

    to_photo = np.array([[SCALE, 0, 18], [0, SCALE, 18]], np.float32)
    points68 = transform_points(transform_points(found.points68, photo_to_crop_matrix(found.points5)), to_photo)
    points5 = transform_points(CELEBA_TEMPLATE_128, to_photo)
    return Face(np.array([60, 60, 360, 400], np.float32), 0.9, points5, points68)


@pytest.fixture(scope="module")
def photo():
    """Skin: smooth, with pores."""
    noise = np.random.default_rng(0).normal(0, 6, (420, 420, 1))
    return np.clip(150 + noise + np.zeros(3), 0, 255).astype(np.uint8)


def around_mouth(photo, face, to):
    """The photograph with another picture around its mouth, softly."""
    mask = np.zeros(photo.shape[:2], np.float32)
    cv2.fillConvexPoly(mask, cv2.convexHull(np.rint(face.points68[48:68]).astype(np.int32)), 1)
    mask = cv2.GaussianBlur(cv2.dilate(mask, np.ones((31, 31))), (0, 0), 8)
    return np.clip(np.rint(photo + mask[..., None] * (to.astype(np.float32) - photo)), 0, 255).astype(np.uint8)


def test_a_tint_keeps_its_detail_a_blur_loses_it_and_noise_does_not_pass(photo, face):
    darker = around_mouth(photo, face, photo - 30.0)
    blurred = around_mouth(photo, face, cv2.GaussianBlur(photo - 30.0, (0, 0), 3))
    noisy = around_mouth(photo, face, photo - 30.0 + np.random.default_rng(1).normal(0, 12, (420, 420, 1)))
    kept, lost, gained = (detail_of(photo, after, face) for after in (darker, blurred, noisy))
    assert (np.abs(kept.ratio - 1) < 0.15).all() and abs(kept.edge - 1) < 0.2
    assert lost.ratio[0] < 0.5 and lost.edge < 0.7
    assert gained.ratio[0] > 1.4
    assert (np.abs(kept.before - 1) < 0.2).all() and (np.abs(kept.after - 1) < 0.2).all()
    assert kept.halo < 0.05


def test_a_halo_is_seen_outside_the_face_alone(photo, face):
    everywhere = (photo - 20.0).astype(np.uint8)
    assert detail_of(photo, everywhere, face).halo == pytest.approx(20, abs=1)


def test_the_background_s_change_is_that_of_its_pixels_alone(photo, face):
    above = np.zeros(photo.shape[:2], bool)
    above[:50] = True
    after = photo.copy()
    after[50:] = 0
    assert background_change(photo, after, above) == 0
    after[:25] = photo[:25] - 20
    assert background_change(photo, after, above) == pytest.approx(10)
    assert np.isnan(background_change(photo, after, None))


def test_nothing_changed_is_no_detail_and_99_db(photo, face):
    assert detail_of(photo, photo, face) is None
    assert psnr_of_face(photo, photo, face) == 99


class Darker:
    """Stands for an editor."""

    def edit_frame(self, frame, faces):
        return (frame - 20.0).astype(np.uint8)


def test_an_edit_that_does_the_same_at_every_size_is_consistent(photo, face):
    smooth = cv2.GaussianBlur(photo, (0, 0), 2)
    assert scale_consistency(Darker(), smooth, (smooth - 20.0).astype(np.uint8), face) > 45
    assert scale_consistency(Darker(), smooth, smooth, face) < 25


def test_the_figures_of_a_model_count_their_faces(photo, face):
    blurred = around_mouth(photo, face, cv2.GaussianBlur(photo - 30.0, (0, 0), 3))
    edited, kept = [(photo, blurred, face)] * 3, [(photo, photo, face), (photo, blurred, face)]
    everywhere = np.ones(photo.shape[:2], bool)
    figures = native_figures(Darker(), edited, kept, [everywhere, ~everywhere, None])
    assert figures.side == pytest.approx(128 * SCALE, rel=0.01)
    assert figures.detail[0].count == 3 and figures.detail[0].value < 0.5
    assert figures.within.value == 0 and figures.unchanged.value == 0.5
    assert figures.background.count == 1 and figures.background.value == background_change(photo, blurred, everywhere)
    empty = native_figures(Darker(), [], [], [])
    assert np.isnan(empty.side) and empty.edge.count == 0


def test_a_median_has_an_interval_that_holds_it():
    values = np.random.default_rng(0).normal(5, 1, 99)
    estimate = median(values)
    assert estimate.low < estimate.value < estimate.high and estimate.count == 99
    assert 0.2 < estimate.high - estimate.low < 0.8
