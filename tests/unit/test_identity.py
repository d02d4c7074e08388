"""How strongly a face may be changed and stay the person's, and when that is measured."""

import dataclasses
import json
import pickle

import numpy as np
import pytest

from diat.cli import main
from diat.errors import InvalidArgument
from diat.identity import Person, allowed_strength


@pytest.mark.parametrize("seed", range(200))
def test_three_looks_or_fewer_and_none_believed_that_was_not_had(seed):
    """Whatever the curve, be it noisy, flat or jumping: what is returned was seen to hold, is the whole, or nothing."""
    rng = np.random.default_rng(seed)
    strength, least, power = rng.uniform(0.05, 1.5), rng.choice([0.0, 1.0, *rng.uniform(0, 1, 6)]), rng.uniform(0.3, 6)
    seen = {}

    def similarity(at):
        assert 0 < at <= strength
        seen[at] = float(np.clip(1 - rng.uniform(0, 2) * at**power + rng.normal(0, rng.choice([0, 0.2])), -1, 1))
        return seen[at]

    allowed = allowed_strength(similarity, strength, least)
    assert len(seen) <= 3
    assert allowed == 0 or seen[allowed] >= least
    if seen[strength] >= least:
        assert allowed == strength and len(seen) == 1


@pytest.mark.parametrize("power", [1.0, 1.4, 1.6, 1.8, 2.0, 2.5])
@pytest.mark.parametrize("least", [0.5, 0.7, 0.8, 0.9, 0.95])
def test_hardly_more_is_lost_than_must_be(power, least):
    """On curves such as faces have: at least three quarters of the strength that would just do."""
    bound = ((1 - least) / 0.6) ** (1 / power)
    assert 0.75 * min(bound, 1) <= allowed_strength(lambda at: 1 - 0.6 * at**power, 1.0, least) <= min(bound, 1)


@pytest.fixture
def looks(detector, monkeypatch):
    """How often the recogniser looks at a face."""
    seen, embed = [], detector.embed
    monkeypatch.setattr(detector, "embed", lambda *arguments: seen.append(1) or embed(*arguments))
    return seen


@pytest.mark.parametrize("attribute", ["male_to_female", "older_to_younger"])
@pytest.mark.parametrize("who", ["collins", "hopper"])
def test_an_edit_keeps_as_much_of_the_person_as_it_is_told_to(editors, looks, request, monkeypatch, attribute, who):
    editor, photo = editors(attribute), request.getfixturevalue(who)
    whole = editor.edit(photo, apply_anyway=True)
    assert whole.edited[0].strength == whole.strength == 1
    least = (1 + whole.edited[0].identity_similarity) / 2
    looks.clear()
    runs, changes = [], editor.changes
    monkeypatch.setattr(editor, "changes", lambda *arguments: runs.append(1) or changes(*arguments))
    result = editor.edit(photo, apply_anyway=True, identity=least)
    assert len(looks) <= 4 and len(runs) == 1  # the person, and three results of one prediction
    (face,) = result.edited
    assert least <= face.identity_similarity < 1
    assert 0.3 < face.strength < 1 and result.strength == face.strength
    instead = f"with strength {face.strength:g} instead of 1"
    assert result.notices == (f"The face was changed {instead}, to keep an identity similarity of {least:g}.",)
    np.testing.assert_array_equal(editor.edit(photo, "largest", face.strength, apply_anyway=True).photo, result.photo)
    enough = editor.edit(photo, apply_anyway=True, identity=0.0)
    np.testing.assert_array_equal(enough.photo, whole.photo)
    assert not enough.notices


def test_each_face_has_its_own_strength(editors, crowd):
    editor = editors("male_to_female")
    whole = editor.edit(crowd, "all", apply_anyway=True)
    first, second = (face.identity_similarity for face in whole.edited)
    least = (first + second) / 2
    result = editor.edit(crowd, "all", apply_anyway=True, identity=least)
    strengths = [face.strength for face in result.edited]
    assert sorted(strengths)[1] == 1 and min(strengths) < 1 and len(result.notices) == 1
    assert all(face.identity_similarity >= least for face in result.edited)
    assert result.strength == 1


