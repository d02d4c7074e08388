"""Every setting of a training run in one frozen object; the paper's variants and the two recipes as presets of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from diat.attributes import AttributeSpec, attribute_spec
from diat.data.sets import Subset
from diat.errors import TrainingStopped
from diat.models import RGB_SIZES

Identity = Literal["adaptive", "vgg", "none"]


@dataclass(frozen=True)
class DataSettings:
    """Which faces train, and how they are varied."""

    size: int = 128  # side of the images in pixels: 64, 128, 192 or 256
    subset: Subset = "frontal"  # which faces train: all frontal ones, or section 5.1's clusters
    num_inputs: int | None = None  # size of the input set; None takes all, the paper 2,000
    matched: bool = True  # draw guided images that resemble the inputs in the spec's matched columns
    windowed: bool = True  # T and D see the region's window alone: a mouth at full resolution for a quarter of the work
    shift: int = 4  # largest random shift at 128 pixels, with mirroring; 0 turns both off
    degraded: float = 0.0  # share of the images that are made as poor as frames of films
    stream: str | None = None  # train from this data set as it is read, in one pass, without a pack: Hub id or folder
    window: int = 2048  # records of the stream that are in memory at a time: 96 MB at 128 pixels
    borrowed: Path | None = None  # glasses to put on faces beside drawn ones, from train/cut_glasses.py


@dataclass(frozen=True)
class OptimizerSettings:
    """How long, how fast (Algorithm 1, section 4.2)."""

    steps: int = 10_000  # of T and of D
    batch: int = 16  # images of each set per step and process
    accumulate: int = 1  # batches per step, over whose gradients the mean is taken
    d_warmup: int = 2000  # steps, at the start, in which D alone learns guided against input images, as in Eq. (9)
    d_steps: int = 1  # updates of D a step
    t_steps: int = 1  # updates of T a step
    learning_rate: float = 2e-4  # of T, Adam
    learning_rate_d: float = 4e-4  # of D, Adam
    beta1: float = 0.5  # of both
    anneal: float = 0.3  # share of the steps, at the end, over which the rates fall to a tenth
    decay: float = 0.999  # of T's moving average
    seed: int = 0  # of weights, order and augmentation
    compile: bool = False  # torch.compile T and D: worth its minute on a GPU


@dataclass(frozen=True)
class LossSettings:
    """The losses of Eq. (7) and (14), and what the release recipe adds; docs/training.md says why."""

    identity: Identity = "adaptive"  # on D's features (Eq. 13), on VGG's (Eq. 2), or none
    lambda_id: float = 0.1  # weight of Eq. (2) or (13), section 5.1
    gamma: float = 0.0  # weight of Eq. (6), section 5.1: 0.001 where it is used
    features: str = "imagenet-vgg16"  # phi of Eq. (2): this stand-in, a file of VGG-Face, or a Hub repository
    residual: bool = True  # T(x) = x + change, the change starting at 0
    masked: bool = True  # composite under the attribute's mask
    three_groups: bool = True  # D also sees untransformed inputs, labelled 0
    scale_identity: bool = True  # divide Eq. (13) by the size of D's own features
    penalty: float = 0.05  # weight of the gradient penalty on guided images
    penalty_every: int = 8  # steps between two penalties, each counted that many times
    lambda_pair: float = 0.0  # weight of the loss on drawn pairs; 0 makes none
    lambda_attribute: float = 1.0  # weight of Eq. (3) for T
    lambda_pixel: float = 1.0  # weight of mean |T(x) - x|
    lambda_keep: float = 5.0  # weight of mean |T(a) - a| on guided images
    keep_every: int = 4  # steps between two of those


@dataclass(frozen=True, kw_only=True)
class TransferConfig(LossSettings, OptimizerSettings, DataSettings):
    """Settings of a run that trains T against D. The defaults are the release recipe's DIAT-A."""

    attribute: str  # what is changed: a released one, or Smiling, not-Bangs, any of CelebA's columns
    pack: Path  # the data, from train/prepare.py
    output: Path  # log, samples, checkpoints and the model go here
    region: str | None = None  # where it may change the face: mouth, eyes, ...; None: where the attribute usually does
    variant: str = "DIAT-A"  # of section 5.1
    recipe: str = "release"  # the project's own, or the paper's as docs/paper.md says: release, paper

    def __post_init__(self) -> None:
        """Refuse settings that cannot be."""
        for name in ("steps", "batch", "accumulate", "d_steps", "t_steps", "penalty_every", "keep_every", "window"):
            if getattr(self, name) < 1:
                raise TrainingStopped(f"{name} must be at least 1, not {getattr(self, name)}.")
        if self.size not in RGB_SIZES:
            raise TrainingStopped(f"T is trained and run at {', '.join(map(str, RGB_SIZES))} pixels, not {self.size}.")

    @property
    def spec(self) -> AttributeSpec:
        """The attribute."""
        return attribute_spec(self.attribute, self.region)

    def as_json(self) -> dict[str, Any]:
        """The settings as JSON-able values."""
        return {name: str(value) if isinstance(value, Path) else value for name, value in asdict(self).items()}

    def identity_json(self) -> dict[str, Any]:
        """What a resumed run must agree in: all but the places of its files, which may move."""
        return {name: value for name, value in self.as_json().items() if name not in ("pack", "output")}


