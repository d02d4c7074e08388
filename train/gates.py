r"""Teach models of whole faces who has the attribute already: one gate for all, see diat/training/gates.py.

    python train/gates.py --pack data/celeba128.pack --models diat/weights/male_to_female diat/weights/older_to_younger

Nothing else that the models say changes. Each folder is written anew at the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from commandline import parse, run_command
from launch import new_accelerator

from diat.attributes import attribute_spec
from diat.data.pack import open_pack
from diat.errors import TrainingStopped
from diat.heads import HEADS, RGB
from diat.hub import load_model
from diat.models import Model, write_model
from diat.training.gates import GatesConfig, train_gates


@dataclass(frozen=True)
class GatesSettings:
    """Which models, and from which data."""

    models: tuple[Path, ...]  # their folders
    pack: Path = Path("data/celeba128.pack")  # the data, from prepare.py
    output: Path = Path("runs/gates")  # log and checkpoints go here
    steps: int = GatesConfig.steps
    batch: int = GatesConfig.batch  # images a step, on each process
    learning_rate: float = GatesConfig.learning_rate  # AdamW, at its highest
    seed: int = GatesConfig.seed  # of weights and batches
    resume: bool = False  # go on from the newest checkpoint of the output


def gated(folder: Path) -> Model:
    """The model of a folder.

    Raises:
        DiatError: it is none, or has no gate of its own.
    """
    model = load_model(folder)
    if model.config.heads == RGB or not HEADS[model.config.heads].own_gate:
        raise TrainingStopped(f"{folder} has no gate of its own: only models of whole faces have.")
    return model


def main() -> None:
    settings = parse(GatesSettings, __doc__)
    models = {folder: gated(folder) for folder in settings.models}
    specs = {folder: attribute_spec(model.config.attribute) for folder, model in models.items()}
    config = GatesConfig(settings.steps, settings.batch, settings.learning_rate, settings.seed)
    accelerator = new_accelerator(None)
    asked = sorted({spec.column for spec in specs.values()})
    encoder = train_gates(open_pack(settings.pack), asked, config, settings.output, settings.resume, accelerator)
    if not accelerator.is_main_process:
        return
    for folder, model in models.items():
        write_model(folder, model.config, {**model.weights, **encoder.weights_of(specs[folder])}, model.training)
        print(f"{folder} has its gate.")


if __name__ == "__main__":
    run_command(main)
