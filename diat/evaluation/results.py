"""The figures of models: what `train/evaluate.py` measures, writes to evaluation.json and reads again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from diat.errors import DiatError
from diat.evaluation.metrics import Estimate


@dataclass(frozen=True)
class Success:
    """The share of photographs that a judge takes for the attribute, beside its two controls."""

    edited: Estimate
    untouched: Estimate  # the same photographs as they were
    real: Estimate  # real photographs that have the attribute


@dataclass(frozen=True)
class SecondOpinion:
    """Success by a judge of another kind, `diat.evaluation.second`."""

    success: Success
    accuracy: float  # balanced, on the real photographs that set its threshold


@dataclass(frozen=True)
class Fidelity:
    """How equal two pictures are."""

    psnr: Estimate  # dB
    ssim: Estimate


@dataclass(frozen=True)
class Realism:
    """Distances of Inception features, edited against real, beside real against real of as many: the floor."""

    count: int  # images of each kind; below 2,048 FID is biased upwards
    fid: float
    fid_floor: float
    kid: float  # times 1,000
    kid_floor: float


@dataclass(frozen=True)
class Group:
    """Figures of some of the people."""

    success: Estimate
    identity: Estimate


@dataclass(frozen=True)
class CurvePoint:
    """Means at another strength."""

    strength: float
    success: float
    identity: float
    verified: float


@dataclass(frozen=True)
class CropFigures:
    """What a network makes of the crop, without mask and paste-back: the paper's T(x) and E(T(x)) themselves."""

    image: str  # "x", the crop at the network's size: what size alone costs; "T(x)" or "E(T(x))"
    success: Estimate
    drift: Estimate
    identity: Estimate
    second: Estimate | None = None
    kid: float | None = None  # times 1,000


@dataclass(frozen=True)
class BaselineFigures:
    """What another method made of some of the faces' crops."""

    run: str  # the folder of its pictures
    attribute: str
    crops: tuple[CropFigures, ...]  # of the same crops as they are, "x", of its pictures, and of models' of them


@dataclass(frozen=True)
class NativeFigures:
    """How an edit looks at the photograph's own resolution, see `diat.evaluation.native`. Medians over the faces.

    Octaves are the photograph's three finest, finest first.
    """

    side: float  # of the square around a face, pixels
    detail: tuple[Estimate, ...]  # of each octave, in what changed: after against before
    beside_before: tuple[Estimate, ...]  # of each octave, in what changed against untouched skin beside it
    beside_after: tuple[Estimate, ...]
    within: Estimate  # share of faces whose detail stays within 0.7 to 1.4 of what it was in every octave
    edge: Estimate  # strength of the edges in what changed, after against before
    halo: Estimate  # mean change of colour outside the face, levels of 255
    background: Estimate  # mean change of background and clothes, levels of 255; NaN without parsing masks
    unchanged: Estimate  # share of photographs that have the attribute already and stay at 45 dB or better
    scale: Estimate  # dB; the edited small photograph against the small edited one


@dataclass(frozen=True)
class Conditions:
    """What figures depend on besides the photographs and the judges: equal conditions need no second measurement."""

    manifest: dict[str, str]  # SHA-256 of each of the model's files
    strengths: tuple[float, ...]
    realism: bool
    faces: int | None = None  # at most so many are edited


@dataclass(frozen=True)
class ModelFigures:
    """All figures of one model, taken on photographs without the attribute if nothing else is said."""

    run: str  # which model: the folder of its run
    variant: str  # of the paper, with the recipe, as the model itself says
    attribute: str
    column: str  # CelebA's
    count: int  # photographs without the attribute
    conditions: Conditions
    success: Success
    drift: Estimate  # share of the other 39 attributes that flip
    identity: Estimate  # identity similarity: the cosine of SFace's embeddings before and after
    verified: Estimate  # share whose identity similarity is above the threshold
    identity_threshold: float  # which one pair of strangers in a thousand exceeds
    outside: Fidelity  # before and after, outside the mask
    kept: Fidelity  # before and after, of photographs that have the attribute already
    second: SecondOpinion | None = None
    realism: Realism | None = None
    groups: dict[str, Group] = field(default_factory=dict)
    curve: tuple[CurvePoint, ...] = ()
    crops: tuple[CropFigures, ...] = ()
    native: NativeFigures | None = None
    sheets: str = ""  # their folder, beside evaluation.json


@dataclass(frozen=True)
class JudgeAccuracy:
    """How good the attribute judge is on one of CelebA's columns."""

    accuracy: float
    balanced: float  # mean of the accuracies with and without the attribute


@dataclass(frozen=True)
class Report:
    """What evaluation.json holds."""

    dataset: str
    split: str
    photographs: int
    left_out: int  # without a face that can be edited, or unreadable
    judge: dict[str, JudgeAccuracy]  # by CelebA's column
    models: tuple[ModelFigures, ...] = ()
    baselines: tuple[BaselineFigures, ...] = ()


_REPORT = TypeAdapter(Report)


def to_json(report: Report) -> str:
    """A report as the text of evaluation.json; a figure of nothing is NaN there, which Python's own reader takes."""
    return json.dumps(asdict(report), indent=1)


def read_report(path: Path) -> Report:
    """What evaluate.py wrote.

    Raises:
        DiatError: the file is missing, or no such report.
    """
    try:
        return _REPORT.validate_json(path.read_bytes())
    except OSError as error:
        raise DiatError(f"{path} cannot be read ({error.strerror}): make it with train/evaluate.py.") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise DiatError(
            f"{path} is not a report of train/evaluate.py ({place}: {first['msg']}): make one, or leave it out."
        ) from error


def together(earlier: Sequence[ModelFigures], measured: Sequence[ModelFigures]) -> tuple[ModelFigures, ...]:
    """All figures of OUTPUT: those of this call in the places of earlier ones of the same runs, or after them."""
    return tuple({figures.run: figures for figures in (*earlier, *measured)}.values())


def run_names(folders: Sequence[Path]) -> list[str]:
    """What to call models: the folder of each one's run, with as much of the path before it as tells them apart.

    Trainings leave a model in the folder "model" of their run, which says nothing.
    """
    paths = [folder.resolve() for folder in folders]
    parts = [path.parts[:-1] if path.name == "model" else path.parts for path in paths]
    length = 1
    while len({part[-length:] for part in parts}) < len(parts) and length < max(map(len, parts)):
        length += 1
    return ["-".join(part[-length:]).strip("/-") for part in parts]
