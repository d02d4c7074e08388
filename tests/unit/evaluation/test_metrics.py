import numpy as np
import pytest

from diat.evaluation import metrics


def test_wilsons_interval_is_the_textbooks():
    estimate = metrics.share(np.array([True] * 8 + [False] * 2))
    assert (estimate.value, estimate.count) == (0.8, 10)
    assert estimate.low == pytest.approx(0.490, abs=1e-3)
    assert estimate.high == pytest.approx(0.943, abs=1e-3)
    assert 0 < metrics.share(np.array([False] * 20)).high < 0.2


def test_the_mean_has_a_normal_interval_and_nothing_gives_nan():
    estimate = metrics.mean(np.array([1.0, 2.0, 3.0]))
    assert estimate.value == 2
    assert estimate.high - estimate.value == pytest.approx(1.96 / np.sqrt(3), rel=1e-3)
    assert np.isnan(metrics.mean(np.array([])).value)


def test_psnr_of_a_known_error_inside_and_outside_a_mask():
    a = np.full((8, 8, 3), 100, np.uint8)
    b = a.copy()
    b[:4] += 10
    mask = np.zeros((8, 8), bool)
    mask[4:] = True
    assert metrics.psnr(a, b) == pytest.approx(10 * np.log10(255**2 / 50))
    assert metrics.psnr(a, b, mask) == 99
    assert metrics.psnr(a, b, ~mask) == pytest.approx(10 * np.log10(255**2 / 100))


def test_ssim_is_1_for_equal_pictures_and_falls_with_noise(collins):
    picture = collins[:128, :128]
    noisy = np.clip(picture + np.random.default_rng(0).normal(0, 20, picture.shape), 0, 255).astype(np.uint8)
    assert metrics.ssim(picture, picture) == pytest.approx(1)
    assert metrics.ssim(picture, noisy) < 0.8


def test_the_threshold_lets_the_wanted_share_of_impostors_through():
    impostors = np.random.default_rng(0).normal(size=100_000).astype(np.float32)
    assert (impostors > metrics.threshold_at(impostors)).mean() == pytest.approx(1e-3, rel=0.05)


def test_open_lips_measure_more_than_closed_ones(collins_face, hopper, detector):
    assert metrics.lip_opening(collins_face.points68) > 2 * metrics.lip_opening(detector.detect(hopper)[0].points68)


def test_the_balanced_threshold_parts_what_can_be_parted():
    scores = np.concatenate([np.linspace(0, 1, 50), np.linspace(2, 3, 500)])
    threshold, accuracy = metrics.balanced_threshold(scores, np.arange(550) >= 50)
    assert 1 <= threshold < 2.01
    assert accuracy > 0.98


def test_fid_and_kid_are_nothing_between_samples_of_one_distribution_and_grow_with_the_gap():
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=(2000, 16)).astype(np.float32) for _ in range(2))
    assert metrics.fid(a, b) < 0.2
    assert metrics.fid(a, b + 1) == pytest.approx(16, rel=0.05)
    assert abs(metrics.kid(a, b)) < 5
    assert metrics.kid(a, b + 1) > 100
