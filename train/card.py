"""Model cards: hub_cards/template.md filled in from an attribute's YAML, its configuration and its figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from huggingface_hub import EvalResult, ModelCard, ModelCardData

from diat.data.celeba import DEFAULT_DATASET
from diat.errors import DiatError
from diat.models import Model

CARDS = Path(__file__).parents[1] / "hub_cards"

# A figure of evaluate.py: its name on the card, and whether it is a share.
FIGURES = {
    "success": ("Success", True),
    "success_untouched": ("Success, untouched photographs", True),
    "success_real": ("Success, real photographs with the attribute", True),
    "second": ("Success, second opinion", True),
    "drift": ("Other attributes flipped", True),
    "identity": ("Identity", False),
    "verified": ("Verified", True),
    "untouched_psnr": ("Outside the region, dB", False),
    "untouched_ssim": ("Outside the region, SSIM", False),
    "idempotence_psnr": ("Already so, dB", False),
    "idempotence_ssim": ("Already so, SSIM", False),
}


def model_card(
    model: Model, repository: str, samples: list[dict[str, str]], report: dict[str, Any] | None
) -> ModelCard:
    """The card of a model.

    Args:
        model: the loaded model.
        repository: the Hub repository that will hold it.
        samples: files of the repository with their alternative text, ``{"file": ..., "alt": ...}``.
        report: what evaluate.py wrote, or None.
    """
    attribute = model.config.attribute
    text = card_text(attribute)
    figures = figures_of(report, attribute)
    data = ModelCardData(
        license="other",
        license_name="non-commercial-research",
        library_name="diat",
        pipeline_tag="image-to-image",
        datasets=[DEFAULT_DATASET],
        tags=["face", "facial-attributes", "image-editing", attribute.replace("_", "-")],
        model_name=f"DIAT {text['title']}",
        eval_results=eval_results(figures) or None,
    )
    card: ModelCard = ModelCard.from_template(
        data,
        template_path=str(CARDS / "template.md"),
        title=text["title"],
        summary=text["summary"],
        fails_on=text["fails_on"],
        samples=samples,
        repository=repository,
        table=table_of(figures),
        groups=groups_of(figures),
        curve=curve_of(figures),
        photographs=figures.get("count"),
        judge=judge_of(report, figures),
        training=training_of(model),
    )
    return card


def card_text(attribute: str) -> dict[str, Any]:
    """What people wrote about an attribute's model, hub_cards/ATTRIBUTE.yaml.

    Raises:
        DiatError: there is no such file.
    """
    path = CARDS / f"{attribute}.yaml"
    if not path.is_file():
        raise DiatError(f"There is no {path}: write one, with a title, a summary, fails_on and samples.")
    text: dict[str, Any] = yaml.safe_load(path.read_text())
    return text


def read_report(path: Path) -> dict[str, Any]:
    """What evaluate.py wrote.

    Raises:
        DiatError: the file is missing or no such report.
    """
    try:
        report: dict[str, Any] = json.loads(path.read_text())
        report["models"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DiatError(f"{path} is no report of train/evaluate.py ({error}): make one, or leave it out.") from error
    return report


def figures_of(report: dict[str, Any] | None, attribute: str) -> dict[str, Any]:
    """The attribute's figures, empty where it was not measured."""
    models = report["models"] if report else []
    return next((figures for figures in models if figures["attribute"] == attribute), {})


def eval_results(figures: dict[str, Any]) -> list[EvalResult]:
    """The figures as the Hub's model-index."""
    return [
        EvalResult(
            task_type="image-to-image",
            task_name="Transfer of a facial attribute",
            dataset_type=DEFAULT_DATASET,
            dataset_name="CelebA, validation part",
            dataset_split="valid",
            metric_type=name,
            metric_name=title,
            metric_value=round(figures[name]["value"], 4),
        )
        for name, (title, _) in FIGURES.items()
        if name in figures
    ]


def table_of(figures: dict[str, Any]) -> str:
    """The figures as Markdown, a row each."""
    rows = [
        f"| {title} | {shown(figures[name], share)} |" for name, (title, share) in FIGURES.items() if name in figures
    ]
    return "\n".join(["| figure | value |", "|---|---|", *rows]) if rows else ""


def groups_of(figures: dict[str, Any]) -> str:
    """Success and identity of each group as Markdown."""
    groups = {name: (group["success"], group["identity"]) for name, group in figures.get("groups", {}).items()}
    rows = [
        f"| {name} | {success['count']} | {shown(success, True)} | {shown(identity, False)} |"
        for name, (success, identity) in groups.items()
    ]
    return "\n".join(["| group | count | success | identity |", "|---|---|---|---|", *rows])


def curve_of(figures: dict[str, Any]) -> str:
    """Success against identity over the strength as Markdown."""
    rows = [
        f"| {strength} | {100 * point['success']:.1f} % | {point['identity']:.3f} | {100 * point['verified']:.1f} % |"
        for strength, point in figures.get("curve", {}).items()
    ]
    return "\n".join(["| strength | success | identity | verified |", "|---|---|---|---|", *rows]) if rows else ""


def judge_of(report: dict[str, Any] | None, figures: dict[str, Any]) -> str:
    """How good the attribute judge is on the attribute, in words."""
    judged = (report or {}).get("judge", {}).get(figures.get("column", ""), {})
    return f"balanced accuracy {100 * judged['balanced']:.1f} % on that part" if judged else "accuracy not stated"


def training_of(model: Model) -> str:
    """What config.json says of the training, in words."""
    facts = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in model.training.items())
    return f"`train/diat_a.py`, crops of {model.config.size} pixels. {facts[:1].upper()}{facts[1:]}."


def shown(estimate: dict[str, float], share: bool) -> str:
    """An estimate with its interval."""
    value, low, high = (estimate[name] for name in ("value", "low", "high"))
    if share:
        return f"{100 * value:.1f} % ({100 * low:.1f} to {100 * high:.1f})"
    return f"{value:.3f} ({low:.3f} to {high:.3f})"
