"""What a Hugging Face Space reads: the card at the head of README.md, and what the image takes from the repository."""

from __future__ import annotations

import re

import yaml
from scripts import ROOT, run_script

from diat.attributes import ATTRIBUTES


def test_the_spaces_card_names_what_is_there():
    card = yaml.safe_load((ROOT / "README.md").read_text().split("---\n")[1])
    assert (ROOT / card["app_file"]).is_file()
    assert f"gradio=={card['sdk_version']}" in (ROOT / "requirements.txt").read_text().splitlines()
    assert card["license"] == "apache-2.0" and len(card["short_description"]) <= 60  # characters, as the Hub has it
    assert {"face", "image-editing"} <= set(card["tags"])


def test_the_image_copies_what_git_has_and_docker_is_shown():
    shown = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    names = {name for line in copied for name in line.split()}
    assert names <= shown and all((ROOT / name).exists() for name in names)


def test_a_space_is_laid_out_with_its_models_and_picture_and_without_training(tmp_path):
    folder = tmp_path / "space"
    said = run_script("train/space.py", "--space", "org/faces", "--output", folder).stdout
    assert said == f"hf upload org/faces {folder} . --repo-type space\n"
    card = yaml.safe_load((folder / "README.md").read_text().split("---\n")[1])
    assert card["models"] == [f"org/diat-{name.replace('_', '-')}" for name in ATTRIBUTES]
    picture = card["thumbnail"].removeprefix("https://huggingface.co/spaces/org/faces/resolve/main/")
    assert (folder / picture).is_file() and (folder / card["app_file"]).is_file()
    needed = {line.split("==")[0] for line in (folder / "requirements.txt").read_text().splitlines()}
    assert {"gradio", "ncnn", "onnxruntime", "pillow-heif", "av"} <= needed
    assert not needed & {"torch", "datasets", "accelerate", "tensorboard"}
    again = run_script("train/space.py", "--space", "org/faces", "--output", folder, check=False)
    assert again.returncode == 1 and "exists already: name a new folder." in again.stderr
