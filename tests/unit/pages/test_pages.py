"""What the pages do, without a server or a browser."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest

from diat.errors import InvalidArgument
from diat.pages.batch import BatchPage
from diat.pages.every import EveryPage
from diat.pages.guards import refuse_by_a_sentence
from diat.pages.parts import CONSENT_FIRST, action_of, consent_box
from diat.pages.photo import PhotoPage, result_name
from diat.pages.video import film_faces

NOTICE = "The Hub could not be reached: the cached copy is used."


@pytest.fixture
def pool(editors, detector):
    """The embedded models, as if they had come out of the Hub's cache."""

    def get(attribute: str):
        editor = editors(attribute)
        return SimpleNamespace(edit=editor.edit, model=replace(editor.model, notices=(NOTICE,)))

    return SimpleNamespace(get=get, detector=detector, attributes=["mouth_open", "mouth_close"])


@pytest.fixture
def download(tmp_path, monkeypatch) -> gr.File:
    with gr.Blocks():
        file = gr.File()
    file.GRADIO_CACHE = str(tmp_path / "cache")
    return file


def test_a_models_notices_are_shown(pool, download, hopper_path):
    *_, path, said = PhotoPage(pool, download).edit(str(hopper_path), "mouth_open", 1.0, [], True)
    assert NOTICE in said and "recognisable" in said
    assert Path(path).name == "grace_hopper-open-mouth.jpg"
    assert path in download.temp_files  # so that Gradio deletes it
    _, said = EveryPage(pool, download).edit_every(str(hopper_path), 1.0, True)
    assert said.count(NOTICE) == 1


def test_the_first_face_that_can_be_edited_is_chosen_at_first(pool, download, tmp_path, crowd, detector, monkeypatch):
    from PIL import Image

    path = tmp_path / "crowd.png"
    Image.fromarray(crowd).save(path)
    first, second = detector.detect(crowd)
    profile = first.points5.copy()
    profile[2, 0] = profile[0, 0] - 40
    monkeypatch.setattr(
        pool, "detector", SimpleNamespace(detect=lambda pixels: [replace(first, points5=profile), second])
    )
    _, choice, said = PhotoPage(pool, download).find_faces(str(path))
    assert choice["value"] == ["2"]
    assert choice["choices"] == ["1", "2"]
    assert said.startswith("2 faces found.") and "Face 1 was left as it is" in said


def test_the_zip_grows_on_disk_and_is_not_kept_in_memory(pool, download, hopper_path, tmp_path):
    page = BatchPage(pool, download)
    steps = page.edit_all([str(hopper_path)] * 2, "mouth_open", 1.0, False, True)
    next(steps)
    (growing,) = Path(download.GRADIO_CACHE).rglob("*.zip")
    size = growing.stat().st_size
    assert size > 10_000
    assert str(growing) in download.temp_files  # deleted even if the visitor leaves now
    next(steps)
    shown, path, _ = next(steps)
    assert Path(path) == growing and growing.stat().st_size > 1.9 * size
    assert len(shown) == 2
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None


def test_a_batch_without_a_result_offers_no_file(pool, download, tmp_path):
    from PIL import Image

    Image.new("RGB", (200, 200), "green").save(tmp_path / "wall.png")
    *_, (shown, path, said) = BatchPage(pool, download).edit_all([str(tmp_path / "wall.png")], "mouth_open", 1, 0, True)
    assert (shown, path) == ([], None)
    assert "wall.png was skipped: No face found" in said
    assert not list(Path(download.GRADIO_CACHE).rglob("*.zip"))


def test_nothing_happens_without_consent(pool, download, hopper_path):
    assert PhotoPage(pool, download).edit(str(hopper_path), "mouth_open", 1.0, [], False)[-1] == CONSENT_FIRST
    assert EveryPage(pool, download).edit_every(str(hopper_path), 1.0, False) == ([], CONSENT_FIRST)
    assert [*BatchPage(pool, download).edit_all([str(hopper_path)], "mouth_open", 1.0, False, False)] == [
        ([], None, CONSENT_FIRST)
    ]


@pytest.mark.parametrize(
    ("given", "agreed"), [(True, True), (False, False), ("false", False), ("true", False), (1, False)]
)
def test_only_a_true_yes_is_consent(given, agreed):
    with gr.Blocks():
        box = consent_box("box")
    assert box.preprocess(given) is agreed


@pytest.mark.parametrize("number", [0, -1, None, float("nan")])
def test_people_of_a_video_are_counted_from_1(number):
    with pytest.raises(InvalidArgument, match="counted from 1"):
        film_faces("person", number)


def test_the_choices_of_a_video():
    assert [film_faces("largest", 0), film_faces("all", 0), film_faces("person", 2)] == ["largest", "all", 1]


def test_a_result_is_named_after_its_photograph_and_keeps_a_jpegs_format():
    names = [result_name(Path(name), "eyeglasses_remove") for name in ("a.JPG", "b.webp", "c.d.jpeg")]
    assert names == ["a-remove-glasses.jpg", "b-remove-glasses.png", "c.d-remove-glasses.jpg"]
    assert action_of("Smiling")


def test_what_was_not_changed_is_no_success(pool, download, hopper_path):
    *_, said = PhotoPage(pool, download).edit(str(hopper_path), "mouth_open", 0, [], True)
    assert "Nothing was changed." in said
    assert "recognisable" not in said


@pytest.mark.parametrize("value", [{"a": 1}, [[]], object()])
def test_a_value_of_the_wrong_type_is_one_sentence(value):
    with gr.Blocks():
        number = gr.Number(1, label="Which person", minimum=1)
    refuse_by_a_sentence(number)
    with pytest.raises(gr.Error, match="Which person: this value cannot be used"):
        number.preprocess(value)
