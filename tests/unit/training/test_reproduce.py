"""The command that makes section 5 again: what it would run, what it does not run twice, and a small run of it."""

import json
import shutil
import sys
from pathlib import Path

import pytest
from scripts import ROOT, run_script

from diat.errors import DiatError
from diat.hub import load_model
from diat.networks import AttributeDiscriminator, TransformNetwork
from diat.training.checkpoint import save_weights
from diat.training.recipes import VARIANTS

sys.path.insert(0, str(ROOT / "train"))
import reproduce  # noqa: E402
from reproduction import SLOW, ReproduceSettings, Step, plan  # noqa: E402


def steps_of(**given) -> list[Step]:
    return list(plan(ReproduceSettings(output=Path("out"), **given)))


def option(step: Step, name: str) -> str:
    return step.command[step.command.index(name) + 1]


def test_six_variants_are_four_trainings_and_two_enhancements_each_after_what_it_needs():
    steps = steps_of(attributes=("eyeglasses_remove",))
    scripts = [Path(step.script).name for step in steps if step.part == "variants"]
    assert scripts.count("diat_vgg.py") == 3 and scripts.count("enhance.py") == 2
    names = [step.name.removeprefix("eyeglasses_remove/") for step in steps]
    assert set(VARIANTS) <= set(names)
    for first, then in (
        ("pack", "transform"), ("transform", "DIAT-A0"), ("denoiser", "DIAT3"), ("DIAT-A0", "DIAT-A"),
        ("DIAT3", "DIAT"), ("judge", "evaluation"), ("dcgan", "inpainting"),
    ):  # fmt: skip
        assert names.index(first) < names.index(then)


def test_all_learn_at_one_rate_and_diat_a_at_its_own_in_a_row_of_its_own():
    trainings = {step.name: step for step in steps_of(attributes=("male_to_female",)) if "diat" in step.script}
    release = trainings.pop("male_to_female/release")
    assert "--learning-rate" not in release.command  # the release recipe has its own
    rates = {
        name.split("/")[1]: (float(option(step, "--learning-rate")), float(option(step, "--learning-rate-d")))
        for name, step in trainings.items()
    }
    assert rates.pop(SLOW) == (1e-5, 1e-5)
    assert set(rates.values()) == {(1e-4, 3e-4)}
    assert all(option(step, "--recipe") == "paper" for step in trainings.values())


def test_what_holds_d_is_the_same_for_all_variants_and_can_be_left_out():
    def said(name: str, **given: object) -> tuple[bool, bool]:
        command = next(step for step in steps_of(**given) if step.name == f"male_to_female/{name}").command
        return "--penalty" in command and "--d-warmup" in command, "--scale-identity" in command

    assert [said(name) for name in ("DIAT-A0", "DIAT1", "DIAT2", "DIAT3")] == [(True, True)] + [(True, False)] * 3
    assert said(SLOW) == said("release") == (False, False)
    assert said("DIAT-A0", steady=False) == said("DIAT3", steady=False) == (False, False)


def test_every_seed_trains_everything_under_a_name_of_its_own():
    names = [step.name for step in steps_of(attributes=("eyeglasses_remove",), variants=("DIAT1",), seeds=(0, 7))]
    assert {"eyeglasses_remove/DIAT1", "eyeglasses_remove/DIAT1-seed7"} <= set(names)
    assert len(names) == len(set(names))
    assert not {"reconstruction", "denoiser"} & set(names)  # DIAT1 has no Eq. (6)


def test_the_steps_of_all_networks_follow_from_one_number():
    counts = {step.name: int(option(step, "--steps")) for step in steps_of() if "--steps" in step.command}
    halved = {step.name: int(option(step, "--steps")) for step in steps_of(steps=2000) if "--steps" in step.command}
    assert counts["transform"] == 16_000 and all(2 * halved[name] == count for name, count in counts.items())


def test_what_comes_beforehand_can_have_steps_and_a_rate_of_its_own():
    steps = {step.name: step for step in steps_of(steps=200, pretraining_steps=2000, pretraining_rate=5e-4)}
    names = ("transform", "denoiser", "eyeglasses_remove/DIAT1")
    assert [int(option(steps[name], "--steps")) for name in names] == [1000, 500, 200]
    assert float(option(steps["transform"], "--learning-rate")) == 5e-4
    assert "--learning-rate" not in steps["discriminator-male_to_female"].command


def test_half_precision_reaches_every_training():
    steps = steps_of(mixed_precision="bf16")
    scripts = ("pretrain.py", "diat_a.py", "diat_vgg.py", "enhance.py")
    trainings = [step for step in steps if Path(step.script).name in scripts or step.name == "dcgan"]
    assert len(trainings) > 15
    assert {option(step, "--mixed-precision") for step in trainings} == {"bf16"}


def test_steps_can_be_chosen_by_their_names():
    settings = ReproduceSettings(only=("transform", "eyeglasses_remove/DIAT1"))
    assert [step.name for step in reproduce.chosen(settings)] == ["transform", "eyeglasses_remove/DIAT1"]
    with pytest.raises(DiatError, match="no step 'DIAT9' .*--dry-run lists"):
        reproduce.chosen(ReproduceSettings(only=("transform", "DIAT9")))
    with pytest.raises(DiatError, match="no step 'transform'"):
        reproduce.chosen(ReproduceSettings(what="variants", only=("transform",)))


