from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from diat.errors import TrainingStopped
from diat.hub import load_model
from diat.models import RGB_SIZES
from diat.networks import TransformNetwork
from diat.training.adversarial import save_average
from diat.training.recipes import (
    ENHANCED,
    VARIANTS,
    TransferConfig,
    enhanced_variant,
    trained_variant,
    transfer_config,
)


def preset(variant: str, recipe: str, **given) -> TransferConfig:
    return transfer_config("mouth_close", Path("p"), Path("o"), variant, recipe, **given)


def test_the_six_variants_are_section_5_1s():
    assert list(VARIANTS) == ["DIAT", "DIAT-A", "DIAT-A0", "DIAT1", "DIAT2", "DIAT3"]
    assert set(ENHANCED.values()) == {"DIAT", "DIAT-A"}
    losses = {name: (preset(name, "paper").identity, preset(name, "paper").gamma) for name in VARIANTS}
    assert losses == {
        "DIAT": ("vgg", 0.001),
        "DIAT-A": ("adaptive", 0.0),
        "DIAT-A0": ("adaptive", 0.0),
        "DIAT1": ("none", 0.0),
        "DIAT2": ("vgg", 0.0),
        "DIAT3": ("vgg", 0.001),
    }


def test_the_paper_recipe_is_the_papers_text():
    config = preset("DIAT3", "paper")
    assert (config.lambda_id, config.gamma, config.num_inputs, config.size) == (0.1, 0.001, 2000, 128)
    assert config.learning_rate == config.learning_rate_d == 1e-4
    assert config.subset == "clusters"
    assert not any((config.residual, config.masked, config.three_groups, config.matched, config.scale_identity))
    assert config.penalty == config.lambda_pixel == config.lambda_keep == config.shift == config.anneal == 0


def test_diat_a_of_the_paper_learns_ten_times_slower():
    config = preset("DIAT-A", "paper")
    assert config.learning_rate == config.learning_rate_d == 1e-5


def test_single_settings_can_be_given_and_none_leaves_the_preset():
    config = preset("DIAT-A", "release", size=64, batch=None, lambda_id=0.5)
    assert (config.size, config.batch, config.lambda_id) == (64, 16, 0.5)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("DIAT4", "paper"), "Unknown variant 'DIAT4'"),
        (("DIAT", "best"), "Unknown recipe 'best'"),
    ],
)
def test_unknown_presets_are_refused(arguments, sentence):
    with pytest.raises(TrainingStopped, match=sentence):
        preset(*arguments)


def test_unknown_and_impossible_settings_are_refused():
    with pytest.raises(TrainingStopped, match="Unknown setting 'colour'"):
        preset("DIAT", "paper", colour="red")
    with pytest.raises(TrainingStopped, match="64, 128, 192, 256 pixels, not 96"):
        preset("DIAT", "paper", size=96)
    with pytest.raises(TrainingStopped, match="batch must be at least 1"):
        preset("DIAT", "paper", batch=0)


def test_a_configuration_is_frozen_and_json_able():
    import json

    config = preset("DIAT-A", "release")
    with pytest.raises(FrozenInstanceError):
        config.batch = 3  # type: ignore[misc]
    assert json.loads(json.dumps(config.as_json()))["pack"] == "p"


def test_the_release_recipe_leads_by_pairs_where_an_attribute_has_them():
    assert preset("DIAT-A", "release").lambda_pair > 0
    smiling = transfer_config("Smiling", Path("p"), Path("o"), "DIAT-A", "release")
    assert smiling.lambda_pair == 0
    assert smiling.lambda_attribute == 1
    assert preset("DIAT-A", "release", lambda_pair=0.0).lambda_pair == 0
    assert preset("DIAT-A", "paper").lambda_pair == 0


def test_a_model_before_its_enhancement_is_called_by_the_papers_name_for_it():
    assert [trained_variant(name) for name in VARIANTS] == ["DIAT3", "DIAT-A0", "DIAT-A0", "DIAT1", "DIAT2", "DIAT3"]
    assert enhanced_variant({"variant": "DIAT3"}) == "DIAT"
    assert enhanced_variant({"variant": "DIAT-A0"}) == "DIAT-A"
    assert enhanced_variant({"variant": "DIAT-A"}) == "DIAT-A"  # models of before, or enhanced a second time
    assert enhanced_variant({"variant": "DIAT1"}) == "DIAT1 with E"


@pytest.mark.parametrize("size", RGB_SIZES)
def test_every_size_that_trains_is_one_that_loads(tmp_path, size):
    config = preset("DIAT-A", "release", size=size)
    save_average(TransformNetwork(residual=True), config, {"steps": 1}, tmp_path / "model")
    assert load_model(tmp_path / "model", attribute="mouth_close").config.size == size
