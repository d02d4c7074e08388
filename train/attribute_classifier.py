"""The judge: a 40-attribute classifier of faces that no training of T ever uses.

    python train/attribute_classifier.py
    python train/attribute_classifier.py --pack data/celeba.pack --output runs/judge

The data is packed first if there is no pack yet. Trains on the train part and prints accuracy and balanced accuracy of
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
from torch import Tensor
from torch.nn import functional as F

from diat.attributes import COLUMNS
from diat.data.celeba import DEFAULT_DATASET
from diat.data.pack import Pack, open_pack
from diat.data.packing import prepare
from diat.data.sets import order
from diat.evaluation.classifier import AttributeClassifier, predict
from diat.pixels import F32
from diat.tensors import to_tensor
from diat.training.average import MovingAverage
from diat.training.checkpoint import save_weights
from diat.training.run import Run, Schedule


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
    mixed_precision: Literal["no", "bf16"] | None = None  # as accelerate's own option, which None follows
    save_every: int = 500  # steps between two checkpoints
    resume: bool = False  # go on from the newest checkpoint of the output


def augmented(images: Tensor, rng: torch.Generator) -> Tensor:
    """Mirror, shift, brightness, contrast, saturation and one erased square, per image."""
    n, _, size, _ = images.shape

    def uniform(low: float, high: float) -> Tensor:
        return torch.rand(n, 1, 1, 1, generator=rng) * (high - low) + low

    angle, scale = uniform(-0.12, 0.12).flatten(), uniform(0.92, 1.08).flatten()
    mirror = torch.where(torch.rand(n, generator=rng) < 0.5, -1.0, 1.0)
    shift = (torch.rand(n, 2, generator=rng) - 0.5) * 0.12
    theta = torch.stack(
        [
            torch.stack([mirror * scale * angle.cos(), -scale * angle.sin(), shift[:, 0]], 1),
            torch.stack([mirror * scale * angle.sin(), scale * angle.cos(), shift[:, 1]], 1),
        ],
        1,
    )
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    images = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
    grey = images.mean(1, keepdim=True)
    images = grey + (images - grey) * uniform(0.7, 1.3)
    images = images * uniform(0.75, 1.25) + uniform(-0.2, 0.2)
    side = size // 5
    for image, (top, left) in zip(images, torch.randint(0, size - side, (n, 2), generator=rng).tolist(), strict=True):
        image[:, top : top + side, left : left + side] = 0
    return images.clamp(-1, 1)


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
    classifier = AttributeClassifier().to(accelerator.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = MovingAverage(classifier, 0.998)
    optimizer = torch.optim.AdamW(classifier.parameters(), args.learning_rate, weight_decay=0.05, fused=True)
    rows = pack.rows("train")
    steps = args.epochs * len(rows) // (args.batch * accelerator.num_processes)
    labels = torch.from_numpy(pack.attributes.astype(np.float32))
    settings = {name: getattr(args, name) for name in ("epochs", "batch", "learning_rate", "seed")}
    training = Run(
        args.output, steps, {"settings": settings, "data": pack.digest},
        {"classifier": classifier, "average": average.network}, {"classifier": optimizer},
        Schedule(save_every=args.save_every, resume=args.resume), accelerator, "judge", args.seed,
    )  # fmt: skip
    rank, world = accelerator.process_index, accelerator.num_processes
    with training:
        for step in training.steps():
            for group in optimizer.param_groups:
                group["lr"] = args.learning_rate * one_cycle(step, steps)
            chosen = rows[order(len(rows), args.batch, args.seed, step, rank, world)]
            rng = torch.Generator().manual_seed((args.seed * 1_000_003 + step) * world + rank)
            images = augmented(to_tensor(np.stack([pack.crops[row] for row in chosen])), rng)
            images = images.to(accelerator.device, memory_format=torch.channels_last)
            truth = labels[chosen].to(accelerator.device)
            with accelerator.autocast():
                logits = classifier(images).float()
            loss = F.binary_cross_entropy_with_logits(logits, truth * 0.96 + 0.02)
            training.update(loss, classifier, optimizer, about={"rows": chosen.tolist()})
            average.update(classifier, step)
            training.record({"loss": loss})
            training.end_step(step, args.batch)
    return average.network  # type: ignore[return-value]


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
