import numpy as np
import pytest

from diat.frames import FrameEditor
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
