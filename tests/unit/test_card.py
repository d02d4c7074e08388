"""Model cards from the figures of an evaluation."""

import sys

import pytest
import yaml
from scripts import ROOT

from diat.attributes import ATTRIBUTES
from diat.errors import DiatError
from diat.hub import load_model

sys.path.insert(0, str(ROOT / "train"))
from card import card_text, model_card, read_report  # noqa: E402


def estimate(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 0.02, "high": value + 0.02, "count": 300}


FIGURES = {
    "attribute": "mouth_close",
    "column": "Mouth_Slightly_Open",
    "count": 300,
    "success": estimate(0.75),
    "identity": estimate(0.875),
    "groups": {"women": {"success": estimate(0.5), "identity": estimate(0.9)}},
    "curve": {"0.5": {"success": 0.25, "identity": 0.95, "verified": 0.99}},
}
REPORT = {"judge": {"Mouth_Slightly_Open": {"accuracy": 0.9, "balanced": 0.915}}, "models": [FIGURES]}


@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_every_released_attribute_has_its_text(attribute):
    text = card_text(attribute)
    assert text["title"] == ATTRIBUTES[attribute].title
    assert text["fails_on"]
    for name in text["samples"]:
        assert (ROOT / "examples" / name).is_file()


def test_a_card_carries_the_figures_as_words_and_as_metadata():
    card = model_card(load_model("mouth_close"), "org/diat-mouth-close", [], REPORT)
    metadata = yaml.safe_load(card.content.split("---\n", 2)[1])
    metrics = {m["type"]: m["value"] for m in metadata["model-index"][0]["results"][0]["metrics"]}
    assert metrics == {"success": 0.75, "identity": 0.875}
    for text in ("75.0 % (73.0 to 77.0)", "0.875 (0.855 to 0.895)", "women", "91.5 %", "| 0.5 | 25.0 % |"):
        assert text in card.content
    for wrong in ("nan", "None", "{{", "{%"):
        assert wrong not in card.content


def test_a_card_without_figures_says_so():
    card = model_card(load_model("mouth_open"), "org/diat-mouth-open", [], REPORT)
    assert "Not measured yet." in card.content
    assert "model-index" not in card.content


def test_a_report_that_is_none_is_refused(tmp_path):
    (tmp_path / "x.json").write_text("[]")
    with pytest.raises(DiatError, match="no report"):
        read_report(tmp_path / "x.json")
