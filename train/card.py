"""Model cards: hub_cards/template.md filled in from an attribute's YAML, its configuration and its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from huggingface_hub import EvalResult, ModelCard, ModelCardData

from diat.attributes import attribute_spec
from diat.data.celeba import DEFAULT_DATASET
from diat.errors import DiatError
from diat.evaluation.metrics import Estimate
from diat.evaluation.report import markdown_table
from diat.evaluation.results import ModelFigures, Report
from diat.heads import RGB
from diat.layers import PROTOTYPES
from diat.models import Model

CARDS = Path(__file__).parents[1] / "hub_cards"


@dataclass(frozen=True)
class CardText:
    """What people wrote about an attribute's model, hub_cards/ATTRIBUTE.yaml."""

    summary: str
    fails_on: tuple[str, ...]
    samples: tuple[str, ...] = ()  # files of examples/


@dataclass(frozen=True)
class Sample:
    """A picture of the card."""

    file: str  # in the repository
    alt: str


@dataclass(frozen=True)
class Figure:
    """A row of the card's table, and an entry of the Hub's model-index."""

    name: str  # in the index
    title: str
    estimate: Estimate
    is_share: bool = True


def model_card(model: Model, repository: str, samples: Sequence[Sample], report: Report | None) -> ModelCard:
    """The card of a model.

    Args:
        model: the loaded model.
        repository: the Hub repository that will hold it.
        samples: its pictures.
        report: what evaluate.py wrote, or None.

    Raises:
        DiatError: there is no text about the attribute.
    """
    spec = attribute_spec(model.config.attribute)
    text = card_text(spec.name)
    measured = figures_of(report, spec.name)
    figures = rows_of(measured) if measured else []
    parameters = sum(tensor.size for name, tensor in model.weights.items() if name not in PROTOTYPES)  # a picture
    data = ModelCardData(
        license="other",
        license_name="non-commercial-research",
        library_name="diat",
        pipeline_tag="image-to-image",
        datasets=[DEFAULT_DATASET],
        tags=["face", "facial-attributes", "image-editing", spec.name.replace("_", "-")],
        model_name=f"DIAT {spec.title}",
        eval_results=[index_entry(figure) for figure in figures] or None,
    )
    card: ModelCard = ModelCard.from_template(
        data,
        template_path=str(CARDS / "template.md"),
        title=spec.title,
        summary=text.summary,
        draws=model.config.heads == RGB,
        parameters=f"{parameters / 1e6:.1f}",
        fails_on=text.fails_on,
        samples=samples,
        repository=repository,
        table=markdown_table(["figure", "value"], [(f.title, shown(f.estimate, f.is_share)) for f in figures]),
        groups=groups_of(measured) if measured else "",
        curve=curve_of(measured) if measured else "",
        measured=measured is not None,
        photographs=measured.count if measured else 0,
        judge=judge_of(report, spec.column),
        training=training_of(model),
    )
    return card


def card_text(attribute: str) -> CardText:
    """Read hub_cards/ATTRIBUTE.yaml.

    Raises:
        DiatError: there is no such file, or it is not as it should be.
    """
    path = CARDS / f"{attribute}.yaml"
    if not path.is_file():
        raise DiatError(f"There is no {path}: write one, with a summary, fails_on and samples.")
    content = yaml.safe_load(path.read_text())
    try:
        return CardText(content["summary"], tuple(content["fails_on"]), tuple(content.get("samples") or ()))
    except (KeyError, TypeError) as error:
        raise DiatError(f"{path} must have a summary, fails_on and samples (it lacks {error}): add it.") from error


def of_these_weights(report: Report, manifest: Mapping[str, str]) -> Report:
    """A report without figures of other weights: a card must not claim what weights before these could do.

    Args:
        report: what evaluate.py wrote.
        manifest: SHA-256 of each of the model's files, as its folder has them.
    """
    return replace(report, models=tuple(one for one in report.models if one.conditions.manifest == manifest))


