"""The options of the training commands: typed, described, and refused in one sentence."""

import sys
from dataclasses import fields

import pytest
from accelerate import Accelerator
from scripts import ROOT, run_script

from diat.errors import DiatError
from diat.training.recipes import TransferConfig

sys.path.insert(0, str(ROOT / "train"))
import commandline  # noqa: E402
import launch  # noqa: E402

TRAININGS = ("diat_a", "diat_vgg", "pretrain", "enhance", "attribute_classifier", "fields")


def parsed(*arguments: str) -> TransferConfig:
    return launch.parse_transfer(None, ("DIAT-A", "DIAT-A0"), ["--attribute", "mouth_close", *arguments]).config


@pytest.mark.parametrize(("word", "value"), [("no", False), ("False", False), ("yes", True), ("True", True)])
def test_no_is_no(word, value):
    assert parsed("--residual", word).residual is value


def test_an_option_that_is_true_or_false_needs_no_word():
    assert parsed("--compile").compile is True
    assert parsed("--compile", "--steps", "3").steps == 3


def test_defaults_are_the_recipes_for_the_attribute():
    assert parsed().lambda_pair == 40
    assert parsed("--recipe", "paper").learning_rate == 1e-5
    assert parsed("--recipe=paper", "--learning-rate", "1e-4").learning_rate == 1e-4
    assert parsed("--num-inputs", "2000").num_inputs == 2000
    assert str(parsed().output) == "runs/mouth_close"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--steps", "abc"], "--steps takes a whole number, not 'abc'"),
        (["--penalty", "high"], "--penalty takes a number, not 'high'"),
        (["--residual", "perhaps"], "--residual takes yes or no, not 'perhaps'"),
        (["--colour", "red"], "--colour"),
        (["--size", "96"], "64, 128, 192, 256 pixels, not 96"),
        (["--variant", "DIAT"], "trains DIAT-A or DIAT-A0, not 'DIAT'"),
        (["--subset", "all"], "'frontal', 'clusters'"),
        (["--log-every", "0"], "log_every must be at least 1"),
    ],
)
def test_what_cannot_be_is_one_sentence(arguments, sentence):
    with pytest.raises(DiatError, match=sentence) as refused:
        parsed(*arguments)
    assert "\n" not in str(refused.value) and "│" not in str(refused.value)


def test_a_missing_attribute_is_named():
    with pytest.raises(DiatError, match="--attribute is missing"):
        launch.parse_transfer(None, ("DIAT-A",), [])


@pytest.mark.parametrize("script", TRAININGS)
def test_help_describes_every_option_and_says_its_default(script):
    said = run_script(f"train/{script}.py", "--help").stdout
    flat = " ".join(line.strip("│ ") for line in said.splitlines())
    options = flat.count("(default: ") + flat.count("(required)")
    assert options >= 9
    if script == "diat_a":
        assert options >= len(fields(TransferConfig))
        for field in fields(TransferConfig):
            assert f"--{field.name.replace('_', '-')} " in flat, field.name


def test_half_precision_without_scaling_is_refused(monkeypatch):
    class Half:
        mixed_precision = "fp16"

    monkeypatch.setattr(launch, "Accelerator", lambda **_: Half())
    with pytest.raises(DiatError, match="fp16 is not offered"):
        launch.new_accelerator(None)


@pytest.mark.parametrize(
    ("arguments", "enhanced"),
    [([], False), (["--recipe", "paper"], True), (["--recipe", "paper", "--variant", "DIAT-A0"], False)],
)
def test_enhancement_is_spoken_of_after_the_papers_recipe_alone(monkeypatch, capsys, tmp_path, arguments, enhanced):
    """The release recipe's models gain nothing by it."""
    command = launch.parse_transfer(
        None, ("DIAT-A", "DIAT-A0"), ["--attribute", "mouth_close", "--pack", str(tmp_path), *arguments]
    )
    monkeypatch.setattr(launch, "new_accelerator", lambda *_: Accelerator(cpu=True))
    monkeypatch.setattr(launch, "starting_networks", lambda *_: None)
    monkeypatch.setattr(launch, "train_transfer", lambda *_: tmp_path / "model")
    launch.run_transfer(command)
    said = capsys.readouterr().out
    assert str(tmp_path / "model") in said
    assert ("goes on with: python train/enhance.py" in said) == enhanced


def test_only_the_first_process_speaks_and_ctrl_c_leaves_no_traceback(monkeypatch, capsys):
    def interrupted():
        raise KeyboardInterrupt

    def refused():
        raise DiatError("Too few images.")

    for main, code in ((interrupted, 130), (refused, 1)):
        monkeypatch.setenv("RANK", "1")
        with pytest.raises(SystemExit) as stop:
            commandline.run_command(main)
        assert stop.value.code == code
        assert capsys.readouterr().err == ""
    monkeypatch.setenv("RANK", "0")
    with pytest.raises(SystemExit) as stop:
        commandline.run_command(refused)
    assert str(stop.value.code).endswith(": Too few images.")
    with pytest.raises(SystemExit):
        commandline.run_command(interrupted)
    assert "stopped" in capsys.readouterr().err
