"""The paper's T as a teacher: its colours without its drawing, and nothing else of the network changes."""

import json

import numpy as np
import pytest
import torch
from scripts import run_script

from diat.attributes import attribute_spec
from diat.errors import TrainingStopped
from diat.field_network import FieldNetwork
from diat.heads import HEADS
from diat.hub import load_model
from diat.models import ModelConfig, save_model
from diat.native.style import FEMALE
from diat.networks import TransformNetwork
from diat.training.fields import FieldsConfig, train_fields
from diat.training.fields_taught import PAINT, TaughtTask
from tests.unit.training.test_rendered_task import pack

HEAD_SET = HEADS["skin"]


def teacher_in(folder, attribute="male_to_female"):
    """A T that makes everything red."""
    torch.manual_seed(0)
    transform = TransformNetwork()
    with torch.no_grad():
        for value in transform.deconv3.parameters():
            value.zero_()
        transform.deconv3.bias.copy_(torch.tensor([0.3, -0.05, -0.05]))
    save_model(transform, ModelConfig(attribute, attribute_spec(attribute).region), folder, {})
    return load_model(folder)


def made_task(folder, **kwargs):
    torch.manual_seed(0)
    spec = attribute_spec("male_to_female")
    return TaughtTask(pack(**kwargs), spec, FEMALE, FieldNetwork(HEAD_SET), teacher_in(folder), 1.0, batch=4, seed=1)


def test_the_lesson_is_what_the_teacher_adds_to_the_fields_around_the_eyes_too(tmp_path):
    task = made_task(tmp_path)
    paint = task.paint(0)
    left_eye = (task._pack.points68[0][36:42].mean(0) / 256 * 40).astype(int)
    assert paint.shape == (40, 40, 3)
    assert paint[left_eye[1], left_eye[0], 1] > 5  # redder
    assert np.abs(paint[:2, :2]).max() < 1  # nothing where T may not draw


def test_a_beard_is_not_put_back(tmp_path):
    task = made_task(tmp_path)
    task._teacher.change = lambda crops: np.full((1, 128, 128, 3), -80, np.float32)  # T that makes everything dark
    x, y = (task._pack.points68[0][8] / 256 * 40).astype(int)
    paint = task.paint(0)
    assert paint[y - 2, x, 0] > -1 and paint[20, 20, 0] < -5


def test_batches_are_functions_of_their_number_and_all_but_the_paint_stays(tmp_path):
    task = made_task(tmp_path / "teacher")
    batch = task.batch(3)
    assert all(torch.equal(batch[name], again) for name, again in task.batch(3).items())
    assert len(batch["image"]) == 4 and (batch["weights"].flatten(1).sum(1) > 0).all()
    with torch.no_grad():
        maps, scalars = FieldNetwork(HEAD_SET)(batch["image"])
        before = task.losses(maps, scalars, batch)
        maps[:, list(PAINT)] = batch["paint"]
        learnt = task.losses(maps, scalars, batch)
    assert before["paint"] > 0.5 and learnt["paint"] == 0


def test_only_the_paint_s_own_layers_learn(tmp_path):
    task = made_task(tmp_path / "teacher")
    torch.manual_seed(0)
    settings = ModelConfig("male_to_female", "face", "skin", HEAD_SET.size)
    save_model(FieldNetwork(HEAD_SET), settings, tmp_path / "first", {})
    config = FieldsConfig("male_to_female", "skin", steps=12, batch=4, warm_up=2, decay=0.5, log_every=1, part="paint")
    folder = train_fields(config, task, tmp_path / "run", init=tmp_path / "first")
    lines = [json.loads(line) for line in (tmp_path / "run/stats.jsonl").read_text().splitlines()]
    before, after = load_model(tmp_path / "first").weights, load_model(folder).weights
    changed = {name for name, value in before.items() if (after[name] != value).any()}
    assert changed and all(name.startswith("paint.") for name in changed)
    assert lines[-1]["paint"] < 0.9 * lines[0]["paint"]


def test_a_teacher_of_something_else_and_small_crops_are_refused(tmp_path):
    with pytest.raises(TrainingStopped, match="--size 256"):
        made_task(tmp_path, size=128)
    spec = attribute_spec("male_to_female")
    with pytest.raises(TrainingStopped, match="paper's T for 'male_to_female'"):
        other = teacher_in(tmp_path / "other", "older_to_younger")
        TaughtTask(pack(), spec, FEMALE, FieldNetwork(HEAD_SET), other, 1.0, batch=4, seed=1)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--attribute", "mouth_open", "--teacher", "t"], "mouth_open has no paint to learn"),
        (["--attribute", "male_to_female", "--teacher", "t"], "give --init"),
    ],
)
def test_a_teacher_without_a_pupil_is_a_sentence(arguments, sentence, tmp_path):
    done = run_script("train/fields.py", *arguments, "--output", tmp_path / "run", check=False)
    assert done.returncode == 1 and sentence in done.stderr and len(done.stderr.splitlines()) == 1
