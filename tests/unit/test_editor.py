import inspect
import io
import re
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from diat.attributes import ATTRIBUTES
from diat.editor import FaceEditor
from diat.errors import DiatError, InvalidArgument, PhotoRejected
from diat.faces import MAX_FACES, DetectedFaces, choose_faces
from diat.masks import attribute_mask
from diat.methods import AlignedFace
from diat.photo import open_photo


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_an_edit_changes_the_face_and_keeps_the_person(editors, collins, hopper, name):
    photo = hopper if name in ("eyeglasses_remove", "mouth_open") else collins
    result = editors(name).edit(photo, apply_anyway=True)
    assert result.photo.shape == photo.shape
    assert result.photo.dtype == np.uint8
    assert (result.photo != photo).any()
    assert len(result.edited) == 1
    assert result.edited[0].identity_similarity > 0.3
    assert set(result.milliseconds) == {"decode", "detect", "align", "network", "paste"}


def test_outside_the_attributes_mask_every_pixel_is_equal(editors, hopper):
    result = editors("eyeglasses_remove").edit(hopper)
    changed = (result.photo != hopper).any(2)
    rows, columns = np.nonzero(changed)
    left, top, right, bottom = result.faces[0].box
    assert changed.any()
    eyes, chin = result.faces[0].points68[36:48, 1].mean(), result.faces[0].points68[8, 1]
    assert rows.max() < (eyes + chin) / 2
    assert rows.min() > top - (bottom - top) / 2
    assert columns.min() > left - (right - left) / 2
    assert columns.max() < right + (right - left) / 2


def test_strength_0_gives_the_photograph_back_bit_equal(editors, collins):
    result = editors("male_to_female").edit(collins, strength=0)
    np.testing.assert_array_equal(result.photo, collins)
    assert result.edited[0].identity_similarity == pytest.approx(1, abs=1e-5)


def test_more_strength_changes_more(editors, collins):
    def change(strength: float) -> float:
        return float(np.abs(editors("mouth_close").edit(collins, strength=strength).photo.astype(int) - collins).mean())

    assert 0 < change(0.5) < change(1.0) < change(1.5)


@pytest.mark.parametrize("strength", [-0.1, 1.6, float("nan"), "1", None])
def test_a_strength_out_of_range_is_refused(editors, collins, strength):
    with pytest.raises(DiatError, match="from 0 to 1.5"):
        editors("mouth_close").edit(collins, strength=strength)


def test_a_face_that_is_not_there_is_named_by_number_and_by_index(editors, crowd):
    with pytest.raises(InvalidArgument, match=r"There is no face 3 \(index 2\): 2 were found, so choose 1 to 2"):
        editors("mouth_open").edit(crowd, 2)


def test_an_editor_says_what_it_is_and_where_it_runs(editors, collins):
    editor = editors("mouth_close")
    assert repr(editor) == "FaceEditor('mouth_close', source='embedded', device='cpu')"
    before = editor.edit(collins).photo
    assert editor.to(torch.device("cpu")) is editor
    assert editor.device == "cpu"
    np.testing.assert_array_equal(editor.edit(collins).photo, before)


def test_every_kind_of_source_gives_the_same_result(editors, hopper_path, hopper):
    editor = editors("eyeglasses_remove")
    expected = editor.edit(hopper).photo
    for source in (
        hopper_path,
        str(hopper_path),
        hopper_path.read_bytes(),
        Image.fromarray(hopper),
        open_photo(hopper),
        io.BytesIO(hopper_path.read_bytes()),
    ):
        np.testing.assert_array_equal(editor.edit(source).photo, expected)
    with hopper_path.open("rb") as file:
        np.testing.assert_array_equal(editor.edit(file).photo, expected)


def test_the_largest_face_all_faces_or_chosen_ones(editors, crowd):
    editor = editors("mouth_open")
    largest, both, second = (editor.edit(crowd, faces) for faces in ("largest", "all", [1]))
    np.testing.assert_array_equal(editor.edit(crowd, 1).photo, second.photo)
    assert second.edited[0].number == 2
    assert [face.index for face in largest.edited] == [0]
    assert [face.index for face in both.edited] == [0, 1]
    assert [face.index for face in second.edited] == [1]
    np.testing.assert_array_equal(largest.photo[:, 512:], crowd[:, 512:])
    np.testing.assert_array_equal(second.photo[:, :512], crowd[:, :512])
    np.testing.assert_array_equal(both.photo[:, :512], largest.photo[:, :512])
    np.testing.assert_array_equal(both.photo[:, 512:], second.photo[:, 512:])


