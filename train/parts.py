r"""Teach models of whole faces where skin, hair and neck are: the same layers for all, see diat/training/parts.py.

    python train/parts.py --dataset data/celeba_hq --split train512 \
        --models diat/weights/male_to_female diat/weights/older_to_younger

Learnt from are photographs with a ``mask`` column, CelebAMask-HQ's parsing as PNG. Nothing else that the models say
changes. Each folder is written anew at the end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np
from commandline import parse, run_command
from launch import new_accelerator
from tqdm import tqdm

from diat.data.celeba import stream_records
from diat.detector import InsightFaceDetector
from diat.errors import TrainingStopped
from diat.heads import HEADS, RGB
from diat.hub import load_model
from diat.models import Model, write_model
from diat.training.parts import ParsedFaces, PartsConfig, overlap, train_parts, weights_of

HELD_OUT = 0.1  # share of the faces that are not learnt from, and tell how well parts are found


@dataclass(frozen=True)
class PartsSettings:
    """Which models, and from which data."""

    models: tuple[Path, ...]  # their folders
    dataset: str  # a Hub id, or a folder of CelebA's schema with a mask column
    split: tuple[str, ...] = ("train",)  # its parts to learn from
    output: Path = Path("runs/parts")  # log and checkpoints go here
    steps: int = PartsConfig.steps
    batch: int = PartsConfig.batch  # images a step, on each process
    learning_rate: float = PartsConfig.learning_rate  # AdamW, at its highest
    seed: int = PartsConfig.seed  # of weights and batches
    resume: bool = False  # go on from the newest checkpoint of the output


def with_parts(folder: Path) -> Model:
    """The model of a folder.

    Raises:
        DiatError: it is none, or does not tell the parts of a face.
    """
    model = load_model(folder)
    if model.config.heads == RGB or not HEADS[model.config.heads].own_parts:
        raise TrainingStopped(f"{folder} does not tell the parts of a face: only models of whole faces do.")
    return model


def split_faces(faces: ParsedFaces) -> tuple[ParsedFaces, ParsedFaces]:
    """Those to learn from, and the last, that are held out."""
    last = len(faces.crops) - int(np.ceil(HELD_OUT * len(faces.crops)))

    def part(rows: slice) -> ParsedFaces:
        return replace(faces, crops=faces.crops[rows], parts=faces.parts[rows], grey_haired=faces.grey_haired[rows])

    return part(slice(last)), part(slice(last, None))


def main() -> None:
    settings = parse(PartsSettings, __doc__)
    models = {folder: with_parts(folder) for folder in settings.models}
    config = PartsConfig(settings.steps, settings.batch, settings.learning_rate, settings.seed)
    accelerator = new_accelerator(None)
    records = chain.from_iterable(stream_records(settings.dataset, split) for split in settings.split)
    detector = InsightFaceDetector(detection_sizes=(320, 640))
    learnt, held_out = split_faces(ParsedFaces.collect(tqdm(records, desc="faces", mininterval=2), detector))
    layers = train_parts(learnt, config, settings.output, settings.resume, accelerator)
    if not accelerator.is_main_process:
        return
    found = ", ".join(f"{part} {overlap(layers.cpu().eval(), held_out, part):.3f}" for part in ("skin", "hair", "neck"))
    print(f"Overlap on {len(held_out.crops)} faces that were held out: {found}.")
    for folder, model in models.items():
        write_model(folder, model.config, {**model.weights, **weights_of(layers)}, model.training)
        print(f"{folder} has its parts.")


if __name__ == "__main__":
    run_command(main)
