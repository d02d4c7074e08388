"""Fields over time: noise is averaged, movement is followed at once, and the gate neither flickers nor lags."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from diat.align import photo_to_crop_matrix
from diat.attributes import attribute_spec
from diat.editor import FaceEditor
from diat.field_network import FieldNetwork
from diat.heads import GATE, HEADS, Fields
from diat.methods import AlignedFace
from diat.models import ModelConfig, save_model
from diat.native.stage import faded
from diat.video.steady import FilmFrameEditor, LiveFrameEditor
from diat.video.steady_fields import RELEASE, FieldSmoother, FieldTimeFilter
from diat.video.steady_pictures import SettledFaces
from diat.video.tracking import Track
from diat.video.window import WINDOW_FRAMES, FaceEdit

SET = HEADS["mouth_close"]


def fields(value: float, gate: float = 3.0, noise: float = 0.0, seed: int = 0) -> Fields:
    rng = np.random.default_rng(seed)
    maps = value + noise * rng.normal(size=(*SET.map_shape, len(SET.maps)))
    scalars = np.full(len(SET.scalars), 0.5, np.float32)
    scalars[SET.scalars.index(GATE)] = gate
    return Fields(SET, maps.astype(np.float32), scalars)


def crop(level: int) -> np.ndarray:
    return np.full((*SET.input_shape, 3), level, np.uint8)


def filtered(frames, way):
    if way == "live":
        smoother = FieldSmoother()
        return [smoother.smooth(7, *frame) for frame in frames]
    film, done = FieldTimeFilter(), []
    for frame in frames:
        done += film.add({7: FaceEdit(*frame)})
    assert len(done) == max(len(frames) - WINDOW_FRAMES, 0)
    return [changes[7] for changes in done + film.rest()]


@pytest.mark.parametrize("way", ["live", "film"])
def test_noise_of_a_face_that_lies_still_is_averaged_away(way):
    frames = [(crop(100), fields(2.0, noise=0.5, seed=seed)) for seed in range(12)]
    steady = filtered(frames, way)
    before = np.mean([np.abs(b[1].maps - a[1].maps).mean() for a, b in zip(frames[4:], frames[5:], strict=False)])
    after = np.mean([np.abs(b.maps - a.maps).mean() for a, b in zip(steady[4:], steady[5:], strict=False)])
    assert after < 0.5 * before
    assert abs(steady[-1].maps.mean() - 2) < 0.05


@pytest.mark.parametrize("way", ["live", "film"])
def test_a_face_that_moves_gets_its_own_fields_at_once(way):
    frames = [(crop(60), fields(0.0)) for _ in range(10)] + [(crop(160), fields(5.0)) for _ in range(10)]
    steady = filtered(frames, way)
    np.testing.assert_allclose(steady[9].maps, 0, atol=0.01)
    np.testing.assert_allclose(steady[10].maps, 5, atol=0.01)


def test_the_gate_opens_at_once_and_closes_slowly_live():
    gates = [-9.0] * 3 + [9.0] + [-9.0] * 30
    needed = [one.needed for one in filtered([(crop(100), fields(0, gate)) for gate in gates], "live")]
    assert needed[2] < 0.01 and needed[3] > 0.99
    falls = -np.diff(needed[3:])
    assert falls.max() <= RELEASE + 1e-3 and needed[-1] < 0.01


def test_the_gate_of_a_film_looks_both_ways():
    gates = [-9.0] * 20 + [9.0] + [-9.0] * 20
    share = [
        faded(one.needed, (0.15, 0.55)) for one in filtered([(crop(100), fields(0, gate)) for gate in gates], "film")
    ]
    assert share[20] == 1 and share[0] == share[-1] == 0
    np.testing.assert_allclose(share, share[::-1])
    assert np.abs(np.diff(share)).max() < 0.6


def test_faces_that_are_gone_are_forgotten():
    smoother = FieldSmoother()
    smoother.smooth(1, crop(100), fields(4.0))
    smoother.forget(all_but={2})
    np.testing.assert_array_equal(smoother.smooth(1, crop(100), fields(0.0)).maps, 0)


@pytest.fixture(scope="module")
def editor(tmp_path_factory, detector):
    torch.manual_seed(0)
    network = FieldNetwork(SET)
    network.scalars.bias.data[:] = -9.0
    network.maps.bias.data[SET.maps.index("lower_dy")] = 0.3
    folder = tmp_path_factory.mktemp("model")
    save_model(network, ModelConfig("mouth_close", "mouth", "mouth_close", SET.size), folder, {})
    return FaceEditor.from_pretrained(folder, detector=detector)


def test_films_and_streams_leave_what_is_not_needed_unless_they_are_asked_anyway(editor, collins, collins_face):
    track = Track(0, collins_face)
    for anyway in (False, True):
        film = FilmFrameEditor(editor, apply_anyway=anyway)
        film.add(collins, [track])
        live = LiveFrameEditor(editor, apply_anyway=anyway).edit(collins, [track])
        expected = editor.edit(collins, found=[collins_face], apply_anyway=anyway).photo
        np.testing.assert_array_equal(film.rest()[0], expected)
        np.testing.assert_array_equal(live, expected)
        assert (expected == collins).all() != anyway


def test_a_face_that_cannot_be_edited_is_left_alone_beside_one_that_is(editor, collins, collins_face):
    nowhere = replace(collins_face, points5=np.full((5, 2), np.nan, np.float32))
    alone = LiveFrameEditor(editor, apply_anyway=True).edit(collins, [Track(0, collins_face)])
    both = LiveFrameEditor(editor, apply_anyway=True).edit(collins, [Track(0, collins_face), Track(1, nowhere)])
    np.testing.assert_array_equal(alone, both)


def test_what_fields_make_of_a_film_is_averaged_where_they_changed_it_and_nowhere_else(collins, collins_face):
    spec, window = attribute_spec("mouth_close"), SET.window
    face = AlignedFace(photo_to_crop_matrix(collins_face.points5), crop(0), np.ones(SET.input_shape), collins_face)
    settled, rng = SettledFaces(spec.detail_fade, window), np.random.default_rng(0)
    x, y = collins_face.points5[3:].mean(0).astype(int)
    mouth = np.s_[y - 12 : y + 12, x - 25 : x + 25]
    edits = []
    for number in range(24):
        edit = collins.copy()
        edit[mouth] = 120 + 12 * (number % 2) + rng.integers(-3, 4, edit[mouth].shape)
        edits.append(edit)
    untouched = collins.copy()
    frames = [frame for edit in edits for frame in settled.add(collins, edit, {7: face})]
    frames += settled.add(untouched, untouched, {7: face}) + settled.rest()
    assert len(frames) == 25 and frames[-1] is untouched

    def unrest(film):
        return np.mean([np.abs(b[mouth].mean() - a[mouth].mean()) for a, b in zip(film, film[1:], strict=False)])

    assert unrest(frames[4:20]) < 0.5 * unrest(edits[4:20])
    for frame, edit in zip(frames, edits, strict=False):
        same = (edit == collins).all(-1)
        assert np.array_equal(frame[same], collins[same])
        assert frame[mouth].std() > 0.7 * edit[mouth].std()  # what is finer than the template stays
