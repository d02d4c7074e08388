import numpy as np
import pytest

from diat.frames import AROUND, FilmEditor, FrameEditor, TemporalFilter
from diat.masks import attribute_mask
from diat.tracking import Track


@pytest.fixture
def steady(editors):
    return FrameEditor(editors("mouth_close"))


def test_the_first_frame_is_as_the_editor_makes_it(steady, collins, collins_face):
    alone = steady.editor.edit_frame(collins, [collins_face])
    np.testing.assert_array_equal(steady.edit(collins, [Track(0, collins_face)]), alone)


def test_noise_makes_the_change_tremble_less_than_frame_by_frame(steady, laughing):
    (crop, points), rng = laughing, np.random.default_rng(0)
    mask = attribute_mask(steady.editor.spec, points)
    noisy = [np.clip(crop + rng.normal(0, 4, crop.shape), 0, 255).astype(np.uint8) for _ in range(8)]
    alone = [steady.editor.changes([frame], [mask])[0] for frame in noisy]
    followed = [steady.settled(0, frame, change) for frame, change in zip(noisy, alone, strict=True)]

    def trembling(changes):
        return np.mean([np.abs(b - a)[mask > 0.5].mean() for a, b in zip(changes[3:], changes[4:], strict=False)])

    assert trembling(followed) < trembling(alone) / 3


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


def filtered(frames):
    """What a filter makes of (crop, change) after (crop, change) of one face."""
    steady, changes = TemporalFilter(), []
    for crop, change in frames:
        changes += steady.add({0: (crop, change)})
    return [change[0] for change in changes + steady.rest()]


def test_a_film_trembles_less_than_frame_by_frame(steady, laughing):
    (crop, points), rng = laughing, np.random.default_rng(0)
    mask = attribute_mask(steady.editor.spec, points)
    noisy = [np.clip(crop + rng.normal(0, 4, crop.shape), 0, 255).astype(np.uint8) for _ in range(12)]
    alone = [steady.editor.changes([frame], [mask])[0] for frame in noisy]
    settled = filtered(zip(noisy, alone, strict=True))

    def trembling(changes):
        return np.mean([np.abs(b - a)[mask > 0.5].mean() for a, b in zip(changes, changes[1:], strict=False)])

    assert trembling(settled) < trembling(alone) / 3


def test_a_change_is_carried_along_by_what_it_lies_on(collins, collins_face):
    from diat.align import photo_to_crop_matrix, warp_to_crop

    crop = warp_to_crop(collins, photo_to_crop_matrix(collins_face.points5))
    change = np.zeros(crop.shape, np.float32)
    change[60:70, 40:60] = 50
    shifts = [0, 1, 2, 3]
    moved = [(np.roll(crop, shift, 1), np.roll(change, shift, 1)) for shift in shifts]
    for (_, own), settled in zip(moved, filtered(moved), strict=True):
        assert np.abs(settled - own)[:, 10:-10].mean() < 0.01  # averaged where they are they differ by 0.06


def test_where_a_mouth_shuts_the_change_neither_lags_nor_ends_early(laughing):
    from diat.mouths import close_mouth

    crop, points = laughing
    shut = close_mouth(crop, points)
    change = shut.astype(np.float32) - crop
    settled = filtered([(crop, change)] * 5 + [(shut, np.zeros_like(change))] * 5)
    teeth = np.abs(change).mean(-1) > 40
    before, after = (np.abs(settled[number] - expected)[teeth].mean() for number, expected in ((4, change), (5, 0)))
    assert max(before, after) < 0.15 * np.abs(change)[teeth].mean()


def test_frames_come_out_in_order_each_when_those_after_it_are_known():
    crop, steady, given = np.zeros((128, 128, 3), np.uint8), TemporalFilter(), []
    for number in range(20):  # a face of its own in each, so that nothing is averaged
        done = steady.add({number: (crop, np.full(crop.shape, number, np.float32))})
        assert len(done) == (number >= AROUND)
        given += done
    given += steady.rest()
    assert [list(changes) for changes in given] == [[number] for number in range(20)]
    assert all(float(change.mean()) == number for changes in given for number, change in changes.items())


def test_a_film_of_one_frame_is_as_the_editor_makes_it(steady, collins, collins_face):
    film = FilmEditor(steady.editor)
    assert film.add(collins, [Track(0, collins_face)]) == []
    np.testing.assert_array_equal(film.rest(), [steady.editor.edit_frame(collins, [collins_face])])


def test_a_film_keeps_frames_where_there_is_nothing_to_do(steady, collins, collins_face):
    film = FilmEditor(steady.editor, strength=0)
    assert film.add(collins, [Track(0, collins_face)]) + film.add(collins, []) == []
    assert all(frame is collins for frame in film.rest())
