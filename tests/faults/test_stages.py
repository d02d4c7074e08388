"""Every stage of training in order, each by its own script: pre-training, DIAT's variants, enhancement."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from scripts import run_script

from diat.editor import FaceEditor
from diat.hub import load_model

SMALL = ["--size", 64, "--batch", 4, "--steps", 3, "--log-every", 1]


@pytest.fixture(scope="module")
def pretrained(tiny_pack, tmp_path_factory) -> Path:
    output = tmp_path_factory.mktemp("runs") / "new" / "pretrained"
    arguments = ["--what", "all", "--attribute", "mouth_close", "--pack", tiny_pack, "--output", output]
    run_script("train/pretrain.py", *arguments, *SMALL)
    return output


def test_pretraining_leaves_each_network_and_its_log(pretrained):
    for name in ("transform", "discriminator-mouth_close", "reconstruction", "denoiser"):
        assert (pretrained / f"{name}.safetensors").is_file()
        lines = [json.loads(line) for line in (pretrained / name / "stats.jsonl").read_text().splitlines()]
        assert [line["step"] for line in lines] == [1, 2, 3]


@pytest.mark.parametrize("variant", ["DIAT", "DIAT1", "DIAT2", "DIAT3", "DIAT-A", "DIAT-A0"])
def test_each_variant_trains_from_the_pretrained_networks_by_the_papers_recipe(
    pretrained, tiny_pack, tmp_path, variant
):
    script = "train/diat_a.py" if variant.startswith("DIAT-A") else "train/diat_vgg.py"
    arguments = ["--attribute", "mouth_close", "--variant", variant, "--recipe", "paper", "--pack", tiny_pack]
    # The tiny pack's two people lie outside section 5.1's clusters.
    arguments += ["--pretrained", pretrained, "--output", tmp_path / "run", *SMALL, "--subset", "frontal"]
    said = run_script(script, *arguments).stdout
    assert ("train/enhance.py" in said) == (variant in ("DIAT", "DIAT-A"))
    last = json.loads((tmp_path / "run" / "stats.jsonl").read_text().splitlines()[-1])
    assert ("T/identity" in last) == (variant != "DIAT1")
    assert ("T/smooth" in last) == (variant in ("DIAT", "DIAT3"))
    # Without E, DIAT is the paper's DIAT3 and DIAT-A its DIAT-A0.
    before = {"DIAT": "DIAT3", "DIAT-A": "DIAT-A0"}.get(variant, variant)
    assert load_model(tmp_path / "run" / "model").training["variant"] == before


@pytest.mark.parametrize("attribute", ["mouth_close", "male_to_female"])
def test_an_enhanced_model_edits_photographs(tiny_pack, tmp_path, collins, detector, attribute):
    run = tmp_path / "run"
    common = ["--pack", tiny_pack, "--batch", 4, "--steps", 2]
    settings = ["--size", 64, "--d-warmup", 0]
    run_script("train/diat_a.py", "--attribute", attribute, "--output", run, *common, *settings)
    run_script("train/enhance.py", "--transform", run / "model", *common)
    editor = FaceEditor.from_pretrained(run / "model", detector=detector)
    assert editor.model.config.enhancer == editor.spec.scope
    assert editor.model.training["variant"] == "DIAT-A"
    assert editor.edit(collins).photo.shape == collins.shape


@pytest.mark.parametrize("script", ["pretrain.py", "enhance.py"])
def test_an_output_that_cannot_be_written_is_one_sentence(script, tiny_pack, drawn):
    what = {
        "pretrain.py": ["--what", "transform", "--size", 64],
        "enhance.py": ["--transform", drawn("mouth_close").model.source],
    }[script]
    arguments = [*what, "--pack", tiny_pack, "--output", "/etc/hostname/run", "--batch", 4]
    done = run_script(f"train/{script}", *arguments, check=False)
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
