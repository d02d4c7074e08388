import numpy as np
import pytest

from diat.data.degradation import Degradation


def detail(image: np.ndarray) -> float:
    """Mean difference of neighbouring pixels."""
    return float(np.abs(np.diff(image.astype(int), axis=0)).mean() + np.abs(np.diff(image.astype(int), axis=1)).mean())


def test_nothing_is_done_by_default(laughing):
    crop, _ = laughing
    np.testing.assert_array_equal(Degradation().apply(crop), crop)


@pytest.mark.parametrize("poorer", [Degradation(reduction=2.0), Degradation(streak=5.0), Degradation(quality=40)])
def test_each_step_takes_detail_or_adds_blocks_and_leaves_the_colours(laughing, poorer):
    crop, _ = laughing
    poor = poorer.apply(crop)
    assert poor.shape == crop.shape
    assert poor.dtype == np.uint8
    assert np.abs(poor.astype(int) - crop).mean() > 0.5
    np.testing.assert_allclose(poor.mean((0, 1)), crop.mean((0, 1)), atol=3)
    if poorer.quality == 100:
        assert detail(poor) < 0.8 * detail(crop)


def test_a_streak_runs_along_its_angle(laughing):
    crop, _ = laughing
    along, across = (
        np.abs(np.diff(Degradation(streak=5.0).apply(crop).astype(int), axis=axis)).mean() for axis in (1, 0)
    )
    of_crop = [np.abs(np.diff(crop.astype(int), axis=axis)).mean() for axis in (1, 0)]
    assert along / of_crop[0] < 0.9 * across / of_crop[1]


def test_the_same_degradation_gives_the_same_image_and_random_ones_differ(laughing):
    crop, _ = laughing
    drawn = [Degradation.at_random(np.random.default_rng(seed)) for seed in (0, 0, 1, 2)]
    results = [how.apply(crop) for how in drawn]
    np.testing.assert_array_equal(results[0], results[1])
    assert len({result.tobytes() for result in results}) == 3