def test_only_local_attributes_are_inpainted_and_only_other_photographs_are_asked_for():
    names = [step.name for step in steps_of(photographs=Path("lfw"))]
    assert "eyeglasses_remove/inpainting" in names and "male_to_female/inpainting" not in names
    lfw = next(step for step in steps_of(photographs=Path("lfw")) if step.name == "male_to_female/photographs")
    assert option(lfw, "--dataset") == "lfw"
    assert not [step for step in steps_of() if step.part == "photographs"]


@pytest.fixture
def executed(monkeypatch):
    commands: list[list[str]] = []

    def execute(command, threads, prints):
        commands.append(command)
        return 0

    monkeypatch.setattr(reproduce, "execute", execute)
    return commands


def test_a_finished_step_is_not_done_again_and_never_by_another_command(tmp_path, executed, capsys):
    settings = ReproduceSettings(output=tmp_path)
    step = Step("pretraining", "transform", "train/pretrain.py", ("--steps", 5), tmp_path / "pretrained" / "transform")
    reproduce.do(step, settings, "1/1")
    reproduce.do(step, settings, "1/1")
    assert len(executed) == 1 and "there already" in capsys.readouterr().out
    other = Step("pretraining", "transform", "train/pretrain.py", ("--steps", 6), step.run)
    with pytest.raises(DiatError, match="another command .*--steps 5.*another --output"):
        reproduce.do(other, settings, "1/1")


def test_a_stopped_step_goes_on_with_resume_alone(tmp_path, executed):
    run = tmp_path / "pretrained" / "transform"
    step = Step("pretraining", "transform", "train/pretrain.py", ("--steps", 5), run)
    (run / "checkpoints" / "step-0000003").mkdir(parents=True)
    (run / "checkpoints" / "step-0000003" / "meta.json").write_text("{}")
    with pytest.raises(DiatError, match="go on with --resume"):
        reproduce.do(step, ReproduceSettings(output=tmp_path), "1/1")
    reproduce.do(step, ReproduceSettings(output=tmp_path, resume=True), "1/1")
    assert executed == [["train/pretrain.py", "--steps", "5", "--resume", "yes"]]


def test_a_step_that_fails_is_not_done(tmp_path, monkeypatch):
    step = Step("data", "pack", "train/prepare.py", ())
    monkeypatch.setattr(reproduce, "execute", lambda *_: 1)
    with pytest.raises(DiatError, match="pack ended with 1"):
        reproduce.do(step, ReproduceSettings(output=tmp_path), "1/1")
    assert not (tmp_path / "steps").exists()


def test_more_models_are_measured_again(tmp_path, executed):
    models = tmp_path / "models"
    step = Step("evaluation", "e", "train/evaluate.py", ("--models", models), of=models, pictures=(tmp_path / "cnia",))
    settings = ReproduceSettings(output=tmp_path)
    for name in ("DIAT1", "DIAT2"):
        (models / name).mkdir(parents=True)
        (models / name / "config.json").write_text("{}")
        reproduce.do(step, settings, "1/1")
    (tmp_path / "cnia").mkdir()
    (tmp_path / "cnia" / "method.json").write_text("{}")
    reproduce.do(step, settings, "1/1")
    reproduce.do(step, settings, "1/1")
    assert len(executed) == 3
    assert executed[-1][-2:] == ["--pictures", str(tmp_path / "cnia")]


def test_a_small_run_leaves_a_model_of_each_variant(tiny_pack, tmp_path):
    shutil.copy(tiny_pack, tmp_path / "celeba.pack")
    common = ["--attributes", "mouth_close", "--variants", "DIAT-A", "--steps", 4, "--batch", 4, "--subset", "frontal",
              "--output", tmp_path, "--threads", 1, "--workers", 0, "--learning-rate", 1e-5]  # fmt: skip
    for name, network in (("transform", TransformNetwork()), ("discriminator-mouth_close", AttributeDiscriminator(64))):
        save_weights(network, tmp_path / "pretrained" / f"{name}.safetensors")
    said = run_script("train/reproduce.py", "--what", "variants", *common).stdout
    assert "1/3 mouth_close/DIAT-A0: train/diat_a.py" in said
    models = {path.name: load_model(path) for path in (tmp_path / "mouth_close" / "models").iterdir()}
    assert {name: model.training["variant"] for name, model in models.items()} == {
        "DIAT-A0": "DIAT-A0", "DIAT-A": "DIAT-A", "release": "DIAT-A0"
    }  # fmt: skip
    assert models["DIAT-A"].config.enhancer == "local" and models["DIAT-A0"].config.enhancer == "none"
    kept = sorted(path.name for path in (tmp_path / "mouth_close" / "runs" / "DIAT-A0" / "models").iterdir())
    assert kept == ["0000001", "0000002", "0000003", "0000004"]
    done = json.loads((tmp_path / "steps" / "mouth_close-DIAT-A0.json").read_text())
    assert done["command"][0] == "train/diat_a.py" and done["seconds"] > 0
