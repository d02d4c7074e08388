from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from figures import FIGURES, NOTHING, REPORT, some
from scripts import ROOT

from diat.errors import DiatError
from diat.evaluation import metrics
from diat.evaluation.report import as_markdown, crop_table, user_table
from diat.evaluation.results import (
    BaselineFigures,
    CropFigures,
    Fidelity,
    Realism,
    SecondOpinion,
    Success,
    read_report,
    run_names,
    to_json,
    together,
)

FULL = replace(
    FIGURES,
    success=Success(some(0.75), some(0.125), some(0.9)),
    kept=Fidelity(some(40), some(0.99)),
    second=SecondOpinion(Success(some(0.5), some(0.1), some(0.9)), 0.9),
    realism=Realism(60, 2.0, 1.0, 20.0, 0.5),
    crops=(
        CropFigures("x", some(0.1), some(0), some(1)),
        CropFigures("T(x)", some(0.7), some(0.1), some(0.8), some(0.6), 12.5),
    ),
)
BASELINE = BaselineFigures("cnia", "mouth_close", (CropFigures("CNIA", some(0.25), some(0.1), some(0.6), some(0.2)),))
FULL_REPORT = replace(REPORT, models=(FULL,), baselines=(BASELINE,))


def test_a_report_comes_back_from_its_file_as_it_was(tmp_path):
    path = tmp_path / "evaluation.json"
    path.write_text(to_json(FULL_REPORT))
    assert read_report(path) == FULL_REPORT


def test_figures_of_models_that_are_not_asked_for_this_time_stay():
    first, second = (replace(FIGURES, run=run) for run in ("first", "second"))
    again = replace(first, count=7)
    assert together((first, second), (again,)) == (again, second)
    assert together((first,), (second,)) == (first, second)
    assert together((), (first,)) == (first,)


def test_a_figure_of_nothing_comes_back_too(tmp_path):
    path = tmp_path / "evaluation.json"
    path.write_text(to_json(replace(FULL_REPORT, models=(replace(FULL, verified=NOTHING),))))
    assert np.isnan(read_report(path).models[0].verified.value)


@pytest.mark.parametrize("text", ["", "[]", '{"models": []}', to_json(FULL_REPORT).replace('"value"', '"worth"')])
def test_what_is_no_report_is_refused_in_one_sentence(tmp_path, text):
    path = tmp_path / "evaluation.json"
    with pytest.raises(DiatError, match="cannot be read"):
        read_report(path)
    path.write_text(text)
    with pytest.raises(DiatError, match="not a report of train/evaluate.py") as caught:
        read_report(path)
    assert "\n" not in str(caught.value)


def test_the_repositorys_own_report_can_be_read():
    report = read_report(ROOT / "docs" / "evaluation.json")
    assert report.photographs == 2007
    assert {figures.attribute for figures in report.models} >= {"mouth_close", "mouth_open"}


def test_the_tables_say_which_run_and_variant_a_row_is_of():
    row = user_table([FULL]).splitlines()[2]
    assert row.startswith("| DIAT3 | DIAT3 paper | mouth_close | 300 | 75.0 (73-77) |")
    crops = crop_table([FULL]).splitlines()[2:]
    assert [row.split(" | ")[3:5] for row in crops] == [["x", "300"], ["T(x)", "300"]]
    assert crops[0].endswith("| - |")
    assert crops[1].endswith("| 12.5 |")


def test_a_baselines_rows_stand_in_the_networks_own_table():
    assert "| cnia | - | mouth_close | CNIA | 300 | 25.0 (23-27) |" in as_markdown(FULL_REPORT)
    assert "CNIA" in as_markdown(replace(REPORT, models=(), baselines=(BASELINE,)))


def test_one_case_alone_has_no_interval():
    alone = metrics.mean(np.array([0.75]))
    assert "nan" not in user_table([replace(FULL, identity=alone)])
    assert "| 0.750 |" in user_table([replace(FULL, identity=alone)])


def test_few_images_are_said_to_bias_fid():
    assert "FID is biased" in as_markdown(FULL_REPORT)
    many = replace(FULL, realism=replace(FULL.realism, count=5000))
    assert "FID is biased" not in as_markdown(replace(FULL_REPORT, models=(many,)))


def test_models_are_called_after_their_runs_and_told_apart():
    assert run_names([Path("runs/mouth_close/model")]) == ["mouth_close"]
    assert run_names([Path("models/DIAT"), Path("models/DIAT1")]) == ["DIAT", "DIAT1"]
    assert run_names([Path("a/mouth/model"), Path("b/mouth/model")]) == ["a-mouth", "b-mouth"]
    assert len(set(run_names([Path("same"), Path("same")]))) == 1
