import pytest

from diat.attributes import ATTRIBUTES, COLUMNS, REGIONS, attribute_spec
from diat.errors import DiatError


def test_the_five_are_the_papers():
    kinds = {name: spec.scope for name, spec in ATTRIBUTES.items()}
    assert kinds == {
        "mouth_open": "local",
        "mouth_close": "local",
        "eyeglasses_remove": "local",
        "male_to_female": "global",
        "older_to_younger": "global",
    }


def test_there_are_40_columns_each_with_a_region():
    assert len(COLUMNS) == 40
    assert all(attribute_spec(column).region in REGIONS for column in COLUMNS)


@pytest.mark.parametrize(("name", "wanted"), [("Smiling", True), ("not-Smiling", False)])
def test_any_column_is_an_attribute_in_either_direction(name, wanted):
    spec = attribute_spec(name)
    assert (spec.name, spec.column, spec.wanted) == (name, "Smiling", wanted)


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
