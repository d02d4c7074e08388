from dataclasses import replace

import numpy as np
import pytest

from diat.runtime.engine import LUMA, Engine, strengthened


@pytest.fixture
def lips():
    """Red lips that T makes into grey teeth: a crop of one colour and its change."""
    crop = np.full((1, 4, 4, 3), (160, 80, 80), np.uint8)
    return crop, np.float32((180, 175, 170)) - crop


def test_up_to_t_s_own_change_it_is_scaled(lips):
    crop, change = lips
    np.testing.assert_array_equal(strengthened(crop, change, 0.5), change / 2)


def test_beyond_it_the_lightness_goes_on_and_the_colour_does_not(lips):
    crop, change = lips
    own, stronger = crop + change, crop + strengthened(crop, change, 1.3)
    np.testing.assert_allclose(stronger @ LUMA - own @ LUMA, 0.3 * (change @ LUMA), rtol=1e-4)
    np.testing.assert_allclose(stronger / stronger[..., :1], own / own[..., :1], rtol=1e-4)


def test_darker_than_black_is_black():
    crop = np.full((1, 4, 4, 3), 100, np.uint8)
    change = np.full((1, 4, 4, 3), -90, np.float32)
    np.testing.assert_allclose(crop + strengthened(crop, change, 2.0), 0, atol=1e-4)


def test_the_engine_makes_the_models_strength(editors, laughing):
    model, crops = editors("mouth_open").model, laughing[0][None]
    weaker, own = (replace(model, config=replace(model.config, strength=strength)) for strength in (0.5, 1.0))
    np.testing.assert_allclose(Engine(weaker).change(crops), Engine(own).change(crops) / 2, atol=1e-3)
