"""Model cards from the figures of an evaluation."""

import sys
from dataclasses import replace

import pytest
import yaml
from figures import REPORT
from scripts import ROOT

from diat.attributes import ATTRIBUTES
from diat.errors import DiatError
from diat.heads import RGB
from diat.hub import load_model

sys.path.insert(0, str(ROOT / "train"))
from card import card_text, model_card, of_these_weights  # noqa: E402


@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_every_released_attribute_has_its_text(attribute):
    text = card_text(attribute)
    assert text.summary
    assert text.fails_on
    for name in text.samples:
        assert (ROOT / "examples" / name).is_file()


def test_a_card_carries_the_figures_as_words_and_as_metadata():
    card = model_card(load_model("mouth_close"), "org/diat-mouth-close", [], REPORT)
    metadata = yaml.safe_load(card.content.split("---\n", 2)[1])
    metrics = {m["type"]: m["value"] for m in metadata["model-index"][0]["results"][0]["metrics"]}
    measured = {"success": 0.75, "success_untouched": 0.125, "drift": 0.0625, "identity": 0.875, "verified": 0.96}
    assert metrics == {**measured, "untouched_psnr": 99, "untouched_ssim": 0.97}
    for text in ("75.0 % (73.0 to 77.0)", "0.875 (0.855 to 0.895)", "women", "91.5 %", "| 0.5 | 25.0 % |"):
        assert text in card.content
    for wrong in ("nan", "None", "{{", "{%"):
        assert wrong not in card.content


def test_a_card_without_figures_says_so():
    card = model_card(load_model("mouth_open"), "org/diat-mouth-open", [], REPORT)
    assert "have not been measured" in card.content
    assert "model-index" not in card.content


def test_figures_of_other_weights_are_left_out():
    (figures,) = REPORT.models
    manifest = figures.conditions.manifest
    assert of_these_weights(REPORT, dict(manifest)) == REPORT
    assert of_these_weights(REPORT, {**manifest, "model.safetensors": "other"}).models == ()


@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_a_card_says_how_large_the_network_is_and_that_it_draws_nothing(attribute):
    model = load_model(attribute)
    content = model_card(model, "org/diat", [], None).content
    millions = {"eyeglasses": "1.2", "skin": "2.4"}.get(model.config.heads, "0.9")
    assert f"One feed-forward network of {millions} million parameters sees the aligned face" in content


def test_an_attribute_without_a_text_is_refused_with_the_files_name():
    with pytest.raises(DiatError, match="Smiling.yaml: write one"):
        card_text("Smiling")


def test_a_card_says_all_stages_and_the_variant_without_its_enhancement(drawn):
    stages = [
        {"steps": 3000, "batch": 16, "size": 64, "what": "without pairs"},
        {"steps": 900, "batch": 8, "size": 128},
    ]
    training = {"variant": "DIAT-A0", "recipe": "release", "steps": 3900, "stages": stages}
    model = replace(drawn("mouth_close").model, training=training)
    content = model_card(model, "org/diat-mouth-close", [], None).content
    assert "`train/diat_a.py`" in content
    assert "Variant DIAT-A0, recipe release, steps 3900" in content
    assert "In 2 stages: 3,000 steps of 16 at 64 pixels (without pairs); 900 steps of 8 at 128 pixels." in content


@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_the_released_models_steps_are_those_of_their_stages(attribute):
    model = load_model(attribute)
    if model.config.heads == RGB:
        assert model.training["steps"] == sum(stage["steps"] for stage in model.training["stages"]) > 4000
    else:
        assert "`train/fields.py`" in model_card(model, "org/diat", [], None).content
