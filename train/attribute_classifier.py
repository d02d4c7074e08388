"""The judge: a 40-attribute classifier of faces that no training of T ever uses.

    python train/attribute_classifier.py
    python train/attribute_classifier.py --pack data/celeba.pack --output runs/judge
    python train/attribute_classifier.py --output runs/critic --widths 24 48 96 160 --balance Male Young --hide 0.5

The last line makes a critic for the second stage of `train/fields.py`, which must not be the judge: narrower, with the
kinds of its columns drawn equally often, and hair hidden half of the time.

Trains on the train part and prints accuracy and balanced accuracy of
every attribute on the validation part.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from accelerate import Accelerator
from commandline import parse, run_command
from launch import new_accelerator
from numpy.typing import NDArray
from torch.nn import functional as F

from diat.attributes import COLUMNS
from diat.data.celeba import DEFAULT_DATASET, Rows
from diat.data.pack import Pack, open_pack
from diat.data.packing import prepare
from diat.data.sets import order
from diat.errors import TrainingStopped
from diat.evaluation.classifier import WIDTHS, AttributeClassifier, predict
from diat.pixels import F32
from diat.tensors import to_tensor
from diat.training.average import MovingAverage
from diat.training.checkpoint import save_weights
from diat.training.critics import ZOOM, augmented
from diat.training.run import Run, Schedule

# What a run that is resumed must agree in.
SETTINGS = ("epochs", "batch", "learning_rate", "seed", "widths", "balance", "hide")
BALANCED_WEIGHT = 10.0  # of the losses of columns that are balanced
CRITIC_ZOOM = (0.55, 1.0)  # a critic sees faces larger, too


@dataclass(frozen=True)
class JudgeSettings:
    """How the judge is trained."""

    pack: Path = Path("data/celeba.pack")  # the data, from train/prepare.py
    dataset: str = DEFAULT_DATASET  # Hub id, or a folder of its parquet files; packed if --pack does not exist yet
    output: Path = Path("runs/judge")  # judge.safetensors and judge.json, log and checkpoints go here
    epochs: int = 16  # passes over the train part
    batch: int = 64  # images a step, on each process
    learning_rate: float = 2e-3  # AdamW, at its highest
    seed: int = 0  # of weights, order and augmentation
    widths: tuple[int, ...] = WIDTHS  # channels after the stem and each halving
    balance: tuple[str, ...] = ()  # columns whose kinds are drawn equally often, and whose losses count ten times
    hide: float = 0.0  # share of the pictures that show the face alone, larger
    mixed_precision: Literal["no", "bf16"] | None = None  # as accelerate's own option, which None follows
    save_every: int = 500  # steps between two checkpoints
    resume: bool = False  # go on from the newest checkpoint of the output


def scores(probabilities: F32, labels: NDArray[np.bool_]) -> dict[str, dict[str, float]]:
    """Accuracy and balanced accuracy of every attribute."""
    said = probabilities > 0.5
    result = {}
    for index, name in enumerate(COLUMNS):
        truth = labels[:, index]
        hit = said[:, index] == truth
        result[name] = {"accuracy": float(hit.mean()), "balanced": float((hit[truth].mean() + hit[~truth].mean()) / 2)}
    return result


def train(pack: Pack, args: JudgeSettings, accelerator: Accelerator) -> AttributeClassifier:
    torch.manual_seed(args.seed)
    classifier = AttributeClassifier(args.widths).to(accelerator.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = MovingAverage(classifier, 0.998)
    optimizer = torch.optim.AdamW(classifier.parameters(), args.learning_rate, weight_decay=0.05, fused=True)
    rows = pack.rows("train")
    steps = args.epochs * len(rows) // (args.batch * accelerator.num_processes)
    labels = torch.from_numpy(pack.attributes.astype(np.float32))
    settings = {name: getattr(args, name) for name in SETTINGS}
    training = Run(
        args.output, steps, {"settings": settings, "data": pack.digest},
        {"classifier": classifier, "average": average.network}, {"classifier": optimizer},
        Schedule(save_every=args.save_every, resume=args.resume), accelerator, "judge", args.seed,
    )  # fmt: skip
    weights = torch.ones(len(COLUMNS), device=accelerator.device)
    weights[[COLUMNS.index(name) for name in args.balance]] = BALANCED_WEIGHT
    kinds = kinds_of(pack, rows, args.balance)
    rank, world = accelerator.process_index, accelerator.num_processes
    with training:
        for step in training.steps():
            for group in optimizer.param_groups:
                group["lr"] = args.learning_rate * one_cycle(step, steps)
            seed = (args.seed * 1_000_003 + step) * world + rank
            chosen = (
                balanced(kinds, args.batch, seed)
                if args.balance
                else rows[order(len(rows), args.batch, args.seed, step, rank, world)]
            )
            rng = torch.Generator().manual_seed(seed)
            images = to_tensor(np.stack([pack.crops[row] for row in chosen]))
            images = augmented(images, rng, CRITIC_ZOOM if args.hide else ZOOM, args.hide)
            images = images.to(accelerator.device, memory_format=torch.channels_last)
            truth = labels[chosen].to(accelerator.device)
            with accelerator.autocast():
                logits = classifier(images).float()
            loss = F.binary_cross_entropy_with_logits(logits, truth * 0.96 + 0.02, weights)
            training.update(loss, classifier, optimizer, about={"rows": chosen.tolist()})
            average.update(classifier, step)
            training.record({"loss": loss})
            training.end_step(step, args.batch)
    return average.network  # type: ignore[return-value]


def kinds_of(pack: Pack, rows: Rows, columns: tuple[str, ...]) -> list[Rows]:
    """The rows of every combination of the columns' values that there is.

    Raises:
        TrainingStopped: there is no such column.
    """
    if unknown := [name for name in columns if name not in COLUMNS]:
        raise TrainingStopped(f"{unknown[0]} is none of CelebA's columns: give --balance names such as Male, Young.")
    values = pack.attributes[rows][:, [COLUMNS.index(name) for name in columns]]
    _, kind = np.unique(values, axis=0, return_inverse=True)
    return [rows[kind.ravel() == number] for number in range(int(kind.max()) + 1)]


def balanced(kinds: list[Rows], count: int, seed: int) -> Rows:
    """Rows of which every kind has as many as another, drawn with replacement."""
    rng = np.random.default_rng(seed)
    return np.array([rng.choice(kinds[number % len(kinds)]) for number in range(count)], np.int64)


def one_cycle(step: int, steps: int) -> float:
    """The learning rate's factor: a cosine up over the first tenth of the steps and down over the rest."""
    peak = 0.1 * steps
    place = step / peak if step < peak else 1 - (step - peak) / max(steps - peak, 1)
    return 0.04 + 0.96 * (1 - math.cos(math.pi * place)) / 2 if step < peak else (1 - math.cos(math.pi * place)) / 2


def main() -> None:
    settings = parse(JudgeSettings, __doc__)
    accelerator = new_accelerator(settings.mixed_precision)
    if not settings.pack.exists():
        prepare(settings.dataset, settings.pack)
    pack = open_pack(settings.pack)
    classifier = train(pack, settings, accelerator).cpu().float().eval()
    if not accelerator.is_main_process:
        return
    save_weights(classifier, settings.output / "judge.safetensors")
    valid = pack.rows("valid")
    result = scores(predict(classifier, pack.crops[valid]), pack.attributes[valid])
    (settings.output / "judge.json").write_text(json.dumps(result, indent=1))
    for name, score in result.items():
        print(f"{name:22} accuracy {score['accuracy']:.3f}  balanced {score['balanced']:.3f}")
    print(f"mean accuracy {np.mean([s['accuracy'] for s in result.values()]):.4f} on {len(valid)} images")


if __name__ == "__main__":
    run_command(main)
