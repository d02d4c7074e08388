"""The evaluation as a whole, by judges whose word is known."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from diat.attributes import COLUMNS, attribute_spec
from diat.baselines.pictures import Method, make_pictures
from diat.editor import FaceEditor
from diat.errors import DiatError, PhotoRejected
from diat.evaluation.crops import network_images
from diat.evaluation.evaluation import Evaluation
from diat.evaluation.photographs import Quota, read_photographs
from diat.evaluation.second import SECOND_JUDGES, SecondJudge, Views
from diat.hub import EMBEDDED, load_model
from diat.models import ModelConfig, save_model
from diat.networks import GlobalEnhancer, LocalEnhancer, TransformNetwork


class KnownJudges:
    """Takes bright crops for every column's True, and small colour thumbnails for embeddings."""

    def attributes(self, crops):
        bright = crops.mean((1, 2, 3)) / 255
        return np.repeat(bright[:, None], len(COLUMNS), axis=1).astype(np.float32)

    def embeddings(self, crops, points5):
        small = np.stack([cv2.resize(crop, (4, 4), interpolation=cv2.INTER_AREA).ravel() for crop in crops])
        small = small.astype(np.float32) - 128
        return small / np.linalg.norm(small, axis=1, keepdims=True)

    def male(self, crops, points5):
        return crops.mean((1, 2, 3))


@pytest.fixture(scope="module")
def photographs(tiny_celeba, detector):
    return read_photographs(str(tiny_celeba), "valid", 8, detector)


@pytest.fixture(scope="module")
def evaluation(photographs, detector):
    return Evaluation(photographs, KnownJudges(), detector, realism=False)


def test_labelled_photographs_come_with_crops_points_and_labels(photographs):
    assert len(photographs.pixels) == len(photographs.faces) == 8
    assert photographs.crops.shape == (8, 128, 128, 3)
    assert photographs.points5.shape == (8, 5, 2)
    assert photographs.labels.shape == (8, 40)


def test_only_as_many_labelled_photographs_are_read_as_are_needed(tiny_celeba, detector):
    quota = Quota([attribute_spec("mouth_close"), attribute_spec("eyeglasses_remove")], 2)
    photographs = read_photographs(str(tiny_celeba), "valid", None, detector, quota)
    mouths, glasses = (photographs.labels[:, COLUMNS.index(name)] for name in ("Mouth_Slightly_Open", "Eyeglasses"))
    assert mouths.sum() >= 2 and (~mouths).sum() >= 4 and glasses.sum() >= 2 and (~glasses).sum() >= 4
    assert len(photographs.labels) <= 12 and photographs.left_out == 0


def test_a_folder_of_folders_of_unaligned_photographs_is_read_and_aligned(tmp_path, collins, hopper, detector):
    for who, picture in (("Eileen_Collins", collins), ("Grace_Hopper", hopper)):
        turned = cv2.warpAffine(
            picture, cv2.getRotationMatrix2D((256, 200), 25, 1.0), picture.shape[1::-1], borderMode=cv2.BORDER_REFLECT
        )
        (tmp_path / who).mkdir()
        cv2.imwrite(str(tmp_path / who / f"{who}_0001.jpg"), turned[..., ::-1])
    (tmp_path / "Nobody").mkdir()
    (tmp_path / "Nobody" / "broken.jpg").write_bytes(b"no picture")
    cv2.imwrite(str(tmp_path / "grey.png"), np.full((200, 200, 3), 128, np.uint8))
    photographs = read_photographs(str(tmp_path), "valid", None, detector)
    assert len(photographs.pixels) == 2
    assert photographs.left_out == 2
    assert photographs.labels is None
    eyes = photographs.points5[:, :2]
    assert np.abs(eyes[:, 0, 1] - eyes[:, 1, 1]).max() < 4  # upright again
    with pytest.raises(PhotoRejected, match="no face that can be edited"):
        read_photographs(str(tmp_path / "Nobody"), "valid", None, detector)


