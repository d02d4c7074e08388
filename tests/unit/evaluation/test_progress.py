import json

import pytest
from figures import some

from diat.errors import DiatError
from diat.evaluation.progress import Look, first_success, kept_models, seconds_at


def test_seconds_are_those_of_the_log_whatever_lies_between_its_lines(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"config": {"batch": 16, "accumulate": 2}, "processes": 1}))
    lines = [{"step": 10, "images_per_second": 32.0}, {"step": 30, "images_per_second": 64.0}]
    (tmp_path / "stats.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert seconds_at(tmp_path, 10) == pytest.approx(10)
    assert seconds_at(tmp_path, 30) == pytest.approx(20)
    assert seconds_at(tmp_path, 14) == pytest.approx(12)  # between two lines, at the rate of the later one
    with pytest.raises(DiatError, match="ends at step 30, before 40"):
        seconds_at(tmp_path, 40)
    with pytest.raises(DiatError, match="no run of training"):
        seconds_at(tmp_path / "nowhere", 1)


def test_a_success_that_does_not_last_is_none():
    looks = [Look(step, float(step), some(value)) for step, value in ((1, 0.2), (2, 0.6), (3, 0.4), (4, 0.5), (5, 0.9))]
    assert first_success(looks, 0.5).step == 4
    assert first_success(looks, 0.95) is None


def test_a_run_without_kept_models_is_refused(tmp_path):
    with pytest.raises(DiatError, match="--keep-models"):
        kept_models(tmp_path)
