"""Several photographs at once, and several threads at once."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from diat.errors import InvalidArgument, PhotoRejected


def test_a_bad_argument_is_a_value_error(editors, collins):
    for arguments in ({"strength": 2}, {"faces": "first"}, {"on_error": "ignore"}):
        with pytest.raises(ValueError):
            editors("mouth_close").edit(collins, **arguments)


def test_several_photographs_come_in_any_collection(editors, collins, hopper_path):
    editor = editors("mouth_close")
    expected = [result.photo for result in editor.edit([collins, hopper_path])]
    stacked = np.stack([collins[:400, :400], collins[50:450, 50:450]])
    assert [result.photo.shape for result in editor.edit(stacked)] == [(400, 400, 3)] * 2
    for several in ((collins, hopper_path), iter([collins, hopper_path]), (p for p in (collins, hopper_path))):
        for result, photo in zip(editor(several), expected, strict=True):
            np.testing.assert_array_equal(result.photo, photo)


def test_photographs_that_cannot_be_used_are_skipped_on_request(editors, collins, caplog):
    photos = [collins, b"no photograph", collins[:100, :100]]
    with pytest.raises(PhotoRejected, match="^Photograph 2: This file is not a JPEG"):
        editors("mouth_close").edit(photos)
    first, second, third = editors("mouth_close").edit(photos, on_error="skip")
    np.testing.assert_array_equal(first.photo, editors("mouth_close").edit(collins).photo)
    assert second is None and third is None
    assert "Photograph 2 was skipped. This file is not a JPEG" in caplog.text
    assert "Photograph 3 was skipped. No face found" in caplog.text


def test_faces_found_before_belong_to_one_photograph(editors, collins, collins_face):
    with pytest.raises(InvalidArgument, match="one photograph"):
        editors("mouth_close").edit([collins, collins], found=[collins_face])


def test_a_batch_times_each_photograph_by_itself(editors, collins, crowd):
    one, two = editors("mouth_close").edit([collins, crowd], faces="all")
    assert one.milliseconds is not two.milliseconds
    assert two.milliseconds["network"] == pytest.approx(2 * one.milliseconds["network"])


def test_several_threads_share_an_editor(editors, collins, hopper, crowd):
    editor = editors("older_to_younger")
    photos = [collins, hopper, crowd, collins[:450], hopper[:500]] * 3
    expected = [editor.edit(photo, "all") for photo in photos]
    with ThreadPoolExecutor(5) as threads:
        for alone, together in zip(expected, threads.map(lambda photo: editor.edit(photo, "all"), photos), strict=True):
            np.testing.assert_array_equal(together.photo, alone.photo)
            assert [face.identity_similarity for face in together.edited] == pytest.approx(
                [face.identity_similarity for face in alone.edited], abs=1e-5
            )


def test_a_batch_gives_what_its_photographs_give_alone(editors, collins, hopper, crowd):
    editor = editors("older_to_younger")
    together = editor.edit([collins, hopper, crowd], faces="all")
    for photo, result in zip((collins, hopper, crowd), together, strict=True):
        alone = editor.edit(photo, faces="all")
        # A batch sums in another order: the last bit before rounding may differ.
        assert np.abs(alone.photo.astype(int) - result.photo).max() <= 1


def test_no_photographs_give_no_results(editors):
    assert editors("mouth_open").edit([]) == []