def test_figures_are_counted_labelled_and_shown_under_the_run(evaluation, photographs, drawn, tmp_path):
    editor = drawn("mouth_close")
    folder = Path(editor.model.source)
    conditions = evaluation.conditions(folder, [0.5])
    assert conditions.manifest == json.loads((folder / "manifest.json").read_text())
    figures = evaluation.measure(editor, "my-run", conditions, tmp_path)
    open_mouths = int(photographs.labels[:, COLUMNS.index("Mouth_Slightly_Open")].sum())
    assert figures.run == figures.sheets == "my-run"
    assert figures.variant == "DIAT-A0 release"
    assert figures.count == figures.success.edited.count == open_mouths
    assert figures.success.real.count == figures.kept.psnr.count == 8 - open_mouths
    assert figures.outside.psnr.value == 99  # outside the mask nothing moves
    assert figures.curve[0].strength == 0.5
    assert figures.curve[0].identity > figures.identity.value
    assert {path.name for path in (tmp_path / "my-run").iterdir()} == {
        "random.png",
        "worst.png",
        "median.png",
        "best.png",
    }
    # The network's own picture changes more than the user's, who keeps all that lies outside the mask.
    x, transformed = figures.crops
    assert (x.image, transformed.image) == ("x", "T(x)")
    assert x.identity.value > 0.999
    assert x.drift.value == 0
    assert transformed.identity.value < figures.identity.value


def test_the_faces_that_are_edited_can_be_fewer_than_those_that_are_judged(photographs, detector, drawn, tmp_path):
    evaluation = Evaluation(photographs, KnownJudges(), detector, realism=False, faces=1)
    editor = drawn("mouth_close")
    conditions = evaluation.conditions(Path(editor.model.source), [])
    figures = evaluation.measure(editor, "few", conditions, tmp_path)
    assert conditions.faces == figures.count == figures.kept.psnr.count == figures.crops[1].success.count == 1
    assert figures.success.real.count > 1
    again = evaluation.measure(editor, "again", conditions, tmp_path)
    assert again.crops[0] is figures.crops[0] and again.crops[1] is not figures.crops[1]  # x is judged once


@pytest.mark.parametrize(("size", "kind"), [(64, "local"), (64, "global"), (128, "none")])
def test_raw_images_come_at_one_size_from_each_network(tmp_path, laughing, size, kind):
    enhancer = {"local": LocalEnhancer, "global": GlobalEnhancer, "none": lambda: None}[kind]()
    config = ModelConfig("mouth_close", size=size, residual=True, enhancer=kind)
    save_model(TransformNetwork(residual=True), config, tmp_path / "model", {}, enhancer)
    crop, _ = laughing
    images = network_images(load_model(tmp_path / "model"), np.stack([crop, crop[:, ::-1], crop]))
    assert list(images) == ["x", "T(x)", "E(T(x))"][: 2 if kind == "none" else 3]
    assert all(made.shape == (3, 128, 128, 3) for made in images.values())
    np.testing.assert_array_equal(images["T(x)"], images["x"])  # a residual T starts as the identity
    if size == 128:
        np.testing.assert_array_equal(images["x"][0], crop)


def test_a_network_that_learnt_in_a_window_is_shown_in_it_alone(drawn, laughing):
    crop, _ = laughing
    images = network_images(drawn("mouth_close").model, crop[None])
    left, top, right, bottom = attribute_spec("mouth_close").window(128)
    change = np.abs(images["T(x)"].astype(int) - images["x"]).max((0, 3))
    assert change[top:bottom, left:right].max() > 25
    change[top:bottom, left:right] = 0
    assert change.max() == 0


def test_models_of_one_attribute_are_shown_side_by_side_on_the_same_faces(evaluation, photographs, drawn, tmp_path):
    models = [drawn("mouth_close").model] * 2
    assert evaluation.compare(models, tmp_path / "mouth_close.png")
    sheet = cv2.imread(str(tmp_path / "mouth_close.png"), cv2.IMREAD_COLOR_RGB)
    count = int(photographs.labels[:, COLUMNS.index("Mouth_Slightly_Open")].sum())
    assert sheet.shape == (132 * count, 3 * 128 + 4, 3)  # the crop and a column a model, 2 pixels around each row
    source, first, second = (sheet[2:130, 2 + 128 * k : 130 + 128 * k].astype(int) for k in range(3))
    np.testing.assert_array_equal(first, second)
    assert np.abs(first - source).max() > 25


