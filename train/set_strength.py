"""Make a model's change at strength 1 stronger or weaker, as the curve of evaluate.py suggests.

    python train/set_strength.py runs/mouth_open/model 2.0

The factor is of T's own change; it goes into config.json and the manifest, and the weights stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import tyro
from commandline import parse, run_command

from diat.errors import DiatError
from diat.hub import load_model
from diat.models import write_model

MAX_FACTOR = 4.0  # what diat.models takes


@dataclass(frozen=True)
class StrengthSettings:
    """Which model, and its strength."""

    model: tyro.conf.Positional[Path]  # a model's folder
    strength: tyro.conf.Positional[float]  # factor of T's change that users get at strength 1, up to 4


def main() -> None:
    settings = parse(StrengthSettings, __doc__)
    if not 0 < settings.strength <= MAX_FACTOR:
        raise DiatError(f"The strength must be above 0 and at most {MAX_FACTOR:g}, not {settings.strength:g}.")
    if not settings.model.is_dir():
        raise DiatError(f"There is no folder {settings.model}: give a model's.")
    model = load_model(settings.model)  # a damaged model must not get a manifest that says it is whole
    try:
        write_model(settings.model, replace(model.config, strength=settings.strength), model.weights, model.training)
    except OSError as error:
        raise DiatError(f"{settings.model} cannot be written ({error.strerror}): it is as it was.") from error
    print(f"{model.config.attribute} at strength 1 is now {settings.strength:g} times T's change.")


if __name__ == "__main__":
    run_command(main)
