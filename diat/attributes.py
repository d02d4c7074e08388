"""The facial attributes that can be transferred: which CelebA column they come from and where on the face they act."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Literal

from diat.errors import DiatError

# Index ranges of the 68-point annotation (iBUG 300-W), which section 3.2's local masks are built on.
MOUTH_68 = tuple(range(48, 68))
BROWS_BRIDGE_EYES_68 = tuple(range(17, 29)) + tuple(range(36, 48))
WHOLE_FACE_68 = tuple(range(68))

Scope = Literal["local", "global"]


@dataclass(frozen=True)
class AttributeSpec:
    """One direction of one binary attribute.

    A photograph of the *guided* set A has ``column == wanted``; one of the *input* set X has not (section 3.1.1).
    """

    name: str  # what users type, for example "mouth_close"
    title: str  # what users read
    column: str  # CelebA's column
    wanted: bool  # the value of the column in the guided set
    scope: Scope  # section 5's two kinds; a "global" one changes the face and the hair around it
    landmarks: tuple[int, ...]  # of the 68: their hull, expanded, is the mask (section 3.2)
    margin: float  # how far the hull is expanded, as a fraction of the inter-ocular distance
    feather: float = 0.25  # width of the mask's soft edge, likewise
    matched: tuple[str, ...] = ()  # columns whose values the release recipe keeps equal between A and X


_SPECS = (
    AttributeSpec(
        name="mouth_open",
        title="Mouth open",
        column="Mouth_Slightly_Open",
        wanted=True,
        scope="local",
        landmarks=MOUTH_68,
        margin=0.42,
        matched=("Male", "Smiling"),
    ),
    AttributeSpec(
        name="mouth_close",
        title="Mouth closed",
        column="Mouth_Slightly_Open",
        wanted=False,
        scope="local",
        landmarks=MOUTH_68,
        margin=0.42,
        matched=("Male", "Smiling"),
    ),
    AttributeSpec(
        name="eyeglasses_remove",
        title="Glasses off",
        column="Eyeglasses",
        wanted=False,
        scope="local",
        # Without the nose's tip and wings, and wider for it: large sunglasses reach down beside the nose.
        landmarks=BROWS_BRIDGE_EYES_68,
        margin=0.55,
        matched=("Male", "Young"),
    ),
    AttributeSpec(
        name="male_to_female",
        title="Male to female",
        column="Male",
        wanted=False,
        scope="global",
        landmarks=WHOLE_FACE_68,
        margin=0.70,
        feather=0.50,
        matched=("Young", "Smiling"),
    ),
    AttributeSpec(
        name="older_to_younger",
        title="Younger",
        column="Young",
        wanted=True,
        scope="global",
        landmarks=WHOLE_FACE_68,
        margin=0.70,
        feather=0.50,
        matched=("Male", "Smiling"),
    ),
)

ATTRIBUTES: dict[str, AttributeSpec] = {spec.name: spec for spec in _SPECS}


def attribute_spec(name: str) -> AttributeSpec:
    """Look an attribute up by name.

    Raises:
        DiatError: no attribute has that name; the sentence lists the nearest names.
    """
    if name in ATTRIBUTES:
        return ATTRIBUTES[name]
    near = difflib.get_close_matches(name, ATTRIBUTES, n=3, cutoff=0.3) or list(ATTRIBUTES)
    raise DiatError(f"Unknown attribute {name!r}: use {' or '.join(near)} (`diat attributes` lists all).")
