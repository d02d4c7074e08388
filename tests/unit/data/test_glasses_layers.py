import dataclasses

import numpy as np
import pytest

from diat.data import glasses_layers
from diat.data.glasses_layers import STYLES, draw_layers


def taken_off(worn, behind) -> np.ndarray:
    """The layers undone, with what is hidden put back."""
    hidden = worn.hidden[..., None]
    return (1 - hidden) * ((1 + worn.gain[..., None]) * worn.picture + worn.glow) + hidden * behind


@pytest.mark.parametrize("kind", STYLES)
def test_the_layers_take_every_kind_of_glasses_off_again(laughing, monkeypatch, kind):
    monkeypatch.setattr(glasses_layers, "STYLES", {kind: dataclasses.replace(STYLES[kind], weight=1.0)})
    crop, points = laughing
    for seed in range(6):
        worn = draw_layers(crop, points, 1.0, np.random.default_rng(seed))
        error = np.abs(taken_off(worn, crop) - crop).max(-1)
        assert np.percentile(error, 99) < 7  # of faint rims a little stays
        assert error.max() < 25  # where it is faint or burnt out
        assert worn.hidden.max() > 0.3


def test_glasses_are_drawn_around_the_eyes_and_each_time_others(laughing):
    crop, points = laughing
    drawn = [draw_layers(crop, points, 1.0, np.random.default_rng(seed)) for seed in range(12)]
    assert len({worn.picture.tobytes() for worn in drawn}) == 12
    again = draw_layers(crop, points, 1.0, np.random.default_rng(3))
    np.testing.assert_array_equal(again.picture, drawn[3].picture)
    for worn in drawn:
        rows = np.nonzero(worn.hidden.max(1) > 0.5)[0]
        assert rows.min() > points[36:48, 1].mean() - 25
        assert rows.max() < points[57, 1]  # not the mouth


def test_the_same_glasses_at_twice_the_size_cover_four_times_the_pixels(laughing):
    crop, points = laughing
    twice = np.repeat(np.repeat(crop, 2, 0), 2, 1)
    small = draw_layers(crop, points, 1.0, np.random.default_rng(5)).hidden
    large = draw_layers(twice, 2 * points + 0.5, 2.0, np.random.default_rng(5)).hidden
    assert large.sum() == pytest.approx(4 * small.sum(), rel=0.25)
