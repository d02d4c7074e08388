"""Models with heads in the editor: what is needed, what is applied anyway, and what stays bit-equal."""

import cv2
import numpy as np
import pytest
import torch

from diat.cli import main
from diat.editor import FaceEditor
from diat.errors import ModelRejected
from diat.field_network import FieldNetwork
from diat.heads import HEADS
from diat.marks import read_marks
from diat.models import ModelConfig, save_model
from diat.native.stage import faded, region_of_face
from diat.photo import open_photo

NEEDED, NEEDLESS = 9.0, -9.0  # logits

FADE = (0.15, 0.55)


@pytest.fixture(scope="module")
def glasses_off(tmp_path_factory, detector):
    """An editor whose network says the same of every face: all of the window is hidden, and grey lies behind it."""
    made = {}

    def of(gate: float) -> FaceEditor:
        if gate not in made:
            network = FieldNetwork(HEADS["eyeglasses"])
            network.scalars.bias.data[:] = gate
            maps = HEADS["eyeglasses"].maps
            for name, value in {"alpha": 1.0, "red": 0.5, "green": 0.5, "blue": 0.5}.items():
                network.maps.bias.data[maps.index(name)] = value
            folder = tmp_path_factory.mktemp("model")
            save_model(network, ModelConfig("eyeglasses_remove", "glasses", "eyeglasses", 256), folder, {})
            made[gate] = FaceEditor.from_pretrained(folder, detector=detector)
        return made[gate]

    return of


def test_a_face_that_lacks_the_attribute_is_changed_within_its_region(glasses_off, collins):
    result = glasses_off(NEEDED).edit(collins)
    assert result.edited[0].needed > 0.99 and not result.notices
    face = result.faces[0]
    region, (left, top, right, bottom) = region_of_face(collins, face, HEADS["eyeglasses"].window)
    changed = (result.photo != collins).any(-1)
    assert changed[top:bottom, left:right].mean() > 0.2
    changed[top:bottom, left:right] = False
    assert not changed.any()
    np.testing.assert_array_equal(result.edited[0].before.shape, (256, 256, 3))
    assert (result.edited[0].before != result.edited[0].after).any()


def test_a_face_that_has_it_is_left_as_it_is_unless_it_is_asked_anyway(glasses_off, collins):
    editor = glasses_off(NEEDLESS)
    result = editor.edit(collins)
    np.testing.assert_array_equal(result.photo, collins)
    assert result.edited[0].needed < 0.01
    assert result.notices == ("No glasses found: nothing was changed.",)
    anyway = editor.edit(collins, apply_anyway=True)
    assert not anyway.notices
    np.testing.assert_array_equal(anyway.photo, glasses_off(NEEDED).edit(collins).photo)


def test_applying_it_anyway_where_nothing_is_seen_of_it_leaves_the_photograph_and_says_so(
    editors, collins, collins_path, tmp_path, capsys
):
    editor = editors("eyeglasses_remove")
    result = editor.edit(collins, apply_anyway=True)
    assert result.unchanged and result.photo is result.original and not read_marks(result.to_bytes()).edited
    assert result.notices == ("No glasses found: applying it anyway makes no visible difference.",)
    both = editor.edit(np.hstack([collins, collins]), "all", apply_anyway=True)
    left = "were left as they are: no glasses found, and applying it anyway makes no visible difference."
    assert both.unchanged and both.notices == (f"Faces 1 and 2 {left}",)
    assert editor.edit(collins, strength=0, apply_anyway=True).notices == ("Nothing was changed.",)
    assert editor.edit_frame(collins, result.faces, apply_anyway=True) is collins
    command = ["edit", str(collins_path), "-o", str(tmp_path / "out.png"), "--attribute", "eyeglasses_remove"]
    assert main([*command, "--apply-anyway"]) == 0
    assert "applying it anyway makes no visible difference" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["smile", "older_to_younger", "male_to_female"])
def test_applying_it_anyway_where_it_is_seen_changes_the_face(editors, collins, name):
    result = editors(name).edit(collins, apply_anyway=True)
    assert not result.unchanged and not result.notices


def test_a_face_that_was_left_is_as_it_was_though_its_neighbour_was_changed(editors, collins, hopper):
    two = [cv2.resize(part, (150, 300)) for part in (collins[:263, 171:281], hopper[:484, 166:366])]
    result = editors("eyeglasses_remove").edit(np.hstack(two), "all")
    assert result.notices[0].endswith("was left as it is: no glasses found.")
    changed = [face.number for face in result.edited if not np.array_equal(face.before, face.after)]
    assert len(result.edited) == 2 and len(changed) == 1 and f"Face {changed[0]}" not in result.notices[0]


def test_of_several_faces_that_need_no_change_one_sentence_speaks(glasses_off, collins):
    both = np.hstack([collins, collins])
    notices = glasses_off(NEEDLESS).edit(both, faces="all").notices
    assert notices[0] == "Faces 1 and 2 were left as they are: no glasses found."


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
def test_frames_are_changed_as_photographs_are(glasses_off, collins, strength):
    editor = glasses_off(NEEDED)
    result = editor.edit(collins, strength=strength)
    np.testing.assert_array_equal(editor.edit_frame(collins, [result.faces[0]], strength), result.photo)
    assert (result.photo == collins).all() == (strength == 0)


def test_black_and_white_stays_so(glasses_off, collins):
    grey = cv2.cvtColor(cv2.cvtColor(collins, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    assert np.ptp(glasses_off(NEEDED).edit(grey).photo, axis=-1).max() == 0


def test_an_edit_fades_in_with_the_probability_that_it_is_needed():
    values = [faded(probability, FADE) for probability in np.linspace(0, 1, 101)]
    assert values == sorted(values)
    assert faded(FADE[0], FADE) == 0 and faded(FADE[1], FADE) == 1 and 0.4 < faded(sum(FADE) / 2, FADE) < 0.6


def test_heads_that_cannot_render_an_attribute_are_refused(tmp_path):
    torch.manual_seed(0)
    save_model(FieldNetwork(HEADS["skin"]), ModelConfig("Bald", "face", "skin", HEADS["skin"].size), tmp_path, {})
    with pytest.raises(ModelRejected, match="cannot render 'Bald'"):
        FaceEditor.from_pretrained(tmp_path)


def test_the_command_line_says_that_nothing_was_needed_and_applies_it_anyway(
    glasses_off, collins_path, tmp_path, capsys
):
    folder = glasses_off(NEEDLESS).model.source
    command = ["edit", str(collins_path), "-o", str(tmp_path / "out.png"), "--model", folder]
    assert main(command) == 0
    assert "No glasses found: nothing was changed." in capsys.readouterr().out
    untouched = open_photo(tmp_path / "out.png").pixels
    assert main([*command, "--apply-anyway", "--overwrite"]) == 0
    assert "No glasses" not in capsys.readouterr().out
    assert (open_photo(tmp_path / "out.png").pixels != untouched).any()
