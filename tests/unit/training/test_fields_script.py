"""The command that trains fields: of every kind, and what it refuses."""

import numpy as np
import pytest
from scripts import run_script

from diat.attributes import COLUMNS
from diat.editor import FaceEditor
from diat.hub import load_model
from tests.unit.data.test_skin_targets import png


@pytest.mark.parametrize(("name", "heads"), [("mouth_open", "mouth_open"), ("eyeglasses_remove", "eyeglasses")])
def test_the_script_trains_fields_from_a_pack(tiny_pack, tmp_path, name, heads):
    arguments = ("--attribute", name, "--pack", tiny_pack, "--batch", 2, "--output", tmp_path / "run")
    said = run_script("train/fields.py", *arguments, "--steps", 2).stdout
    assert f"The model is in {tmp_path / 'run' / 'model'}" in said
    model = load_model(tmp_path / "run" / "model")
    assert (model.config.attribute, model.config.heads) == (name, heads) and model.training["steps"] == 2


@pytest.fixture
def smiles(tiny_celeba, tmp_path):
    """A few of `tiny_celeba`'s photographs, of which one person smiles, with parsing that calls everything skin."""
    from datasets import Dataset, Features, Image, load_dataset

    rows = load_dataset("parquet", data_files=str(tiny_celeba / "train-*.parquet"), split="train[:16]")
    kept = {"image": rows.cast_column("image", Image(decode=False))["image"], "celeb_id": rows["celeb_id"]}
    for name in COLUMNS:
        kept[name] = [name == "No_Beard" or (name == "Smiling" and who == 0) for who in rows["celeb_id"]]
    kept["mask"] = [{"bytes": png(np.ones((64, 64), np.uint8)), "path": None}] * len(rows)
    features = Features(rows.features | {"mask": Image()})
    Dataset.from_dict(kept, features).to_parquet(str(tmp_path / "train-00000-of-00001.parquet"))
    return tmp_path


def test_any_column_that_fields_can_show_trains_and_edits(smiles, detector, hopper):
    arguments = ("--attribute", "not-Smiling", "--dataset", smiles, "--batch", 4, "--steps", 2, "--workers", 0)
    run_script("train/fields.py", *arguments, "--output", smiles / "run")
    editor = FaceEditor.from_pretrained(smiles / "run" / "model", detector=detector)
    assert (editor.spec.name, editor.model.config.heads, editor.model.training["steps"]) == ("not-Smiling", "skin", 2)
    assert np.array_equal(editor.edit(hopper, strength=0.0, apply_anyway=True).photo, hopper)
    edited = editor.edit(hopper, apply_anyway=True).photo
    x, y = detector.detect(hopper)[0].points68[48:60].mean(0).astype(int)
    changed = np.abs(edited.astype(int) - hopper).max(-1)
    assert changed[y - 30 : y + 30, x - 40 : x + 40].any() and not changed[:5].any()


def test_what_is_shown_in_part_is_said(smiles):
    arguments = ("--attribute", "Male", "--dataset", smiles, "--output", smiles / "run")
    done = run_script("train/fields.py", *arguments, check=False)
    assert done.returncode == 1 and done.stderr.startswith("Male is shown in part: a beard cannot be grown.")
    assert "Only 0 faces with 'Male'" in done.stderr and "Traceback" not in done.stderr


def test_a_wrong_pack_is_refused_in_a_sentence(tmp_path):
    done = run_script("train/fields.py", "--attribute", "mouth_close", "--pack", tmp_path / "none.pack", check=False)
    assert done.returncode == 1 and done.stderr.startswith("fields: No pack at") and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--steps", "abc"], "--steps takes a whole number, not 'abc'"),
        (["--attribute", "nose"], "Unknown attribute 'nose'"),
        (["--attribute", "smiling"], "did you mean Smiling"),
        (["--attribute", "Blond_Hair"], "Fields cannot show Blond_Hair: the hair of the head stays as it is"),
        (["--attribute", "not-No_Beard"], "Fields cannot show not-No_Beard: a beard cannot be grown"),
        (["--attribute", "not-Eyeglasses"], "Fields cannot show not-Eyeglasses: eyeglasses_remove takes glasses off"),
        (["--attribute", "Smiling"], "Smiling is learnt from photographs: give --dataset"),
    ],
)
def test_options_that_cannot_be_are_a_sentence(arguments, sentence):
    done = run_script("train/fields.py", "--attribute", "mouth_open", *arguments, check=False)
    assert done.returncode == 1 and sentence in done.stderr and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--attribute", "mouth_open"], "mouth_open has no second stage: only attributes of whole faces"),
        (["--attribute", "male_to_female"], "give --init and --critics"),
        (["--attribute", "male_to_female", "--init", "male_to_female", "--critics", "none"], "There is no none"),
    ],
)
def test_a_second_stage_that_cannot_be_is_a_sentence(arguments, sentence, tmp_path):
    done = run_script("train/fields.py", *arguments, "--stage", 2, "--output", tmp_path / "run", check=False)
    assert done.returncode == 1 and sentence in done.stderr and len(done.stderr.splitlines()) == 1


def test_its_parts_are_the_released_ones_until_they_are_taught_alone(smiles):
    arguments = ("--dataset", smiles, "--batch", 4, "--steps", 2)
    run_script("train/fields.py", "--attribute", "Smiling", *arguments, "--workers", 0, "--output", smiles / "run")
    before = load_model(smiles / "run" / "model")
    released = load_model("older_to_younger").weights
    assert all((value == before.weights[name]).all() for name, value in released.items() if name.startswith("parts."))
    done = run_script("train/parts.py", *arguments, "--models", before.source, "--output", smiles / "parts")
    assert "faces that were held out: skin" in done.stdout and "has its parts" in done.stdout
    after = load_model(smiles / "run" / "model")
    changed = {name for name, value in before.weights.items() if (after.weights[name] != value).any()}
    assert changed and all(name.startswith("parts.") for name in changed) and after.config == before.config
