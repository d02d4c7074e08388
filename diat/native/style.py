"""How strongly the skin's fields of an attribute are used, and which attributes they cannot show."""

from __future__ import annotations

from dataclasses import dataclass

from diat.attributes import attribute_spec


@dataclass(frozen=True)
class Style:
    """How the fields of an attribute are used: factors found by looking, on training faces."""

    flow: float  # of the movement
    bias: float  # of the skin's change of colour
    relief: tuple[float, float, float, float]  # of the bands' limits; 0: the band has none
    chroma: float  # what is left of blotches of colour
    bias_range: tuple[tuple[float, float], ...]  # CIELAB
    # Shares that stay of the change that the cheeks as a whole would get, L and a, b: a skin keeps its tone.
    tone: tuple[float, float, float]
    lips: float
    lips_red: float  # added to a
    brows: float
    # Of the amplitude that the wanted kind has of each band, up to which a person's own relief is raised.
    raised: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    bags: float = 0.0  # share of the darkness under the eyes that goes; below 0 it is deepened
    grey: float = 0.0  # how far grey hair gets its colour back; below 0, how far hair turns grey
    beard: float = 0.0  # share of a beard that goes
    thinning: float = 0.0  # of the brows
    eyes: float = 0.0  # how much stronger the lashes and the light of the eyes become
    eye_size: float = 0.0
    corners: float = 0.0  # how far the mouth's corners are raised, in interocular distances
    mouth: float = 0.0  # how much more the mouth moves than the rest of the face
    prototypes: float = 1.0  # of what the prototypes of those with and without the attribute differ by
    darkened: float = 1.0  # share that stays of what they darken of eyes and brows
    paint: float = 0.0  # of the soft change of colour that make-up and another light make


YOUNGER = Style(
    flow=2.0, bias=2.3, relief=(1.6, 0.5, 0.27, 0.24), chroma=0.5, bias_range=((-3, 12), (-5, 5), (-6, 5)),
    tone=(0.5, 0.4, 0.4), lips=1.6, lips_red=0.5, brows=2.5, bags=1.3, grey=1.0, eyes=0.6, prototypes=2.0,
    darkened=0.35, paint=0.8,
)  # fmt: skip
FEMALE = Style(
    flow=2.0, bias=2.2, relief=(3.0, 1.2, 0.9, 1.0), chroma=0.7, bias_range=((-3, 8), (-3, 5), (-4, 5)),
    tone=(0.0, 0.3, 0.3), lips=1.8, lips_red=2.0, brows=1.2, beard=1.0, thinning=1.3, eyes=0.8,
    eye_size=0.08, prototypes=1.1, paint=0.6,
)  # fmt: skip
OLDER = Style(
    flow=2.4, bias=1.6, relief=(0.0, 0.0, 0.0, 0.0), chroma=1.2, bias_range=((-5, 3), (-4, 4), (-4, 4)),
    tone=(0.2, 0.5, 0.5), lips=1.6, lips_red=0.0, brows=1.5, raised=(1.2, 1.6, 1.8, 1.6), bags=-0.7, grey=-0.6,
    eyes=-0.3,
)  # fmt: skip
SMILING = Style(
    flow=1.4, bias=2.4, relief=(0.0, 0.0, 0.0, 0.0), chroma=1.0, bias_range=((-9, 9), (-5, 6), (-5, 6)),
    tone=(0.5, 0.5, 0.5), lips=1.0, lips_red=0.0, brows=0.0, raised=(1.0, 1.2, 1.2, 1.2), corners=0.11, mouth=0.7,
    prototypes=1.5,
)  # fmt: skip
SERIOUS = Style(
    flow=1.2, bias=1.7, relief=(0.0, 1.6, 1.0, 0.8), chroma=1.0, bias_range=((-9, 9), (-5, 6), (-5, 6)),
    tone=(0.5, 0.5, 0.5), lips=1.0, lips_red=0.0, brows=0.0, corners=-0.08, mouth=0.7,
)  # fmt: skip
MALE = Style(
    flow=2.0, bias=2.0, relief=(0.0, 0.0, 0.0, 0.0), chroma=1.1, bias_range=((-8, 3), (-5, 3), (-5, 4)),
    tone=(0.0, 0.3, 0.3), lips=1.8, lips_red=-3.0, brows=1.8, raised=(1.0, 1.2, 1.0, 1.0), eyes=-0.6, eye_size=-0.05,
)  # fmt: skip
SHAVEN = Style(
    flow=0.0, bias=0.0, relief=(0.0, 0.0, 0.0, 0.0), chroma=1.0, bias_range=((0, 0), (0, 0), (0, 0)),
    tone=(1.0, 1.0, 1.0), lips=0.0, lips_red=0.0, brows=0.0, beard=1.0,
    prototypes=0.0,
)  # fmt: skip
# Of an attribute without one of its own: what the neighbours differ by, twice, and relief both ways.
NEUTRAL = Style(
    flow=2.0, bias=2.0, relief=(3.0, 1.6, 1.3, 1.3), chroma=0.9, bias_range=((-8, 8), (-6, 6), (-6, 6)),
    tone=(1.0, 1.0, 1.0), lips=1.8, lips_red=0.0, brows=1.8, raised=(0.7, 0.7, 0.7, 0.7),
)  # fmt: skip
STYLES = {
    "Young": YOUNGER, "not-Young": OLDER, "not-Male": FEMALE, "Male": MALE, "Smiling": SMILING, "not-Smiling": SERIOUS,
    "No_Beard": SHAVEN, "not-5_o_Clock_Shadow": SHAVEN, "not-Goatee": SHAVEN, "not-Mustache": SHAVEN,
}  # fmt: skip

_HAIR = "the hair of the head stays as it is"
_BEARD = "a beard cannot be grown"
_THING = "nothing is put onto a face or taken off it"
# Why an attribute cannot be shown by moving, tinting and smoothing what is there; a column stands for both directions.
NOT_SHOWN = {
    **dict.fromkeys(("Bald", "Bangs", "Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair", "Receding_Hairline",
                     "Sideburns", "Straight_Hair", "Wavy_Hair"), _HAIR),
    **dict.fromkeys(("5_o_Clock_Shadow", "Goatee", "Mustache", "not-No_Beard"), _BEARD),
    **dict.fromkeys(("Wearing_Earrings", "Wearing_Hat", "Wearing_Necklace", "Wearing_Necktie"), _THING),
    "Eyeglasses": "eyeglasses_remove takes glasses off",
    "Mouth_Slightly_Open": "mouth_open and mouth_close are for that",
    "Blurry": "sharpness is the photograph's and not the face's",
}  # fmt: skip

# What is missing where only a part can be shown, by direction.
PARTLY_SHOWN = {
    "Male": _BEARD,
    "not-Young": "wrinkles are the person's own, made stronger, and none are drawn",
    "Bushy_Eyebrows": "brows get darker, but no hair is added",
}


def not_shown(attribute: str) -> str | None:
    """Why the skin's fields cannot show an attribute; None where they can."""
    spec = attribute_spec(attribute)
    if spec.direction in STYLES:
        return None
    return NOT_SHOWN.get(spec.direction, NOT_SHOWN.get(spec.column))


def style_of(attribute: str) -> Style:
    """How the fields of an attribute are used, see `diat.attributes.attribute_spec`."""
    return STYLES.get(attribute_spec(attribute).direction, NEUTRAL)
