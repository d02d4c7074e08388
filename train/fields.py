r"""Train a network with heads, which says how to change a photograph, on fields that are known.

    python train/prepare.py --dataset flwrlabs/celeba --output data/celeba192.pack --size 192
    python train/fields.py --attribute mouth_close --pack data/celeba192.pack
    python train/fields.py --attribute mouth_close --pack data/celeba192.pack --resume
    python train/fields.py --attribute eyeglasses_remove --pack data/celeba256.pack --borrowed data/glasses.safetensors
    python train/fields.py --attribute older_to_younger --dataset data/celeba_hq --split train512 train256
    python train/fields.py --attribute Smiling --dataset data/celeba_hq --split train512 train256

Fields of the whole face (younger, male to female, and any of CelebA's columns in either direction that moving, tinting
and smoothing of what is there can show) are learnt from photographs with detail: a folder of parquet files in CelebA's
schema, some with a ``mask`` column, CelebAMask-HQ's parsing as PNG.

They have a second stage, in which what the fields make of a face is judged by critics (`train/attribute_classifier.py`)
and a recogniser:

    python train/fields.py --attribute older_to_younger --stage 2 --init runs/older_to_younger/model \
        --critics runs/critic/judge.safetensors --pack data/celeba256.pack --output runs/older_to_younger2

Or the paper's T, trained by `train/diat_a.py`, teaches them its colours:

    python train/fields.py --attribute male_to_female --teacher runs/T/model --init runs/male_to_female/model \
        --pack data/celeba256.pack --output runs/male_to_female3

What is given to them without training, the gate, which says of a face whether it has the attribute already, and where
its parts are come from `train/prototypes.py`, `train/gates.py` and `train/parts.py`.

`runs/ATTRIBUTE/model` is written beside every checkpoint, and runs like a released one: `diat edit --model FOLDER`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from commandline import parse, run_command
from launch import new_accelerator
from tqdm import tqdm

from diat.attributes import attribute_spec
from diat.data.celeba import stream_records
from diat.data.fields_glasses import GlassesBatches
from diat.data.glasses import load_borrowed
from diat.data.mouth_windows import MouthBatches
from diat.data.pack import Pack, open_pack
from diat.data.skin_faces import collect
from diat.detector import InsightFaceDetector
from diat.errors import TrainingStopped
from diat.evaluation.classifier import load_classifier
from diat.hub import load_model
from diat.native.stage import SKIN
from diat.native.style import PARTLY_SHOWN, not_shown, style_of
from diat.training.critics import Critics
from diat.training.fields import FieldsConfig, FieldTask, initial_network, train_fields
from diat.training.fields_critics import RenderedTask
from diat.training.fields_glasses import GlassesTask
from diat.training.fields_mouths import MouthTask
from diat.training.fields_skin import SkinTask
from diat.training.fields_taught import TaughtTask
from diat.training.run import BOARD
from diat.training.trackers import Tracker


@dataclass(frozen=True)
class FieldsSettings:
    """What is trained, and from which data."""

    attribute: str  # what is changed: a released one, or Smiling, not-Young, most of CelebA's columns
    pack: Path | None = None  # the data of mouths, glasses and the second stage, from prepare.py
    borrowed: Path | None = None  # for eyeglasses_remove: real glasses, from cut_glasses.py
    dataset: str | None = None  # the data of whole faces: a Hub id, or a folder of CelebA's schema
    split: tuple[str, ...] = ("train",)  # its parts to learn from
    output: Path | None = None  # log, checkpoints and model go here; None: runs/ATTRIBUTE
    init: str | None = None  # a model with the same heads to start from
    stage: Literal[1, 2] = 1  # on fields that are known, or on what critics say of the result: whole faces alone
    critics: tuple[Path, ...] = ()  # for the second stage, from attribute_classifier.py; never the judge
    teacher: str | None = None  # a model of T, whose colours --init is to learn: whole faces alone
    steps: int | None = None  # None: 4000, in the second stage 300, with a teacher 1000
    batch: int | None = None  # images a step, on each process; None: 16, in the second stage 8
    learning_rate: float | None = None  # AdamW, at its highest; None: 0.002, in the second stage 0.0004
    seed: int = FieldsConfig.seed  # of weights and batches
    workers: int = 2  # processes that make batches ahead, 0 for none; the batches are the same
    resume: bool = False  # go on from the newest checkpoint of the output
    tracker: Tracker = "tensorboard"  # where figures are shown; wandb needs `pip install wandb`


def _mouth(settings: FieldsSettings) -> FieldTask:
    return MouthTask(MouthBatches(_pack(settings), settings.attribute, _config(settings).batch, settings.seed))


def _glasses(settings: FieldsSettings) -> FieldTask:
    pack = _pack(settings)
    lent = load_borrowed(settings.borrowed, pack) if settings.borrowed else None
    return GlassesTask(GlassesBatches(pack, _config(settings).batch, settings.seed, lent))


def _skin(settings: FieldsSettings) -> FieldTask:
    if settings.dataset is None:
        raise TrainingStopped(f"{settings.attribute} is learnt from photographs: give --dataset and --split.")
    records = chain.from_iterable(stream_records(settings.dataset, split) for split in settings.split)
    faces = collect(tqdm(records, desc="faces", mininterval=2), InsightFaceDetector(detection_sizes=(320, 640)))
    return SkinTask(faces, attribute_spec(settings.attribute), _config(settings).batch, settings.seed)


def _rendered(settings: FieldsSettings) -> FieldTask:
    if settings.attribute in TASKS:
        raise TrainingStopped(f"{settings.attribute} has no second stage: only attributes of whole faces have.")
    if settings.init is None or not settings.critics:
        raise TrainingStopped("The second stage needs the first one's model and critics: give --init and --critics.")
    if missing := [path for path in settings.critics if not path.is_file()]:
        raise TrainingStopped(f"There is no {missing[0]}: train a critic with train/attribute_classifier.py.")
    spec = attribute_spec(settings.attribute)
    critics = Critics([load_classifier(path) for path in settings.critics], spec)
    first = initial_network(settings.init, _config(settings))
    style = style_of(spec.name)
    return RenderedTask(_pack(settings), spec, style, first, critics, _config(settings).batch, settings.seed)


def _taught(settings: FieldsSettings) -> FieldTask:
    if settings.attribute in TASKS:
        raise TrainingStopped(f"{settings.attribute} has no paint to learn: only attributes of whole faces have.")
    if settings.init is None or settings.teacher is None:
        raise TrainingStopped("A teacher needs somebody to teach: give --init, a model of the first stage.")
    first = load_model(settings.init)
    return TaughtTask(
        _pack(settings), attribute_spec(settings.attribute), style_of(settings.attribute),
        initial_network(settings.init, _config(settings)), load_model(settings.teacher),
        first.config.strength, _config(settings).batch, settings.seed,
    )  # fmt: skip


def _pack(settings: FieldsSettings) -> Pack:
    if settings.pack is None:
        raise TrainingStopped(f"{settings.attribute} is learnt from a pack: give --pack, made by train/prepare.py.")
    return open_pack(settings.pack)


# What each attribute predicts (a name in diat.heads.HEADS) and learns from; all others are of the whole face.
TASKS: dict[str, tuple[str, Callable[[FieldsSettings], FieldTask]]] = {
    "mouth_close": ("mouth_close", _mouth),
    "mouth_open": ("mouth_open", _mouth),
    "eyeglasses_remove": ("eyeglasses", _glasses),
}
WHOLE_FACE = SKIN, _skin


# What differs in the second stage: it is short, every face is rendered, and the average of few steps must not lie far
# behind.
SECOND: dict[str, Any] = {
    "steps": 300, "batch": 8, "learning_rate": 4e-4, "warm_up": 20, "decay": 0.97, "save_every": 50,
    "frozen_norms": True,
}  # fmt: skip


# With a teacher all but the paint is there already.
TAUGHT: dict[str, Any] = {
    "steps": 1000, "learning_rate": 2e-3, "weight_decay": 1e-3, "decay": 0.99, "save_every": 100, "part": "paint",
}  # fmt: skip


def _task(settings: FieldsSettings) -> tuple[Callable[[FieldsSettings], FieldTask], dict[str, Any]]:
    """What is learnt from, and what its settings differ in."""
    if settings.stage == 2:
        return _rendered, SECOND
    if settings.teacher is not None:
        return _taught, TAUGHT
    return TASKS.get(settings.attribute, WHOLE_FACE)[1], {}


def _config(settings: FieldsSettings) -> FieldsConfig:
    heads, _ = TASKS.get(settings.attribute, WHOLE_FACE)
    config = replace(FieldsConfig(settings.attribute, heads, seed=settings.seed), **_task(settings)[1])
    given = {name: getattr(settings, name) for name in ("steps", "batch", "learning_rate")}
    return replace(config, **{name: value for name, value in given.items() if value is not None})


def check_shown(attribute: str) -> None:
    """Say what fields cannot show of an attribute.

    Raises:
        DiatError: there is no such attribute, or they cannot show it at all.
    """
    spec = attribute_spec(attribute)
    if attribute in TASKS:
        return
    if why := not_shown(attribute):
        raise TrainingStopped(f"Fields cannot show {attribute}: {why}. train/diat_a.py trains the paper's T for it.")
    if part := PARTLY_SHOWN.get(spec.direction):
        print(f"{attribute} is shown in part: {part}.", file=sys.stderr)


def main() -> None:
    settings = parse(FieldsSettings, __doc__)
    check_shown(settings.attribute)
    output = settings.output or Path("runs") / settings.attribute
    accelerator = new_accelerator(None, output / BOARD, settings.tracker)
    config, (task, _) = _config(settings), _task(settings)
    model = train_fields(config, task(settings), output, settings.resume, settings.init, settings.workers, accelerator)
    if accelerator.is_main_process:
        print(f"The model is in {model}.")


if __name__ == "__main__":
    run_command(main)
