import pytest
from scripts import run_script

from diat.hub import load_model


@pytest.mark.parametrize(("name", "heads"), [("mouth_open", "mouth_open"), ("eyeglasses_remove", "eyeglasses")])
def test_the_script_trains_fields_from_a_pack(tiny_pack, tmp_path, name, heads):
    arguments = ("--attribute", name, "--pack", tiny_pack, "--batch", 2, "--output", tmp_path / "run")
    said = run_script("train/fields.py", *arguments, "--steps", 2).stdout
    assert f"The model is in {tmp_path / 'run' / 'model'}" in said
    model = load_model(tmp_path / "run" / "model")
    assert (model.config.attribute, model.config.heads) == (name, heads) and model.training["steps"] == 2


def test_a_wrong_pack_is_refused_in_a_sentence(tmp_path):
    done = run_script("train/fields.py", "--attribute", "mouth_close", "--pack", tmp_path / "none.pack", check=False)
    assert done.returncode == 1 and done.stderr.startswith("fields: No pack at") and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--steps", "abc"], "--steps takes a whole number, not 'abc'"),
        (["--attribute", "nose"], "invalid choice 'nose'"),
    ],
)
def test_options_that_cannot_be_are_a_sentence(arguments, sentence):
    done = run_script("train/fields.py", "--attribute", "mouth_open", *arguments, check=False)
    assert done.returncode == 1 and sentence in done.stderr and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--attribute", "mouth_open"], "mouth_open has no second stage: only older_to_younger and male_to_female"),
        (["--attribute", "male_to_female"], "give --init and --critics"),
        (["--attribute", "male_to_female", "--init", "male_to_female", "--critics", "none"], "There is no none"),
    ],
)
def test_a_second_stage_that_cannot_be_is_a_sentence(arguments, sentence, tmp_path):
    done = run_script("train/fields.py", *arguments, "--stage", 2, "--output", tmp_path / "run", check=False)
    assert done.returncode == 1 and sentence in done.stderr and len(done.stderr.splitlines()) == 1
