"""How long a training takes to a success, from its log and the models that it kept (section 5.5: a third of DIAT's)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from diat.errors import DiatError
from diat.evaluation.metrics import Estimate
from diat.training.adversarial import KEPT_MODELS
from diat.training.run import IDENTITY, LOG


@dataclass(frozen=True)
class Look:
    """A training at one of its steps."""

    step: int
    seconds: float  # of training until then, as its log says
    success: Estimate


def kept_models(run: Path) -> dict[int, Path]:
    """The models that a run kept on its way, by step.

    Raises:
        DiatError: it kept none.
    """
    folders = {int(path.name): path for path in sorted((run / KEPT_MODELS).glob("[0-9]*"))}
    if not folders:
        raise DiatError(f"{run} kept no models on its way: train it with --keep-models.")
    return folders


def seconds_at(run: Path, step: int) -> float:
    """Seconds that a run took to a step, from the rates in its log; pauses between calls do not count.

    Raises:
        DiatError: it has no log that goes so far.
    """
    try:
        config = json.loads((run / IDENTITY).read_text())
        lines = [json.loads(line) for line in (run / LOG).read_text().splitlines()]
    except (OSError, ValueError) as error:
        raise DiatError(f"{run} holds no run of training ({error}): name the folder of one.") from error
    images = config["config"]["batch"] * config["config"]["accumulate"] * config["processes"]
    seconds, before = 0.0, 0
    for line in lines:
        there = min(line["step"], step)  # a model may be kept between two lines
        seconds, before = seconds + images * (there - before) / line["images_per_second"], there
    if before < step:
        raise DiatError(f"The log of {run} ends at step {before}, before {step}: train it further.")
    return seconds


def first_success(looks: Sequence[Look], target: float) -> Look | None:
    """The first look from which on the success stays at the target or above; None where it never does."""
    reached = None
    for look in looks:
        reached = (reached or look) if look.success.value >= target else None
    return reached
