from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scripts import ROOT

from diat.errors import DiatError
from diat.evaluation import metrics
from diat.evaluation.report import as_markdown, crop_table, user_table
from diat.evaluation.results import (
    Conditions,
    CropFigures,
    CurvePoint,
    Fidelity,
    Group,
    JudgeAccuracy,
    ModelFigures,
    Realism,
    Report,
    SecondOpinion,
    Success,
    read_report,
    run_names,
    to_json,
)

HITS = metrics.share(np.array([True, True, False, True]))
VALUE = metrics.mean(np.array([0.9, 0.8, 0.95, 0.85]))
NOTHING = metrics.share(np.zeros(0, bool))

FIGURES = ModelFigures(
    run="DIAT3",
    variant="DIAT3 paper",
    attribute="mouth_open",
    column="Mouth_Slightly_Open",
    count=4,
    conditions=Conditions({"model.safetensors": "abc"}, (0.5,), True),
    success=Success(HITS, HITS, HITS),
    drift=VALUE,
    identity=VALUE,
    verified=HITS,
    identity_threshold=0.5,
    outside=Fidelity(VALUE, VALUE),
    kept=Fidelity(VALUE, VALUE),
    second=SecondOpinion(Success(HITS, HITS, HITS), 0.9),
    realism=Realism(60, 2.0, 1.0, 20.0, 0.5),
    groups={"men": Group(HITS, VALUE)},
    curve=(CurvePoint(0.5, 0.75, 0.9, 1.0),),
    crops=(CropFigures("x", HITS, VALUE, VALUE), CropFigures("T(x)", HITS, VALUE, VALUE, HITS, 12.5)),
    sheets="DIAT3",
)
REPORT = Report("celeba", "valid", 5, 1, {"Male": JudgeAccuracy(0.9, 0.8)}, (FIGURES,))


def test_a_report_comes_back_from_its_file_as_it_was(tmp_path):
    path = tmp_path / "evaluation.json"
    path.write_text(to_json(REPORT))
    assert read_report(path) == REPORT


def test_a_figure_of_nothing_comes_back_too(tmp_path):
    path = tmp_path / "evaluation.json"
    path.write_text(to_json(replace(REPORT, models=(replace(FIGURES, verified=NOTHING),))))
    assert np.isnan(read_report(path).models[0].verified.value)


@pytest.mark.parametrize("text", ["", "[]", '{"models": []}', to_json(REPORT).replace('"value"', '"worth"')])
def test_what_is_no_report_is_refused_in_one_sentence(tmp_path, text):
    path = tmp_path / "evaluation.json"
    with pytest.raises(DiatError, match="cannot be read"):
        read_report(path)
    path.write_text(text)
    with pytest.raises(DiatError, match="no report of train/evaluate.py") as caught:
        read_report(path)
    assert "\n" not in str(caught.value)


def test_the_repositorys_own_report_can_be_read():
    report = read_report(ROOT / "docs" / "evaluation.json")
    assert report.photographs == 2007
    assert {figures.attribute for figures in report.models} >= {"mouth_close", "mouth_open"}


def test_the_tables_say_which_run_and_variant_a_row_is_of():
    row = user_table([FIGURES]).splitlines()[2]
    assert row.startswith("| DIAT3 | DIAT3 paper | mouth_open | 4 | 75.0 (30-95) |")
    crops = crop_table([FIGURES]).splitlines()[2:]
    assert [row.split(" | ")[3] for row in crops] == ["x", "T(x)"]
    assert crops[0].endswith("| - |")
    assert crops[1].endswith("| 12.5 |")


def test_one_case_alone_has_no_interval():
    alone = metrics.mean(np.array([0.75]))
    assert "nan" not in user_table([replace(FIGURES, identity=alone)])
    assert "| 0.750 |" in user_table([replace(FIGURES, identity=alone)])


def test_few_images_are_said_to_bias_fid():
    assert "FID is biased" in as_markdown(REPORT)
    many = replace(FIGURES, realism=replace(FIGURES.realism, count=5000))
    assert "FID is biased" not in as_markdown(replace(REPORT, models=(many,)))


def test_models_are_called_after_their_runs_and_told_apart():
    assert run_names([Path("runs/mouth_close/model")]) == ["mouth_close"]
    assert run_names([Path("models/DIAT"), Path("models/DIAT1")]) == ["DIAT", "DIAT1"]
    assert run_names([Path("a/mouth/model"), Path("b/mouth/model")]) == ["a-mouth", "b-mouth"]
    assert len(set(run_names([Path("same"), Path("same")]))) == 1