@pytest.mark.parametrize("faces", [[2], 2, [-1], [], "smallest"], ids=str)
def test_a_choice_of_faces_that_are_not_there_is_refused(editors, crowd, faces):
    with pytest.raises(DiatError):
        editors("mouth_open").edit(crowd, faces)


def test_faces_found_before_are_not_searched_again(editors, collins, collins_face, monkeypatch):
    editor = editors("mouth_open")
    expected = editor.edit(collins).photo
    monkeypatch.setattr(editor.detector, "detect", lambda _: pytest.fail("searched"))
    np.testing.assert_array_equal(editor.edit(collins, found=[collins_face]).photo, expected)


def test_a_photograph_without_a_face_is_refused(editors):
    landscape = np.linspace(0, 255, 300 * 400 * 3).reshape(300, 400, 3).astype(np.uint8)
    with pytest.raises(PhotoRejected, match="No face found"):
        editors("mouth_open").edit(landscape)


def test_a_face_too_small_is_refused_with_both_sizes(editors, collins):
    small = cv2.resize(collins, (160, 160), interpolation=cv2.INTER_AREA)
    with pytest.raises(PhotoRejected, match=r"\d+ pixels across with its hair where at least 64"):
        editors("mouth_open").edit(small)


def test_all_faces_leaves_out_the_unusable_and_says_so(editors, collins):
    small = cv2.resize(collins, (150, 150), interpolation=cv2.INTER_AREA)
    photo = np.concatenate([collins, np.pad(small, ((0, 362), (0, 0), (0, 0)), mode="edge")], axis=1)
    result = editors("mouth_open").edit(photo, "all")
    assert len(result.faces) == 2
    assert [face.index for face in result.edited] == [0]
    assert "Face 2 was left as it is" in result.notices[0]


def test_the_largest_face_that_can_be_used_is_taken_and_the_larger_ones_are_named(collins_face):
    points = collins_face.points5.copy()
    points[2, 0] += 30
    turned = replace(collins_face, points5=points)
    notices: list[str] = []
    assert choose_faces([turned, collins_face, turned], "largest", notices) == [1]
    assert len(notices) == 1
    assert notices[0].startswith("Face 1 was left as it is: it is turned")
    with pytest.raises(PhotoRejected, match="None of the 2 faces can be used"):
        choose_faces([turned, turned], "largest", [])


def test_only_more_faces_than_are_taken_are_spoken_of(collins_face):
    notices: list[str] = []
    choose_faces(DetectedFaces([collins_face] * MAX_FACES), "largest", notices)
    assert notices == []
    choose_faces(DetectedFaces([collins_face] * MAX_FACES, left_out=1), "largest", notices)
    assert notices == ["Only the 20 largest faces are considered; smaller ones stay as they are."]


@pytest.mark.parametrize("choice", ["first", 7, -1, True, None, ["a"], [0.5], [], [7]])
def test_a_choice_of_faces_that_is_none_is_one_sentence(collins_face, choice):
    with pytest.raises(DiatError, match="face"):
        choose_faces([collins_face], choice, [])


def test_a_wide_photograph_keeps_its_size_and_its_sharpness(editors, hopper):
    wide = cv2.resize(hopper, (2000, 2344), interpolation=cv2.INTER_LANCZOS4)
    result = editors("eyeglasses_remove").edit(wide)
    assert result.photo.shape == wide.shape
    same = (result.photo == wide).all(2)
    assert same.mean() > 0.8
    assert not same.all()


def test_the_engine_does_not_depend_on_the_batch(drawn):
    engine = drawn("mouth_close").method.engine
    size = engine.config.size
    crops = np.random.default_rng(0).integers(0, 256, (20, size, size, 3), np.uint8)
    together = engine.change(crops)
    assert together.shape == crops.shape
    alone = np.concatenate([engine.change(crops[i : i + 1]) for i in range(20)])
    np.testing.assert_allclose(together, alone, atol=0.05)


