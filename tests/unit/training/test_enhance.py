"""What E is trained on: the faces that T was trained on (section 5.1), unless said otherwise."""

import sys
from pathlib import Path

import pytest
from scripts import ROOT

from diat.models import Model, ModelConfig

sys.path.insert(0, str(ROOT / "train"))
from enhance import EnhanceSettings, transfer_settings  # noqa: E402

PAPER = {"subset": "clusters", "num_inputs": 2000, "masked": False}
RELEASE = {"subset": "frontal", "num_inputs": None, "masked": True}


@pytest.mark.parametrize("training", [PAPER, RELEASE])
def test_subset_inputs_and_mask_are_those_of_t(training):
    model = Model(ModelConfig("mouth_close", size=64), {}, training, "test")
    config = transfer_settings(EnhanceSettings(Path("runs/mouth_close/model")), model)
    assert {name: getattr(config, name) for name in training} == training
    assert (config.size, config.attribute) == (64, "mouth_close")
    assert (config.matched, config.windowed, config.shift) == (False, False, 0)
    assert config.output == Path("runs/mouth_close/enhancer")


def test_what_is_said_otherwise_counts():
    model = Model(ModelConfig("mouth_close"), {}, PAPER, "test")
    given = EnhanceSettings(Path("model"), subset="frontal", num_inputs=10, masked=True)
    config = transfer_settings(given, model)
    assert (config.subset, config.num_inputs, config.masked) == ("frontal", 10, True)


def test_a_model_that_does_not_say_is_taken_as_the_first_ones_were():
    config = transfer_settings(EnhanceSettings(Path("model")), Model(ModelConfig("mouth_close"), {}, {}, "test"))
    assert (config.subset, config.num_inputs, config.masked) == ("frontal", None, False)
