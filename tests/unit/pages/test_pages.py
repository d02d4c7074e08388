"""What the pages do, without a server or a browser."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from diat.errors import InvalidArgument
from diat.marks import read_marks
from diat.pages.api import PhotoApi
from diat.pages.batch import BatchPage
from diat.pages.bench import Bench
from diat.pages.films import film_faces
from diat.pages.guards import refuse_by_a_sentence
from diat.pages.parts import action_of, consent_box, of_people, result_sentences, unnumbered
from diat.pages.photo_steps import PhotoPage
from diat.pages.pictures import close_ups, picture_file
from diat.results import EditedFace, numbered, result_name


def test_a_models_notices_are_shown(pool, uploads, hopper_path):
    *_, path, said = PhotoApi(pool).edit(str(hopper_path), "mouth_open", 1.0, [], True)
    assert said.startswith("Mouth opened. Still recognisable")
    assert Path(path).name == "grace_hopper-open-mouth.jpg"
    assert uploads in Path(path).parents  # so that it is deleted in time


def test_a_preview_that_is_there_is_not_written_anew_but_kept_on(uploads, hopper):
    path = Path(picture_file(hopper)["path"])
    assert uploads in path.parents
    path.write_bytes(b"on its way to a browser")
    os.utime(path, (0, 0))
    assert picture_file(hopper)["path"] == str(path)
    assert path.read_bytes() == b"on its way to a browser"
    assert path.stat().st_mtime > 0
    path.unlink()
    assert picture_file(hopper)["path"] == str(path)
    assert path.read_bytes().startswith(b"\xff\xd8")


def test_the_zip_grows_on_disk_and_is_not_kept_in_memory(pool, uploads, hopper_path):
    page = BatchPage(pool)
    steps = page.edit_all([str(hopper_path)] * 2, "mouth_open", 1.0, False, True)
    assert next(steps)[2] == "0 of 2 done."
    next(steps)
    (growing,) = uploads.rglob("*.zip")
    size = growing.stat().st_size
    assert size > 10_000
    next(steps)
    shown, path, _ = next(steps)
    assert Path(path) == growing and growing.stat().st_size > 1.9 * size
    assert len(shown) == 2
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None


def test_a_batch_without_a_result_offers_no_file(pool, uploads, tmp_path):
    Image.new("RGB", (200, 200), "green").save(tmp_path / "wall.png")
    *_, (shown, path, said) = BatchPage(pool).edit_all([str(tmp_path / "wall.png")], "mouth_open", 1, 0, True)
    assert (shown, path) == ([], None)
    assert "wall.png was skipped. No face found" in said
    assert not list(uploads.rglob("*.zip"))


def test_nothing_happens_without_consent(pool, hopper_path):
    for refused in (
        lambda: PhotoApi(pool).edit(str(hopper_path), "mouth_open", 1.0, [], False),
        lambda: PhotoApi(pool).every(str(hopper_path), 1.0, False),
        lambda: [*BatchPage(pool).edit_all([str(hopper_path)], "mouth_open", 1.0, False, False)],
    ):
        with pytest.raises(gr.Error, match="Confirm consent first"):
            refused()


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


def test_a_result_is_named_after_its_photograph_and_its_changes():
    assert result_name("x/c.d.JPG", ["eyeglasses_remove"], ".jpg") == "c.d-remove-glasses.jpg"
    assert result_name("b.webp", ["mouth_close", "older_to_younger"], ".png") == "b-close-mouth-younger.png"
    assert action_of("Smiling")


def test_a_batch_keeps_what_was_not_changed_under_its_own_name(pool, uploads, collins_path, hopper_path):
    *_, (_, path, said) = BatchPage(pool).edit_all(
        [str(collins_path), str(hopper_path)], "mouth_close", 1.0, False, True
    )
    assert said == "1 of 2 photos changed, 1 left unchanged.  \nThe ZIP also has the unchanged ones."
    with zipfile.ZipFile(path) as archive:
        assert archive.read("grace_hopper.jpg") == hopper_path.read_bytes()  # not encoded anew
        marked = {name: read_marks(archive.read(name)).edited for name in archive.namelist()}
    assert marked == {"eileen_collins-close-mouth.jpg": True, "grace_hopper.jpg": False}


def test_a_batch_changes_what_seems_to_need_it_or_not(pool, uploads, collins_path):
    *_, (_, path, said) = BatchPage(pool).edit_all([str(collins_path)], "smile", 1.0, False, True, True)
    assert said == "1 of 1 photos changed."
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["eileen_collins-add-a-smile.jpg"]
    *_, (shown, _, said) = BatchPage(pool).edit_all([str(collins_path)], "eyeglasses_remove", 1.0, False, True, True)
    assert said.startswith("0 of 1 photos changed, 1 left unchanged.")
    assert shown[0][1] == "eileen_collins.jpg – no glasses found: applying it anyway makes no visible difference."


def test_a_batch_numbers_no_faces(pool, uploads, tmp_path, crowd):
    Image.fromarray(crowd).save(tmp_path / "two.png")

    def said(attribute: str, all_faces: bool) -> str:
        *_, (shown, _, _) = BatchPage(pool).edit_all([str(tmp_path / "two.png")], attribute, 1.0, all_faces, True)
        return shown[0][1]

    assert said("older_to_younger", False) == "two.png – made younger. Still recognisable."
    assert said("older_to_younger", True) == "two.png – made younger. All still recognisable."


def test_pictures_of_changes_say_whose_face_they_show(editors, detector, uploads, tmp_path, crowd, hopper_path):
    pool = SimpleNamespace(get=editors, detector=detector, attributes=["mouth_open"], default="mouth_open")
    wall, two = tmp_path / "wall.png", tmp_path / "two.png"
    Image.new("RGB", (200, 200), "green").save(wall)
    Image.fromarray(crowd).save(two)
    batch = BatchPage(pool)
    title = batch.effects([str(hopper_path)], True)["title"]
    assert title == "What to change (shown on the largest face of the first photo)"
    title = batch.effects([str(wall), str(hopper_path)], True)["title"]
    assert title == "What to change (shown on the largest face of photo 2)"
    page, bench = PhotoPage(pool, []), Bench(str(two), (0,)).picked("mouth_open")
    assert page.effects(bench)["title"] == "What to change"
    assert page.effects(bench.chosen([0, 1]))["title"] == "What to change (shown on face 1)"


def test_of_faces_far_apart_the_first_is_shown_close_up_and_of_others_all(editors, crowd):
    apart = np.zeros((crowd.shape[0], 2048, 3), np.uint8)
    apart[:, :512], apart[:, -512:] = crowd[:, :512], crowd[:, 512:]
    for picture, near, wide in ((crowd, True, True), (apart, True, False), (apart, False, True)):
        result = editors("older_to_younger").edit(picture, "all")
        before, after = close_ups(result, near=near)
        assert before.shape == after.shape and (before.shape[1] > 1.5 * before.shape[0]) == wide


def test_what_was_not_changed_is_no_success(pool, hopper_path):
    _, (_, whole), path, said = PhotoApi(pool).edit(str(hopper_path), "mouth_open", 0, [], True)
    assert Path(path).name == "grace_hopper.jpg"
    assert not read_marks(Path(path)).edited and not read_marks(Path(whole)).edited
    assert "Nothing was changed." in said
    assert "recognisable" not in said
    *_, said = PhotoApi(pool).edit(str(hopper_path), "older_to_younger", 0.05, [], True)
    assert said.startswith("Hardly anything changed (identity similarity 100 %).")


def test_numbers_are_listed_as_people_list_them():
    assert [numbered("face", "faces", range(1, last)) for last in (2, 3, 4)] == [
        "face 1", "faces 1 and 2", "faces 1, 2 and 3",
    ]  # fmt: skip
    assert unnumbered("Faces 1, 2 and 14 were left as they are.") == "Some faces were left as they are."
    assert unnumbered("Face 12 was left as it is.") == "A face was left as it is."
    assert of_people("Faces 1 and 4: all. Face 2 was left.") == "People 1 and 4: all. Person 2 was left."


def test_every_change_is_made_anyway_where_that_is_asked_for(pool, collins_path):
    pool.attributes = ["mouth_close", "smile"]
    captions = [
        [caption for _, caption in PhotoApi(pool).every(str(collins_path), 1.0, True, anyway)[0]]
        for anyway in (False, True)
    ]
    assert captions[0][-1] == "Add a smile: nothing to change"  # she smiles already
    assert captions[1][:2] == captions[0][:2] and captions[1][-1].endswith(" %")


@pytest.mark.parametrize("value", [{"a": 1}, [[]], object()])
def test_a_value_of_the_wrong_type_is_one_sentence(value):
    with gr.Blocks():
        number = gr.Number(1, label="Which person", minimum=1)
        refuse_by_a_sentence(number)
        anew = type(number)(**number.constructor_args)  # as for a visitor whose page gets an update of it
    for one in (number, anew):
        with pytest.raises(gr.Error, match="Which person: this value cannot be used"):
            one.preprocess(value)


def test_of_a_group_those_of_whom_hardly_anything_changed_are_told_apart():
    before, after = np.zeros((2, 2, 3), np.uint8), np.ones((2, 2, 3), np.uint8)

    def said(*similarities: float) -> str:
        edited = [
            EditedFace(index, before, after, 1.0, 1.0, lambda alike=alike: alike)
            for index, alike in enumerate(similarities)
        ]
        return result_sentences(SimpleNamespace(edited=edited, faces=edited, unchanged=False, attribute="mouth_open"))

    assert said(0.999, 0.9) == "Mouth opened. Face 2: still recognisable. Face 1: hardly anything changed."
    assert said(0.8, 0.1, 0.9) == "Mouth opened. Faces 1, 2 and 3: 2 of 3 still recognisable."
    assert said(0.999, 0.999) == "Hardly anything changed."