def seen(crop, mask):
    return AlignedFace(np.eye(2, 3, dtype=np.float32), crop, mask, None)


def test_a_local_attribute_runs_in_its_window_alone_when_the_mask_lies_in_it(drawn, laughing):
    editor, (crop, points) = drawn("mouth_open"), laughing
    left, top, right, bottom = editor.spec.window(128)
    mask = attribute_mask(editor.spec, points)
    (change,) = editor.changes([seen(crop, mask)])
    np.testing.assert_array_equal(
        change[top:bottom, left:right], editor.method.engine.change(crop[None, top:bottom, left:right])[0]
    )
    assert change.any()
    change[top:bottom, left:right] = 0
    assert not change.any()


def test_a_mask_that_reaches_out_of_the_window_gets_the_whole_crop(drawn, laughing):
    editor, (crop, points) = drawn("mouth_open"), laughing
    mask = attribute_mask(editor.spec, points)
    aside = np.roll(mask, 20, axis=1)
    both = editor.changes([seen(crop, aside), seen(crop, mask)])
    np.testing.assert_allclose(both[0], editor.method.engine.change(crop[None])[0], atol=0.05)
    np.testing.assert_allclose(both[1], editor.changes([seen(crop, mask)])[0], atol=0.05)


def test_a_global_attribute_sees_the_whole_crop(drawn, laughing):
    editor, (crop, points) = drawn("male_to_female"), laughing
    changes = editor.changes([seen(crop, attribute_mask(editor.spec, points))])
    np.testing.assert_array_equal(changes, editor.method.engine.change(crop[None]))


def test_from_pretrained_takes_a_folder(tmp_path, detector):
    from diat.hub import EMBEDDED

    editor = FaceEditor.from_pretrained(EMBEDDED / "mouth_open", detector=detector)
    assert editor.spec.name == "mouth_open"


def test_a_saved_model_is_loaded_again(tmp_path, editors, detector, collins):
    editor = editors("mouth_open")
    editor.save_pretrained(tmp_path / "mine")
    again = FaceEditor.from_pretrained(tmp_path, subfolder="mine", attribute="mouth_open", detector=detector)
    np.testing.assert_array_equal(again.edit(collins).photo, editor.edit(collins).photo)
    with pytest.raises(DiatError, match="cannot be written"):
        editor.save_pretrained("/proc/mine")


def test_that_a_cached_copy_is_used_reaches_the_user(editors, detector, collins):
    model = replace(editors("mouth_close").model, notices=("The cached copy is used.",))
    assert FaceEditor(model, detector).edit(collins).notices == ("The cached copy is used.",)


def test_a_black_and_white_photograph_stays_black_and_white(editors, collins):
    grey = np.repeat(cv2.cvtColor(collins, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    for name in ("mouth_close", "male_to_female"):
        result = editors(name).edit(grey, apply_anyway=True).photo
        assert not np.array_equal(result, grey)
        assert np.ptp(result, axis=-1).max() == 0


def test_a_dull_film_does_not_flip_between_grey_and_coloured_changes(drawn, collins, collins_face):
    """Frames whose colours fade out: what is changed loses its colour step by step."""
    editor, grey = drawn("male_to_female"), cv2.cvtColor(collins, cv2.COLOR_RGB2GRAY)[..., None].astype(np.float32)
    colours = []
    for share in np.linspace(0.0, 0.3, 16):
        frame = np.rint(grey + share * (collins - grey)).astype(np.uint8)
        (change,) = editor.changes([editor.aligned(frame, collins_face)])
        colours.append(np.abs(change - change.mean(-1, keepdims=True)).mean())
    assert colours[0] == 0
    assert colours[-1] > 0.5
    assert max(np.diff(colours)) < 0.5 * colours[-1]


def test_the_help_of_what_programs_call_tells_every_argument():
    for method in (FaceEditor.from_pretrained, FaceEditor.edit, FaceEditor.edit_frame):
        asked = set(inspect.signature(method).parameters) - {"self"}
        told = inspect.getdoc(method).split("Args:")[1]
        assert [name for name in asked if not re.search(rf"\b{name}\b", told)] == [], method.__name__
