"""The loop that trains networks with heads, on a task small enough to learn in seconds."""

import json
from dataclasses import replace

import pytest
import torch
from accelerate import Accelerator

from diat.errors import TrainingStopped
from diat.hub import load_model
from diat.training.fields import FieldsConfig, initial_network, prototypes_of, train_fields

SETTINGS = {
    "attribute": "mouth_close",
    "heads": "mouth_close",
    "batch": 2,
    "warm_up": 5,
    "log_every": 2,
    "save_every": 4,
}


class Brightness:
    """The first map is the image's own brightness, and the gate says whether its left side is the lighter one."""

    def __init__(self, die_at=None, broken=False):
        self.die_at, self.broken = die_at, broken

    def identity(self):
        return {"kind": "broken" if self.broken else "brightness"}

    def batch(self, step):
        if step == self.die_at:
            raise KeyboardInterrupt
        sides = torch.rand(2, 1, 1, 2, generator=torch.Generator().manual_seed(step % 2)) * 2 - 1
        image = sides.repeat_interleave(16, 3).expand(2, 3, 32, 32)
        return {"image": image, "level": image[:, :1, ::2, ::2], "lighter": (sides[:, 0, 0, :1] > sides[:, 0, 0, 1:])}

    def losses(self, maps, scalars, batch):
        gate = torch.nn.functional.binary_cross_entropy_with_logits(scalars, batch["lighter"].float())
        wrong = (maps[:, :1] - 3 * batch["level"]).abs().mean()
        return {"field": wrong * float("nan") if self.broken else wrong, "gate": gate}


def test_it_learns_and_writes_a_model_that_loads(tmp_path):
    model = load_model(train_fields(FieldsConfig(steps=60, **SETTINGS), Brightness(), tmp_path))
    assert model.config.heads == "mouth_close" and model.config.size == 192 and model.training["steps"] == 60
    lines = [json.loads(line) for line in (tmp_path / "stats.jsonl").read_text().splitlines()]
    assert lines[-1]["step"] == 60
    assert sum(line["field"] for line in lines[-5:]) < 0.5 * sum(line["field"] for line in lines[:5])


def test_a_killed_run_goes_on_to_the_same_weights(tmp_path):
    config = FieldsConfig(steps=10, **SETTINGS)
    whole = load_model(train_fields(config, Brightness(), tmp_path / "whole"))
    with pytest.raises(KeyboardInterrupt):
        train_fields(config, Brightness(die_at=7), tmp_path / "killed")
    resumed = load_model(train_fields(config, Brightness(), tmp_path / "killed", resume=True))
    assert all((resumed.weights[name] == weight).all() for name, weight in whole.weights.items())


def test_what_cannot_go_on_is_refused(tmp_path, drawn):
    config = FieldsConfig(steps=4, **SETTINGS)
    train_fields(config, Brightness(), tmp_path / "a")
    with pytest.raises(TrainingStopped, match="holds a run already"):
        train_fields(config, Brightness(), tmp_path / "a")
    with pytest.raises(TrainingStopped, match="another data"):
        train_fields(config, Brightness(broken=True), tmp_path / "a", resume=True)
    with pytest.raises(TrainingStopped, match="loss at step 0 is nan"):
        train_fields(config, Brightness(broken=True), tmp_path / "b")
    with pytest.raises(TrainingStopped, match="'rgb', not 'mouth_close'"):
        train_fields(config, Brightness(), tmp_path / "c", init=str(drawn("mouth_close").model.source))


def test_the_rate_rises_and_falls():
    config = FieldsConfig(steps=1000, **SETTINGS)
    assert config.rate(0) < config.rate(4) / 4 and config.rate(49) > config.rate(500) > config.rate(999) > 0


def test_workers_make_the_same_batches(tmp_path):
    config = FieldsConfig(steps=6, **SETTINGS)
    alone, ahead = (
        load_model(train_fields(config, Brightness(), tmp_path / str(workers), workers=workers)) for workers in (0, 2)
    )
    assert all((ahead.weights[name] == weight).all() for name, weight in alone.weights.items())


@pytest.mark.parametrize("precision", ["fp16", "bf16"])
def test_half_precision_is_refused(tmp_path, precision, monkeypatch):
    monkeypatch.setattr(Accelerator, "mixed_precision", precision)
    with pytest.raises(TrainingStopped, match="finer than half precision"):
        train_fields(FieldsConfig(steps=2, **SETTINGS), Brightness(), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_run_that_begins_with_another_attributes_model_leaves_its_prototypes_behind():
    younger = FieldsConfig("older_to_younger", "skin")
    assert prototypes_of(initial_network("older_to_younger", younger)) is not None
    assert prototypes_of(initial_network("older_to_younger", replace(younger, attribute="Smiling"))) is None