# Section 5.1 and 5.5. "Enhanced" variants train E after T: `python train/enhance.py`.
VARIANTS: dict[str, dict[str, Any]] = {
    "DIAT": {"identity": "vgg", "gamma": 1e-3},  # Eq. (7), enhanced
    "DIAT-A": {"identity": "adaptive"},  # Eq. (14), enhanced
    "DIAT-A0": {"identity": "adaptive"},  # DIAT-A without enhancement
    "DIAT1": {"identity": "none"},  # the attribute loss alone
    "DIAT2": {"identity": "vgg"},  # DIAT without perceptual regularisation and enhancement
    "DIAT3": {"identity": "vgg", "gamma": 1e-3},  # DIAT without enhancement
}
ENHANCED = {"DIAT3": "DIAT", "DIAT-A0": "DIAT-A"}  # what a variant becomes by its E


def trained_variant(variant: str) -> str:
    """What a model is before its E is trained: that of DIAT-A is DIAT-A0, that of DIAT is DIAT3."""
    return next((before for before, after in ENHANCED.items() if after == variant), variant)


def enhanced_variant(training: Mapping[str, Any]) -> str:
    """What a model becomes by its E, by what its configuration says of its training."""
    variant = trained_variant(str(training.get("variant", "DIAT-A0")))
    return ENHANCED.get(variant, f"{variant} with E")


# The release recipe where an attribute has pairs: they lead, and D and the third group keep the pictures real.
PAIRED: dict[str, Any] = {
    "lambda_pair": 40.0,
    "lambda_attribute": 0.3,
    "lambda_pixel": 0.0,
    "lambda_keep": 1.0,
    "d_warmup": 0,
    "learning_rate": 5e-4,
    "learning_rate_d": 2e-4,
    "penalty": 0.2,
}

# The paper's text, as near as it can be had (docs/paper.md).
PAPER: dict[str, Any] = {
    "subset": "clusters",
    "num_inputs": 2000,
    "learning_rate": 1e-4,
    "learning_rate_d": 1e-4,
    "anneal": 0.0,
    "d_warmup": 0,
    "residual": False,
    "masked": False,
    "windowed": False,
    "three_groups": False,
    "matched": False,
    "scale_identity": False,
    "penalty": 0.0,
    "lambda_pair": 0.0,
    "lambda_pixel": 0.0,
    "lambda_keep": 0.0,
    "shift": 0,
}
# Section 4.2: DIAT-A's rates fall from 0.0001 to 0.00001.
PAPER_ADAPTIVE: dict[str, Any] = {"learning_rate": 1e-5, "learning_rate_d": 1e-5}


def transfer_config(
    attribute: str, pack: Path, output: Path, variant: str, recipe: str, region: str | None = None, **given: Any
) -> TransferConfig:
    """The preset of a variant and a recipe, with single settings replaced by ``given`` (None: as the preset has it).

    Raises:
        TrainingStopped: the variant, the recipe or a setting does not exist.
    """
    if variant not in VARIANTS:
        raise TrainingStopped(f"Unknown variant {variant!r}: use one of {', '.join(VARIANTS)}.")
    if recipe not in ("paper", "release"):
        raise TrainingStopped(f"Unknown recipe {recipe!r}: use paper or release.")
    config = TransferConfig(
        attribute=attribute, region=region, pack=pack, output=output, variant=variant, recipe=recipe
    )
    config = replace(config, **VARIANTS[variant])
    if recipe == "release" and config.spec.pairs is not None:
        config = replace(config, **PAIRED)
    if recipe == "paper":
        config = replace(config, **{**PAPER, **(PAPER_ADAPTIVE if config.identity == "adaptive" else {})})
    unknown = given.keys() - {field.name for field in fields(TransferConfig)}
    if unknown:
        raise TrainingStopped(
            f"Unknown setting {sorted(unknown)[0]!r}: see TransferConfig in diat/training/recipes.py."
        )
    return replace(config, **{name: value for name, value in given.items() if value is not None})
