import sys

import pytest
from scripts import ROOT

from diat.attributes import ATTRIBUTES, COLUMNS, REGIONS, AttributeSpec, PairRecipe, attribute_spec
from diat.data.pairs import DRAWINGS
from diat.errors import DiatError
from diat.evaluation.results import read_report
from diat.evaluation.second import SECOND_JUDGES
from diat.hub import load_model

sys.path.insert(0, str(ROOT / "train"))
from card import card_text  # noqa: E402


def lacks(spec: AttributeSpec) -> list[str]:
    """What is still to be done for a row of diat/attributes.py, a line each."""
    lines = []
    for column in (spec.column, *spec.matched):
        if column not in COLUMNS:
            lines.append(f"diat/attributes.py: {column} is no column of CelebA")
    if spec.region not in REGIONS:
        lines.append(f"diat/attributes.py: REGIONS has no {spec.region}")
    if spec.pairs is not None and spec.pairs.kind not in (*DRAWINGS, "prototypes"):
        lines.append(f"diat/data/pairs.py: no pairs of the kind {spec.pairs.kind!r}")
    if spec.done == AttributeSpec.done:
        lines.append("diat/attributes.py: nothing says what was done")
    if spec.column not in SECOND_JUDGES:
        lines.append(f"diat/evaluation/second.py: no second judge of {spec.column}")
    for name, load in (("hub_cards", card_text), ("diat/weights", load_model)):
        try:
            load(spec.name)
        except DiatError as error:
            lines.append(f"{name}: {error}")
    if f"| {spec.name} |" not in (ROOT / "docs" / "evaluation.md").read_text():
        lines.append(f"docs/evaluation.md: no row for {spec.name}")
    reports = [read_report(path) for path in (ROOT / "docs").glob("evaluation*.json")]
    if spec.name not in {figures.attribute for report in reports for figures in report.models}:
        lines.append("docs/evaluation.json: not measured, see train/evaluate.py")
    return lines


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_an_attribute_has_all_that_belongs_to_it(name):
    assert lacks(ATTRIBUTES[name]) == []


def test_what_a_new_attribute_lacks_is_told_line_by_line():
    made_up = AttributeSpec("grin", "Grin", "Grin", "Grins", True, "cheeks", ("Male",), PairRecipe("wishes"))
    told = lacks(made_up)
    assert [line.split(": ")[0] for line in told] == [
        "diat/attributes.py",
        "diat/attributes.py",
        "diat/data/pairs.py",
        "diat/attributes.py",
        "diat/evaluation/second.py",
        "hub_cards",
        "diat/weights",
        "docs/evaluation.md",
        "docs/evaluation.json",
    ]


def test_the_papers_five_and_a_smile():
    kinds = {name: spec.scope for name, spec in ATTRIBUTES.items()}
    assert kinds == {
        "mouth_open": "local",
        "mouth_close": "local",
        "eyeglasses_remove": "local",
        "male_to_female": "global",
        "older_to_younger": "global",
        "smile": "global",
    }


def test_there_are_40_columns_each_with_a_region():
    assert len(COLUMNS) == 40
    assert all(attribute_spec(column).region in REGIONS for column in COLUMNS)


@pytest.mark.parametrize(("name", "wanted"), [("Smiling", True), ("not-Smiling", False)])
def test_any_column_is_an_attribute_in_either_direction(name, wanted):
    spec = attribute_spec(name)
    assert (spec.name, spec.column, spec.wanted) == (name, "Smiling", wanted)
    assert spec.done == f"Changed: {spec.title}."


def test_the_region_can_be_chosen():
    assert attribute_spec("Smiling", "mouth").region == "mouth"
    assert attribute_spec("mouth_close", "lower_face").region == "lower_face"
    with pytest.raises(DiatError, match="lower_face"):
        attribute_spec("Smiling", "chin")


@pytest.mark.parametrize(
    ("typed", "meant"), [("mouth_opne", "mouth_open"), ("smiling", "Smiling"), ("notBangs", "not-Bangs")]
)
def test_an_unknown_attribute_names_the_nearest(typed, meant):
    with pytest.raises(DiatError, match=meant):
        attribute_spec(typed)
