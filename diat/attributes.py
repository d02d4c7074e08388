"""The facial attributes that can be transferred: which CelebA column they come from and where on the face they act."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from numbers import Real
from typing import Literal

from diat.detail import DEFAULT_FADE, DetailFade
from diat.errors import InvalidArgument

Scope = Literal["local", "global"]

MAX_STRENGTH = 1.5  # of a change, as a multiple of what the model was made for


def check_strength(strength: object) -> float:
    """A strength that an edit can have.

    Raises:
        InvalidArgument: it is not one.
    """
    if isinstance(strength, bool) or not isinstance(strength, Real) or not 0 <= float(strength) <= MAX_STRENGTH:
        raise InvalidArgument(f"The strength must be a number from 0 to {MAX_STRENGTH}, not {strength!r}.")
    return float(strength)


def check_identity(least: object) -> float | None:
    """A similarity that an edit may be asked to keep, or None for any.

    Raises:
        InvalidArgument: it is neither.
    """
    if least is None:
        return None
    if isinstance(least, bool) or not isinstance(least, Real) or not 0 <= float(least) <= 1:
        raise InvalidArgument(f"The identity to keep must be a number from 0 to 1, not {least!r}.")
    return float(least)


@dataclass(frozen=True)
class Region:
    """Where an attribute may change the face: the hull of some landmarks, expanded (section 3.2).

    Lengths are fractions of the inter-ocular distance.
    """

    landmarks: tuple[int, ...]  # of the 68 points of iBUG 300-W
    margin: float  # how far the hull is expanded
    feather: float = 0.25  # width of the soft edge
    # What of the crop T and D see in training: left, top, right, bottom in pixels at 128, sides multiples of 32. It
    # holds the region of nearly every face; None is the whole crop.
    window: tuple[int, int, int, int] | None = None
    scope: Scope = "local"  # section 5's two kinds, which differ in their enhancement network
    detail_fade: DetailFade = DEFAULT_FADE


_MOUTH, _BROWS, _BRIDGE, _EYES = range(48, 68), range(17, 27), range(27, 30), range(36, 48)

REGIONS: dict[str, Region] = {
    "mouth": Region(tuple(_MOUTH), margin=0.42, window=(32, 64, 96, 128), detail_fade=DetailFade(5.0, 20.0)),
    # Down to the cheeks, as large sunglasses reach, out to where the temples meet the hair, and up to the brows' ends
    # alone: above the brows' arches the brim of a hat would be taken for a frame. Clear rims are faint, and still go.
    "glasses": Region(
        (1, 15, 17, 26, *_BRIDGE, *_EYES), margin=0.30, window=(16, 32, 112, 96), detail_fade=DetailFade(3.0, 10.0)
    ),
    "eyes": Region((*_BROWS, *_EYES), margin=0.25, window=(16, 32, 112, 96)),
    "nose": Region(tuple(range(27, 36)), margin=0.25, window=(32, 48, 96, 112)),
    "lower_face": Region((*range(3, 14), *range(31, 36), *_MOUTH), margin=0.30),
    # The face up to the hairline; hats and the background need not change.
    "face": Region(tuple(range(68)), margin=0.45, feather=0.50, scope="global"),
}


@dataclass(frozen=True)
class PairRecipe:
    """How training shows T one face with and without an attribute (`diat.data.pairs`), since no data set does."""

    kind: Literal["shut mouths", "opened mouths", "put-on glasses", "prototypes"]
    # Of prototypes alone, set by eye on CelebA's train part.
    amount: float = 1.0  # of the difference between the prototypes that a face is moved by; above 1 exaggerates
    smoothing: float = 0.0  # of the face's own fine lines, which a difference of means cannot take away


@dataclass(frozen=True)
class AttributeSpec:
    """One direction of one binary attribute.

    A photograph of the *guided* set A has ``column == wanted``; one of the *input* set X has not (section 3.1.1).
    """

    name: str  # what users type, for example "mouth_close"
    title: str  # what users read, of the result
    action: str  # and on a button
    column: str  # CelebA's column
    wanted: bool  # the value of the column in the guided set
    region: str  # a name in REGIONS
    matched: tuple[str, ...]  # columns whose values the release recipe keeps equal between A and X
    pairs: PairRecipe | None = None  # where the release recipe has pairs
    done: str = "Changed."  # what users read of a face that has been changed
    needless: str = "the face looks so already"  # and of one that has the attribute already
    caution: str = ""  # what to look at closely in a face that has been changed
    # Probabilities, by a network with a gate, that the face lacks the attribute, between which an edit fades in: below
    # the first nothing changes.
    fade: tuple[float, float] = (0.15, 0.55)

    @property
    def direction(self) -> str:
        """The column and the value wanted of it, as `attribute_spec` takes them: ``"Young"`` or ``"not-Male"``."""
        return self.column if self.wanted else NOT + self.column

    @property
    def scope(self) -> Scope:
        """Local or global, as section 5 has it."""
        return REGIONS[self.region].scope

    @property
    def detail_fade(self) -> DetailFade:
        """How large a change must be to replace what was there."""
        return REGIONS[self.region].detail_fade

    def window(self, size: int, windowed: bool = True) -> tuple[int, int, int, int]:
        """Left, top, right, bottom of what T sees of crops of that size: the region's window, or the whole crop.

        The sides are multiples of 16, as D's images must be; a size that does not give such has no window.
        """
        at_128 = REGIONS[self.region].window
        if not windowed or at_128 is None or size % 64:
            return 0, 0, size, size
        left, top, right, bottom = (side * size // 128 for side in at_128)
        return left, top, right, bottom


# All that the code knows of an attribute is its row here, and what people wrote about its model is
# hub_cards/NAME.yaml. A second judge belongs to its column (`diat.evaluation.second`).
# tests/unit/test_attributes.py says what else a new row lacks.
_SPECS = (
    AttributeSpec(
        name="mouth_open",
        title="Mouth open",
        action="Open mouth",
        column="Mouth_Slightly_Open",
        wanted=True,
        region="mouth",
        matched=("Male", "Smiling"),
        pairs=PairRecipe("opened mouths"),
        done="Mouth opened.",
        needless="the mouth is open already",
    ),
    AttributeSpec(
        name="mouth_close",
        title="Mouth closed",
        action="Close mouth",
        column="Mouth_Slightly_Open",
        wanted=False,
        region="mouth",
        matched=("Male", "Smiling"),
        pairs=PairRecipe("shut mouths"),
        done="Mouth closed.",
        needless="the mouth is closed already",
        # Of 385 faces of CelebA-HQ's validation part (even rows) 88 % of those that the judge calls shut lie below the
        # first, and 4 % of the others.
        fade=(0.2, 0.5),
    ),
    AttributeSpec(
        name="eyeglasses_remove",
        title="Glasses off",
        action="Remove glasses",
        column="Eyeglasses",
        wanted=False,
        region="glasses",
        matched=("Male", "Young"),
        pairs=PairRecipe("put-on glasses"),
        done="Glasses taken off.",
        # No measure tells where: of a rim that crosses an eye, a brow or the face's edge a part may not be found.
        caution="Look closely: traces of the rims may be left.",
        needless="no glasses found",
        # Of 325 faces without glasses of CelebA-HQ's validation part (even rows) 98 % lie below 0.5, of 54 wearers none
        # between 0.29 and 0.93.
        fade=(0.5, 0.85),
    ),
    AttributeSpec(
        name="male_to_female",
        title="Male to female",
        action="More feminine",
        column="Male",
        wanted=False,
        region="face",
        matched=("Young", "Smiling"),
        pairs=PairRecipe("prototypes", amount=1.3, smoothing=0.2),
        done="Made more feminine.",
        needless="the face looks female already",
        # Of 385 faces of CelebA-HQ's validation part (even rows) 94 % of women lie below the first, and 2 % of men.
        fade=(0.4, 0.6),
    ),
    AttributeSpec(
        name="older_to_younger",
        title="Younger",
        action="Younger",
        column="Young",
        wanted=True,
        region="face",
        matched=("Male", "Smiling"),
        pairs=PairRecipe("prototypes", amount=1.7, smoothing=0.6),
        done="Made younger.",
        needless="the face looks young already",
        # Labels of youth are noisy. Of 385 faces of CelebA-HQ's validation part (even rows) 67 % of the young lie below
        # the first, and 14 % of the others.
        fade=(0.2, 0.4),
    ),
    AttributeSpec(
        name="smile",
        title="Smile",
        action="Add a smile",
        column="Smiling",
        wanted=True,
        region="face",
        matched=("Male", "Mouth_Slightly_Open"),
        done="Made to smile.",
        needless="the face smiles already",
        # Of 36 smiling faces of CelebA-HQ's validation part (even rows) three in four lie below 0.16, of 40 others nine
        # in ten above 0.67. Between them lie faint smiles, which become stronger.
        fade=(0.35, 0.55),
    ),
)

# Those with released weights: the paper's five, and a smile.
ATTRIBUTES: dict[str, AttributeSpec] = {spec.name: spec for spec in _SPECS}

# The 40 columns of CelebA, in its own order, with the region where each shows.
COLUMN_REGIONS: dict[str, str] = {
    "5_o_Clock_Shadow": "lower_face", "Arched_Eyebrows": "eyes", "Attractive": "face", "Bags_Under_Eyes": "eyes",
    "Bald": "face", "Bangs": "face", "Big_Lips": "mouth", "Big_Nose": "nose", "Black_Hair": "face",
    "Blond_Hair": "face", "Blurry": "face", "Brown_Hair": "face", "Bushy_Eyebrows": "eyes", "Chubby": "face",
    "Double_Chin": "lower_face", "Eyeglasses": "glasses", "Goatee": "lower_face", "Gray_Hair": "face",
    "Heavy_Makeup": "face", "High_Cheekbones": "face", "Male": "face", "Mouth_Slightly_Open": "mouth",
    "Mustache": "mouth", "Narrow_Eyes": "eyes", "No_Beard": "lower_face", "Oval_Face": "face", "Pale_Skin": "face",
    "Pointy_Nose": "nose", "Receding_Hairline": "face", "Rosy_Cheeks": "face", "Sideburns": "face",
    "Smiling": "lower_face", "Straight_Hair": "face", "Wavy_Hair": "face", "Wearing_Earrings": "face",
    "Wearing_Hat": "face", "Wearing_Lipstick": "mouth", "Wearing_Necklace": "face", "Wearing_Necktie": "face",
    "Young": "face",
}  # fmt: skip
COLUMNS = tuple(COLUMN_REGIONS)
NOT = "not-"


def attribute_spec(name: str, region: str | None = None) -> AttributeSpec:
    """Look an attribute up: one with released weights, or any CelebA column in either direction.

    Args:
        name: ``"mouth_close"``, ``"Smiling"`` or ``"not-Bangs"``.
        region: a name in `REGIONS` instead of the attribute's own.

    Raises:
        InvalidArgument: no attribute or region has that name; the sentence lists the nearest names.
    """
    if region is not None and region not in REGIONS:
        raise InvalidArgument(f"Unknown region {region!r}: use one of {', '.join(REGIONS)}.")
    if name in ATTRIBUTES:
        spec = ATTRIBUTES[name]
        return replace(spec, region=region or spec.region)
    column = name.removeprefix(NOT)
    if column in COLUMN_REGIONS:
        title = ("" if column == name else "Not ") + column.replace("_", " ")
        matched = tuple(other for other in ("Male", "Young") if other != column)
        where = region or COLUMN_REGIONS[column]
        return AttributeSpec(name, title, title, column, column == name, where, matched, done=f"Changed: {title}.")
    known = [*ATTRIBUTES, *COLUMNS, *(NOT + column for column in COLUMNS)]
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"use one of {', '.join(ATTRIBUTES)}."
    raise InvalidArgument(f"Unknown attribute {name!r}: {hint} (`diat attributes` lists those with released weights.)")