def test_a_baselines_pictures_are_judged_on_the_faces_that_they_show(evaluation, photographs, drawn, tmp_path):
    spec = attribute_spec("mouth_close")
    rows = evaluation.rows(spec, having=False)[:2]
    white = np.full((64, 64, 3), 255, np.uint8)
    folder = tmp_path / "cnia"
    make_pictures(folder, Method("CNIA", "mouth_close", {}), photographs.crops[rows], lambda number: white)
    figures = evaluation.baseline(folder, "cnia", {"DIAT-A": drawn("mouth_close").model})
    untouched, made, beside = figures.crops
    assert (beside.image, beside.success.count) == ("T(x) of DIAT-A", 2)
    assert (untouched.image, made.image, made.success.count) == ("x", "CNIA", 2)
    assert untouched.identity.value == pytest.approx(1) and made.identity.value < 0.9
    assert made.success.value == 0  # the judge of this file takes bright pictures for open mouths
    assert evaluation.compare([drawn("mouth_close").model], tmp_path / "sheet.png", [folder])
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet.shape == (132 * 2, 3 * 128 + 4, 3)  # the faces that the baseline has, and its column at the right
    assert (sheet[2:130, 2 + 256 : 2 + 384] == 255).all()
    make_pictures(tmp_path / "none", Method("CNIA", "mouth_close", {}), photographs.crops[:0], lambda number: white)
    with pytest.raises(DiatError, match="no picture of these photographs"):
        evaluation.baseline(tmp_path / "none", "none", {})


def views(levels: list[int]) -> Views:
    crops = np.array(levels, np.uint8)[:, None, None, None] * np.ones((1, 8, 8, 3), np.uint8)
    return Views(crops, np.zeros((len(levels), 5, 2), np.float32), lambda: [None] * len(levels))


@pytest.mark.parametrize("wanted", [True, False])
def test_a_second_judge_cuts_between_the_real_photographs_of_both_kinds(wanted):
    low, high = views([10, 20, 30, 40]), views([160, 170, 180])
    without, having = (low, high) if wanted else (high, low)
    judge = SecondJudge.set_on(KnownJudges(), "Male", wanted, without, having)
    assert judge.accuracy == 1
    opinion = judge.opinion(KnownJudges(), having if wanted else views([20, 200]))
    assert opinion.success.real.value == 1
    assert opinion.success.untouched.value == 0
    assert opinion.success.edited.value == (1 if wanted else 0.5)


def test_columns_without_a_second_judge_have_no_opinion_and_lost_faces_do_not_count():
    assert SecondJudge.set_on(KnownJudges(), "Bangs", True, views([1]), views([2])) is None
    assert SecondJudge.set_on(KnownJudges(), "Male", True, views([1]), views([])) is None
    assert np.isnan(SECOND_JUDGES["Mouth_Slightly_Open"](KnownJudges(), views([1, 2]))).all()


def test_rows_follow_the_labels_where_there_are_some(evaluation, photographs):
    spec = attribute_spec("eyeglasses_remove")
    worn = photographs.labels[:, COLUMNS.index("Eyeglasses")]
    np.testing.assert_array_equal(evaluation.rows(spec, having=False), np.flatnonzero(worn))
    assert evaluation.rows(spec, having=True).tolist() == np.flatnonzero(~worn).tolist()


def test_the_sheets_folder_is_the_runs(tmp_path: Path, evaluation, detector):
    editor = FaceEditor.from_pretrained("mouth_open", detector=detector)
    for run in ("one", "two"):
        evaluation.measure(editor, run, evaluation.conditions(EMBEDDED / "mouth_open", []), tmp_path)
    assert (tmp_path / "one" / "random.png").is_file()
    assert (tmp_path / "two" / "random.png").is_file()