def figures_of(report: Report | None, attribute: str) -> ModelFigures | None:
    """The attribute's figures, None where it was not measured."""
    models = report.models if report else ()
    return next((figures for figures in models if figures.attribute == attribute), None)


def rows_of(figures: ModelFigures) -> list[Figure]:
    """The figures of the card's table, in its order."""
    rows = [
        Figure("success", "Success", figures.success.edited),
        Figure("success_untouched", "Success, untouched photographs", figures.success.untouched),
        Figure("success_real", "Success, real photographs with the attribute", figures.success.real),
        Figure("drift", "Other attributes flipped", figures.drift),
        Figure("identity", "Identity", figures.identity, is_share=False),
        Figure("verified", "Verified", figures.verified),
        Figure("untouched_psnr", "Outside the region, dB", figures.outside.psnr, is_share=False),
        Figure("untouched_ssim", "Outside the region, SSIM", figures.outside.ssim, is_share=False),
        Figure("idempotence_psnr", "Already so, dB", figures.kept.psnr, is_share=False),
        Figure("idempotence_ssim", "Already so, SSIM", figures.kept.ssim, is_share=False),
    ]
    if figures.second:
        rows.insert(3, Figure("second", "Success, second opinion", figures.second.success.edited))
    return [row for row in rows if row.estimate.count]


def index_entry(figure: Figure) -> EvalResult:
    """A figure as the Hub's model-index has it."""
    return EvalResult(
        task_type="image-to-image",
        task_name="Transfer of a facial attribute",
        dataset_type=DEFAULT_DATASET,
        dataset_name="CelebA, validation part",
        dataset_split="valid",
        metric_type=figure.name,
        metric_name=figure.title,
        metric_value=round(figure.estimate.value, 4),
    )


def groups_of(figures: ModelFigures) -> str:
    """Success and identity of each group as Markdown."""
    return markdown_table(
        ["group", "count", "success", "identity"],
        [
            (name, group.success.count, shown(group.success, True), shown(group.identity, False))
            for name, group in figures.groups.items()
        ],
    )


def curve_of(figures: ModelFigures) -> str:
    """Success against identity over the strength as Markdown, empty where no other strength was measured."""
    if not figures.curve:
        return ""
    return markdown_table(
        ["strength", "success", "identity", "verified"],
        [
            (f"{p.strength:g}", f"{100 * p.success:.1f} %", f"{p.identity:.3f}", f"{100 * p.verified:.1f} %")
            for p in figures.curve
        ],
    )


def judge_of(report: Report | None, column: str) -> str:
    """How good the attribute judge is on the attribute, in words."""
    accuracy = report.judge.get(column) if report else None
    return f"balanced accuracy {100 * accuracy.balanced:.1f} % on that part" if accuracy else "accuracy not stated"


def training_of(model: Model) -> str:
    """What config.json says of the training, in words."""
    facts = dict(model.training)
    stages = facts.pop("stages", [])
    words = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in facts.items() if value is not None)
    script = "train/diat_a.py" if model.config.heads == RGB else "train/fields.py"
    text = f"`{script}`, crops of {model.config.size} pixels. {words[:1].upper()}{words[1:]}."
    if len(stages) < 2:
        return text
    return f"{text} In {len(stages)} stages: {'; '.join(map(stage_of, stages))}."


def stage_of(stage: Mapping[str, Any]) -> str:
    """One of the runs behind a model."""
    words = f"{stage['steps']:,} steps"
    words += f" of {stage['batch']}" if "batch" in stage else ""
    words += f" at {stage['size']} pixels" if "size" in stage else ""
    return words + (f" ({stage['what']})" if "what" in stage else "")


def shown(estimate: Estimate, is_share: bool) -> str:
    """An estimate with its interval."""
    value, low, high = estimate.value, estimate.low, estimate.high
    if is_share:
        return f"{100 * value:.1f} % ({100 * low:.1f} to {100 * high:.1f})"
    return f"{value:.3f} ({low:.3f} to {high:.3f})"
