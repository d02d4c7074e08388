import numpy as np
import pytest

from diat.detail import DetailFade
from diat.masks import attribute_mask
from diat.methods import AlignedFace
from diat.video.steady import FilmFrameEditor, LiveFrameEditor
from diat.video.steady_pictures import BilateralTimeFilter, PictureSmoother
from diat.video.tracking import Track
from diat.video.window import WINDOW_FRAMES, FaceEdit


@pytest.fixture
def steady(drawn):
    return LiveFrameEditor(drawn("mouth_close"))


def test_the_first_frame_is_as_the_editor_makes_it(steady, collins, collins_face):
    alone = steady.editor.edit_frame(collins, [collins_face])
    np.testing.assert_array_equal(steady.edit(collins, [Track(0, collins_face)]), alone)


@pytest.mark.parametrize("way", ["film", "live"])
def test_noise_makes_what_is_replaced_tremble_less_than_frame_by_frame(steady, laughing, way):
    (crop, points), rng = laughing, np.random.default_rng(0)
    mask = attribute_mask(steady.editor.spec, points)
    noisy = [np.clip(crop + rng.normal(0, 4, crop.shape), 0, 255).astype(np.uint8) for _ in range(12)]
    matrix = np.eye(2, 3, dtype=np.float32)
    alone = [steady.editor.changes([AlignedFace(matrix, frame, mask, None)])[0] for frame in noisy]
    frames = list(zip(noisy, alone, strict=True))
    settled = filtered(frames) if way == "film" else smoothed(frames, steady.editor.spec.detail_fade)
    replaced = (np.abs(alone[0]).mean(-1) > 1.5 * steady.editor.spec.detail_fade.high) & (mask > 0.5)

    def trembling(changes):
        looks = [(frame + change)[replaced] for frame, change in zip(noisy, changes, strict=True)]
        return np.mean([np.abs(b - a).mean() for a, b in zip(looks[3:], looks[4:], strict=False)])

    assert replaced.any()
    assert trembling(settled) < trembling(alone) / 2


def test_what_looks_new_is_changed_anew(steady, collins, collins_face):
    steady.edit(collins, [Track(0, collins_face)])
    another = np.ascontiguousarray(255 - collins)  # not one pixel as it was
    result = steady.edit(another, [Track(0, collins_face)])
    alone = steady.editor.edit_frame(another, [collins_face])
    assert np.abs(result.astype(int) - alone).mean() < 0.1


def test_a_face_that_was_away_is_new(steady, collins, collins_face):
    first = steady.edit(collins, [Track(0, collins_face)])
    assert steady.edit(collins, []) is collins
    darker = (0.95 * collins).astype(np.uint8)
    again = steady.edit(darker, [Track(0, collins_face)])
    np.testing.assert_array_equal(again, steady.editor.edit_frame(darker, [collins_face]))
    assert not np.array_equal(first, collins)


def test_strength_0_and_unusable_faces_give_the_frame_itself(steady, collins, collins_face):
    from dataclasses import replace

    tiny = replace(collins_face, points5=collins_face.points5 * 0.1, points68=collins_face.points68 * 0.1)
    assert steady.edit(collins, [Track(0, collins_face)], strength=0) is collins
    assert steady.edit(collins, [Track(0, tiny)]) is collins


def filtered(frames, **settings):
    """What a filter makes of (crop, change) after (crop, change) of one face."""
    steady, changes = BilateralTimeFilter(**settings), []
    for crop, change in frames:
        changes += steady.add({0: FaceEdit(crop, change)})
    return [change[0] for change in changes + steady.rest()]


def smoothed(frames, fade):
    """What a smoother makes of (crop, change) after (crop, change) of one face."""
    smoother = PictureSmoother(fade)
    return [smoother.smooth(0, *frame) for frame in frames]


def talking(laughing, count=12):
    """Crops of a mouth that opens and shuts, and changes that shut it, each a little different."""
    from diat.data.mouths import close_mouth

    crop, points = laughing
    shut, rng = close_mouth(crop, points), np.random.default_rng(0)
    crops = [crop if number % 4 < 2 else shut for number in range(count)]
    return [(own, shut + rng.normal(0, 5) - own.astype(np.float32)) for own in crops]


