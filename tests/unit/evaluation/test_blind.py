import json

import numpy as np
import pytest

from diat.errors import DiatError
from diat.evaluation.blind import KEY, face_picture, shuffled, tally, write_key, write_pair
from diat.photo import open_photo


def test_each_side_shows_the_new_model_as_often_and_every_photograph_once():
    names = [f"{number}.jpg" for number in range(32)]
    pairs = shuffled(names, seed=3)
    assert sorted(pair.photograph for pair in pairs) == sorted(names)
    assert [pair.number for pair in pairs] == list(range(32))
    assert sum(pair.new == "A" for pair in pairs) == 16
    assert [pair.new for pair in pairs] != [pair.new for pair in shuffled(names, seed=4)]


def test_answers_are_counted_by_the_key(tmp_path):
    pairs = shuffled([f"{number}.jpg" for number in range(10)], seed=0)
    write_key(tmp_path, pairs)
    other = {"A": "B", "B": "A"}
    sides = [pair.new if pair.number < 7 else other[pair.new] for pair in pairs[:9]]
    result = tally(tmp_path, "".join(f"{n:02d} {side}\n" for n, side in enumerate(sides)) + "09 =\n")
    assert (result.taken, result.answered, result.undecided) == (7, 9, 1)
    assert result.low < 7 / 9 < result.high


@pytest.mark.parametrize("answers", ["00 C\n", "first A\n", "07 A\n", "00 A\n"])
def test_what_is_no_answer_or_missing_is_refused(tmp_path, answers):
    write_key(tmp_path, shuffled(["a.jpg", "b.jpg"], seed=0))
    with pytest.raises(DiatError):
        tally(tmp_path, answers)


def test_a_folder_without_pairs_is_refused(tmp_path):
    with pytest.raises(DiatError, match="no pairs"):
        tally(tmp_path, "00 A")


def test_a_pair_shows_photograph_and_results_side_by_side_at_full_size(tmp_path):
    (pair,) = shuffled(["a.jpg"], seed=0)
    source, old, new = (np.full((50, 240, 3), level, np.uint8) for level in (10, 20, 30))
    write_pair(tmp_path, pair, source, old, new)
    shown = open_photo(tmp_path / "00.png").pixels
    assert shown.shape == (98, 768, 3)
    middles = [int(shown[60, x, 0]) for x in (128, 384, 640)]
    assert middles == [10, 30, 20] if pair.new == "A" else [10, 20, 30]
    assert not (tmp_path / KEY).exists() or json.loads((tmp_path / KEY).read_text())


def test_a_face_is_cut_out_with_hair_and_chin(collins, collins_face):
    shown = face_picture(collins, collins_face)
    left, top, right, bottom = collins_face.box
    assert shown.shape[0] > bottom - top and shown.shape[1] > right - left
