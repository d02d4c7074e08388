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
    jaw_shade: float = 0.0  # levels of L by which clean skin is darker under the jaw
    thinning: float = 0.0  # of the brows
    eyes: float = 0.0  # how much stronger the lashes and the light of the eyes become
    lashes: float = 0.0  # darkness of the line along the upper lid
    eye_size: float = 0.0


YOUNGER = Style(
    flow=3.0, bias=2.2, relief=(3.0, 1.05, 0.75, 0.85), chroma=0.5, bias_range=((-3, 12), (-5, 5), (-6, 5)),
    tone=(0.25, 0.5, 0.5), lips=1.2, lips_red=0.0, brows=2.0, bags=0.9, grey=1.0, eyes=0.3,
)  # fmt: skip
FEMALE = Style(
    flow=2.6, bias=1.5, relief=(5.0, 1.7, 1.3, 1.5), chroma=0.8, bias_range=((-3, 8), (-2, 5), (-3, 5)),
    tone=(0.0, 0.5, 0.5), lips=1.6, lips_red=5.0, brows=1.0, beard=1.0, jaw_shade=7.0, thinning=1.0, eyes=0.7,
    lashes=0.35, eye_size=0.06,
)  # fmt: skip