def test_a_person_who_must_stay_the_very_same_is_left_as_they_are(editors, hopper):
    result = editors("male_to_female").edit(hopper, apply_anyway=True, identity=1)
    np.testing.assert_array_equal(result.photo, hopper)
    assert result.strength == 0 and result.edited[0].identity_similarity == 1
    assert result.notices == ("The face was left as it is: no change of it would keep an identity similarity of 1.",)


def test_who_lost_too_much_by_an_earlier_change_is_changed_no_more(editors, hopper):
    first = editors("male_to_female").edit(hopper, apply_anyway=True)
    least = (1 + first.edited[0].identity_similarity) / 2
    result = editors("older_to_younger").edit(first.photo, identity=least, original=hopper)
    np.testing.assert_array_equal(result.photo, first.photo)
    assert "no change of it would keep" in result.notices[0]
    assert result.edited[0].identity_similarity == pytest.approx(first.edited[0].identity_similarity, abs=0.02)


def test_an_original_of_another_size_or_for_several_is_refused(editors, hopper):
    editor = editors("mouth_open")
    with pytest.raises(InvalidArgument, match="original must have the photograph's shape"):
        editor.edit(hopper, original=hopper[:-1])
    with pytest.raises(InvalidArgument, match="original belongs to one photograph"):
        editor.edit([hopper], original=hopper)


def test_a_drawn_change_is_made_anew_for_its_strength(drawn, collins):
    editor = drawn("male_to_female")
    least = (1 + editor.edit(collins).edited[0].identity_similarity) / 2
    result = editor.edit(collins, identity=least)
    (face,) = result.edited
    assert 0 < face.strength < 1 and face.identity_similarity >= least
    again = editor.edit(collins, strength=face.strength)
    np.testing.assert_array_equal(again.photo, result.photo)
    np.testing.assert_array_equal(again.edited[0].after, face.after)


def test_the_similarity_is_measured_once_and_only_when_asked_for(editors, looks, collins):
    result = editors("older_to_younger").edit(collins, apply_anyway=True)
    assert not looks
    (face,) = result.edited
    known = Person(editors("older_to_younger").detector, collins, result.faces[0]).compared(result.photo.copy())()
    looks.clear()
    result.photo[:] = 0  # whatever becomes of the picture meanwhile
    assert face.identity_similarity == face.identity_similarity == known < 1
    assert len(looks) == 2


def test_a_copy_of_a_result_needs_no_recogniser(editors, collins):
    (face,) = editors("older_to_younger").edit(collins, apply_anyway=True).edited
    copy = pickle.loads(pickle.dumps(face))
    assert copy.identity_similarity == face.identity_similarity < 1
    assert dataclasses.replace(copy, index=3).identity_similarity == face.identity_similarity


@pytest.mark.parametrize("identity", [-0.1, 1.1, float("nan"), "much", True])
def test_an_identity_out_of_range_is_refused(editors, collins, identity):
    with pytest.raises(InvalidArgument, match="identity to keep must be a number from 0 to 1"):
        editors("mouth_close").edit(collins, identity=identity)


def test_the_command_line_says_how_strong_it_was(tmp_path, capsys, collins_path):
    command = ["edit", str(collins_path), "-o", str(tmp_path / "new.png"), "--attribute", "male_to_female"]
    assert main([*command, "--apply-anyway", "--json", "--identity", "0.9"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert 0 < told["edited"][0]["strength"] < 1 and told["edited"][0]["identity_similarity"] >= 0.9
    assert "instead of 1, to keep an identity similarity of 0.9." in told["notices"][0]
    assert main([*command, "--overwrite", "--identity", "2"]) == 1
    assert "must be a number from 0 to 1, not 2.0" in capsys.readouterr().err


def test_a_video_gets_one_strength(tmp_path, capsys):
    film = tmp_path / "film.mp4"
    film.write_bytes(b"nothing")
    command = ["video", str(film), "-o", str(tmp_path / "new.mp4"), "--attribute", "male_to_female"]
    assert main([*command, "--identity", "0.8"]) == 1
    assert "--identity is for photographs" in capsys.readouterr().err
