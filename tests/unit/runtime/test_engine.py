from dataclasses import replace

import numpy as np
import pytest

from diat.pixels import LUMA
from diat.runtime.engine import Engine, strengthened


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


def test_the_engine_makes_the_models_strength(drawn, laughing):
    model, crops = drawn("mouth_open").model, laughing[0][None]
    weaker, own = (replace(model, config=replace(model.config, strength=strength)) for strength in (0.5, 1.0))
    np.testing.assert_allclose(Engine(weaker).change(crops), Engine(own).change(crops) / 2, atol=1e-3)


def test_the_users_strength_and_the_models_are_one_factor(drawn, monkeypatch):
    crop = np.full((1, 4, 4, 3), (160, 80, 80), np.uint8)
    own = np.float32((150, 145, 140)) - crop.astype(np.float32)
    model = drawn("mouth_open").model
    engine = Engine(replace(model, config=replace(model.config, strength=1.7)))
    monkeypatch.setattr(engine, "_run", lambda crops: own)
    assert np.rint(crop + engine.change(crop, 1.0))[0, 0, 0].tolist() == [180, 174, 168]
    # By 1.5 times the change at 1, teeth would be cyan: (190, 221, 212).
    assert np.rint(crop + engine.change(crop, 1.5))[0, 0, 0].tolist() == [217, 210, 202]
    # Below 1 the rest is left to whoever adds the change.
    np.testing.assert_allclose(0.5 * engine.change(crop, 0.5), strengthened(crop, own, 0.85), rtol=1e-5)


def test_an_edit_beyond_1_follows_the_rule_in_photographs_frames_and_films(drawn, collins, collins_face):
    from diat.video.steady import FilmFrameEditor
    from diat.video.tracking import Track

    editor = drawn("mouth_close")
    aligned = editor.aligned(collins, collins_face)
    (change,) = editor.changes([aligned], 1.5)
    expected = np.clip(np.rint(aligned.crop + aligned.mask[..., None] * change), 0, 255).astype(np.uint8)
    result = editor.edit(collins, strength=1.5, found=[collins_face])
    np.testing.assert_array_equal(result.edited[0].after, expected)
    np.testing.assert_array_equal(editor.edit_frame(collins, [collins_face], 1.5), result.photo)
    film = FilmFrameEditor(editor, 1.5)
    film.add(collins, [Track(0, collins_face)])
    np.testing.assert_array_equal(film.rest()[0], result.photo)