@pytest.mark.parametrize("way", ["film", "live"])
def test_a_mouth_shut_over_a_talking_one_looks_steadier_than_frame_by_frame(steady, laughing, way):
    frames = talking(laughing)
    alone = [change for _, change in frames]
    settled = filtered(frames) if way == "film" else smoothed(frames, steady.editor.spec.detail_fade)
    teeth = np.abs(alone[0]).mean(-1) > 40

    def trembling(changes):
        looks = [(crop + change)[teeth] for (crop, _), change in zip(frames, changes, strict=True)]
        return np.mean([np.abs(b - a).mean() for a, b in zip(looks, looks[1:], strict=False)])

    assert trembling(settled) < trembling(alone) / 2


def test_what_a_change_replaces_in_a_frame_near_does_not_go_back_to_tinting():
    rng, frames = np.random.default_rng(0), []
    for number in range(24):  # opens slowly and shuts at once, and looks shut in every frame, a little different
        crop = np.full((32, 32, 3), round(130 - 25 * (number % 6) / 5), np.uint8)
        frames.append((crop, np.float32(130 + rng.normal(0, 4)) - crop.astype(np.float32)))

    def trembling(changes):
        looks = [float((crop + change).mean()) for (crop, _), change in zip(frames, changes, strict=True)]
        return np.abs(np.diff(looks)).mean()

    settled = filtered(frames, fade=DetailFade(5.0, 20.0))
    assert trembling(settled) < trembling([change for _, change in frames]) / 4


def test_where_a_change_tints_the_film_keeps_its_grain(laughing):
    crop, _ = laughing
    rng = np.random.default_rng(0)
    noisy = [np.clip(crop + rng.normal(0, 4, crop.shape), 0, 255).astype(np.uint8) for _ in range(9)]
    tint = np.full(crop.shape, 2, np.float32)
    for settled in filtered([(frame, tint) for frame in noisy]):
        np.testing.assert_allclose(settled, 2, atol=1e-3)


def test_where_a_mouth_shuts_the_change_neither_lags_nor_ends_early(laughing):
    from diat.data.mouths import close_mouth

    crop, points = laughing
    shut = close_mouth(crop, points)
    change = shut.astype(np.float32) - crop
    settled = filtered([(crop, change)] * 5 + [(shut, np.zeros_like(change))] * 5)
    teeth = np.abs(change).mean(-1) > 40
    before, after = (np.abs(settled[number] - expected)[teeth].mean() for number, expected in ((4, change), (5, 0)))
    assert max(before, after) < 0.15 * np.abs(change)[teeth].mean()


def test_frames_come_out_in_order_each_when_those_after_it_are_known():
    crop, steady, given = np.zeros((128, 128, 3), np.uint8), BilateralTimeFilter(), []
    for number in range(20):  # a face of its own in each, so that nothing is averaged
        done = steady.add({number: FaceEdit(crop, np.full(crop.shape, number, np.float32))})
        assert len(done) == (number >= WINDOW_FRAMES)
        given += done
    given += steady.rest()
    assert [list(changes) for changes in given] == [[number] for number in range(20)]
    assert all(float(change.mean()) == number for changes in given for number, change in changes.items())


def test_a_film_of_one_frame_is_as_the_editor_makes_it(steady, collins, collins_face):
    film = FilmFrameEditor(steady.editor)
    assert film.add(collins, [Track(0, collins_face)]) == []
    np.testing.assert_array_equal(film.rest(), [steady.editor.edit_frame(collins, [collins_face])])


def test_a_film_keeps_frames_where_there_is_nothing_to_do(steady, collins, collins_face):
    film = FilmFrameEditor(steady.editor, strength=0)
    assert film.add(collins, [Track(0, collins_face)]) + film.add(collins, []) == []
    assert all(frame is collins for frame in film.rest())
