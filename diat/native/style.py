"""How strongly the fields of a global attribute are used."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Style:
    """How the fields of an attribute are used: factors found by looking, on training faces."""

    flow: float  # of the movement
    bias: float  # of the skin's change of colour
    relief: tuple[float, float, float, float]  # of the bands' limits
    chroma: float  # what is left of blotches of colour
    bias_range: tuple[tuple[float, float], ...]  # CIELAB
    # Shares that stay of the change that the cheeks as a whole would get, L and a, b: a skin keeps its tone.
    tone: tuple[float, float, float]
    lips: float
    lips_red: float  # added to a
    brows: float
    bags: float = 0.0  # share of the darkness under the eyes that goes
    grey: float = 0.0  # how far grey hair gets its colour back
    beard: float = 0.0  # share of a beard that goes
    jaw_shade: float = 0.0  # share of its lightness that clean skin under the jaw loses
    thinning: float = 0.0  # of the brows
    eyes: float = 0.0  # how much stronger the lashes and the light of the eyes become
    lashes: float = 0.0  # darkness of the line along the upper lid
    eye_size: float = 0.0
    paint: float = 0.0  # of the soft change of colour that make-up and another light make


YOUNGER = Style(
    flow=2.5, bias=2.9, relief=(1.6, 0.62, 0.38, 0.34), chroma=0.5, bias_range=((-3, 12), (-5, 5), (-6, 5)),
    tone=(0.5, 0.4, 0.4), lips=1.6, lips_red=0.5, brows=2.5, bags=1.3, grey=0.5, eyes=0.6, paint=0.8,
)  # fmt: skip
FEMALE = Style(
    flow=2.0, bias=2.2, relief=(3.0, 1.2, 0.9, 1.0), chroma=0.7, bias_range=((-3, 8), (-3, 5), (-4, 5)),
    tone=(0.0, 0.3, 0.3), lips=1.8, lips_red=5.0, brows=1.2, beard=1.0, jaw_shade=0.26, thinning=1.6, eyes=0.8,
    lashes=0.4, eye_size=0.08, paint=1.5,
)  # fmt: skip
