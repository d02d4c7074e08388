import numpy as np
import pytest

from diat.evaluation import metrics


def test_wilsons_interval_is_the_textbooks():
    estimate = metrics.share(np.array([True] * 8 + [False] * 2))
    assert (estimate.value, estimate.count) == (0.8, 10)
    assert estimate.low == pytest.approx(0.490, abs=1e-3)
    assert estimate.high == pytest.approx(0.943, abs=1e-3)
    assert 0 < metrics.share(np.array([False] * 20)).high < 0.2


def test_the_mean_has_students_interval_and_nothing_gives_nan():
    estimate = metrics.mean(np.array([1.0, 2.0, 3.0]))
    assert estimate.value == 2
    assert estimate.high - estimate.value == pytest.approx(4.3027 / np.sqrt(3), rel=1e-3)  # t of 2 degrees of freedom
    assert np.isnan(metrics.mean(np.array([])).value)
    alone = metrics.mean(np.array([1.0]))
    assert (alone.value, np.isnan(alone.low)) == (1, True)


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


def test_a_smiling_mouth_measures_more_and_a_turned_photograph_the_same(collins_face, hopper, detector):
    smiling, serious = collins_face.points68, detector.detect(hopper)[0].points68
    assert metrics.smile(smiling) > metrics.smile(serious) + 0.05
    turned = smiling @ np.array([[0.8, 0.6], [-0.6, 0.8]], np.float32) * 2
    assert metrics.smile(turned) == pytest.approx(metrics.smile(smiling), abs=1e-4)


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


def fid_by_symmetric_roots(a: np.ndarray, b: np.ndarray) -> float:
    """The distance by the eigenvalues of the symmetric sqrt(A) B sqrt(A), which has the trace of sqrt(A B)."""
    values, vectors = np.linalg.eigh(np.cov(a.T))
    root = vectors @ np.diag(np.sqrt(np.clip(values, 0, None))) @ vectors.T
    product = np.linalg.eigvalsh(root @ np.cov(b.T) @ root)
    traces = np.trace(np.cov(a.T)) + np.trace(np.cov(b.T))
    return ((a.mean(0) - b.mean(0)) ** 2).sum() + traces - 2 * np.sqrt(np.clip(product, 0, None)).sum()


@pytest.mark.parametrize("count", [400, 20])  # more images than features, and fewer
def test_fid_is_that_of_an_independent_formula(count):
    rng = np.random.default_rng(1)
    a = rng.normal(size=(count, 32)) @ rng.normal(size=(32, 32))
    b = rng.normal(size=(count, 32)) @ rng.normal(size=(32, 32)) + 0.5
    assert metrics.fid(a.astype(np.float32), b.astype(np.float32)) == pytest.approx(
        fid_by_symmetric_roots(a, b), rel=1e-3
    )


def test_fid_of_known_gaussians_and_its_bias_on_few_images():
    rng = np.random.default_rng(2)
    a, b = rng.normal(0, 1, (200_000, 3)), rng.normal(2, 3, (200_000, 3))
    assert metrics.fid(a, b) == pytest.approx(3 * (2**2 + (3 - 1) ** 2), rel=0.02)  # closed form
    few, many = (metrics.fid(rng.normal(size=(n, 64)), rng.normal(size=(n, 64))) for n in (50, 5000))
    assert few > 20 * many


def test_kid_is_the_unbiased_estimate_written_out_pair_by_pair():
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(12, 5)).astype(np.float32), rng.normal(0.5, 1, (12, 5)).astype(np.float32)

    def kernel(p, q):
        return (sum(float(x) * float(y) for x, y in zip(p, q, strict=True)) / 5 + 1) ** 3

    own = [np.mean([kernel(x[i], x[j]) for i in range(12) for j in range(12) if i != j]) for x in (a, b)]
    expected = 1000 * (sum(own) - 2 * np.mean([kernel(p, q) for p in a for q in b]))
    assert metrics.kid(a, b, subset=12, rounds=2) == pytest.approx(expected, rel=1e-4)
