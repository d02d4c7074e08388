"""What training T starts from: T (Eq. 8), D (Eq. 9), the reconstruction network g (Eq. 4) and the denoiser f (Eq. 5).

    python train/pretrain.py --what transform --pack data/celeba.pack --output runs/pretrained
    python train/pretrain.py --what discriminator --attribute mouth_close --output runs/pretrained
    python train/pretrain.py --what reconstruction --output runs/pretrained
    python train/pretrain.py --what denoiser --output runs/pretrained          # needs reconstruction
    python train/pretrain.py --what all --attribute mouth_close --output runs/pretrained

Each is left in OUTPUT as NAME.safetensors, which diat_a.py and diat_vgg.py find with ``--pretrained OUTPUT``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from accelerate import Accelerator
from commandline import parse, run_command
from launch import new_accelerator
from safetensors.torch import load_file
from torch import Tensor, nn

from diat.align import resized
from diat.attributes import AttributeSpec, attribute_spec
from diat.data.celeba import Rows
from diat.data.pack import Pack, open_pack
from diat.data.sets import order, usable
from diat.errors import TrainingStopped
from diat.networks import AttributeDiscriminator, DenoisingNetwork, TransformNetwork
from diat.pixels import U8, contact_sheet
from diat.tensors import to_crops, to_tensor
from diat.training import losses
from diat.training.checkpoint import checkpoints, save_weights
from diat.training.run import Run, Schedule
from diat.training.vgg_face import load_features

PARTS = ("transform", "discriminator", "reconstruction", "denoiser")

Loss = Callable[[Tensor, Tensor], Tensor]  # images and their rows of the pack -> scalar


@dataclass(frozen=True)
class PretrainSettings:
    """What is pre-trained, and how."""

    what: Literal["transform", "discriminator", "reconstruction", "denoiser", "all"] = "all"  # one network, or each
    attribute: str | None = None  # of the discriminator, which learns one attribute
    pack: Path = Path("data/celeba.pack")  # the data, from train/prepare.py
    output: Path = Path("runs/pretrained")  # NAME.safetensors go here, and NAME/ with log, samples and checkpoints
    size: int = 128  # side of the images in pixels
    subset: Literal["frontal", "clusters"] = "clusters"  # which faces train: section 5.1's, or all frontal ones
    batch: int = 16  # images a step, on each process
    steps: int = 10_000  # of each network
    learning_rate: float = 1e-4  # Adam
    features: str = "imagenet-vgg16"  # phi of Eq. (4): this stand-in, a file of VGG-Face, or a Hub repository
    seed: int = 0  # of weights and order
    mixed_precision: Literal["no", "bf16"] | None = None  # as accelerate's own option, which None follows
    log_every: int = 25  # steps between two lines of stats.jsonl
    save_every: int = 1000  # steps between two checkpoints and sample sheets
    resume: bool = False  # go on from the newest checkpoint of each network; finished ones are left as they are


@dataclass(frozen=True, eq=False)
class PretrainTask:
    """One network to pre-train: what it learns and what a sample sheet shows of it."""

    network: nn.Module
    loss: Loss
    show: Callable[[Tensor], Tensor] | None = None


def main() -> None:
    args = parse(PretrainSettings, __doc__)
    accelerator = new_accelerator(args.mixed_precision)
    pack = open_pack(args.pack)
    names = PARTS if args.what == "all" else (args.what,)
    begun = [name for name in names if checkpoints(args.output / label_of(name, args) / "checkpoints")]
    if args.resume and not begun:
        raise TrainingStopped(f"No checkpoint in {args.output}: start without --resume, or give a run's --output.")
    for name in names:
        torch.manual_seed(args.seed)
        # Of several networks, those that a stopped run had not come to start now.
        pretrain(name, make_task(name, args, pack, accelerator), pack, args, accelerator, args.resume and name in begun)


def label_of(name: str, args: PretrainSettings) -> str:
    """The discriminator is one attribute's; the other networks serve all."""
    return f"discriminator-{args.attribute}" if name == "discriminator" else name


def make_task(name: str, args: PretrainSettings, pack: Pack, accelerator: Accelerator) -> PretrainTask:
    device = accelerator.device
    if name == "transform":
        t = TransformNetwork().to(device)
        return PretrainTask(t, lambda x, _: losses.reconstruction_loss(x, t(x)), t)
    if name == "discriminator":
        spec = required_spec(args)
        d = AttributeDiscriminator(args.size).to(device)
        labels = torch.from_numpy((pack.column(spec.column) == spec.wanted).astype(np.float32)).to(device)
        return PretrainTask(d, lambda x, rows: losses.discriminator_pretraining_loss(d(x)[0], labels[rows]))
    if name == "reconstruction":
        g, phi = TransformNetwork().to(device), load_features(args.features).to(device)
        return PretrainTask(g, lambda x, _: losses.identity_loss(phi(g(x)), phi(x)), g)
    path = args.output / "reconstruction.safetensors"
    if not path.is_file():
        raise TrainingStopped(f"The denoiser learns from g, and there is no {path}: run --what reconstruction first.")
    g, f = TransformNetwork(), DenoisingNetwork().to(device)
    g.load_state_dict(load_file(path))
    g.to(device).eval().requires_grad_(False)
    return PretrainTask(f, lambda x, _: losses.denoiser_loss(f(g(x)), f(x), x), lambda x: f(g(x)))


def pretrain(
    name: str, task: PretrainTask, pack: Pack, args: PretrainSettings, accelerator: Accelerator, resume: bool
) -> None:
    label = label_of(name, args)
    network = task.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.Adam(network.parameters(), args.learning_rate, (0.9, 0.999), fused=True)
    rows = np.flatnonzero(usable(pack, args.subset) & (pack.split == 0))
    groups = balanced(rows, pack, args) if name == "discriminator" else [rows]
    settings = {
        name: getattr(args, name) for name in ("size", "subset", "batch", "steps", "learning_rate", "features", "seed")
    }
    identity = {"part": label, "settings": settings, "data": pack.digest}
    schedule = Schedule(args.log_every, args.save_every, args.save_every, resume)
    training = Run(
        args.output / label, args.steps, identity, {"network": network}, {"network": optimizer}, schedule, accelerator,
        label, args.seed,
    )  # fmt: skip

    def save(_: int) -> None:
        save_weights(network, args.output / f"{label}.safetensors")

    show = None if task.show is None else lambda: sheet(task, pack, args, accelerator)
    with training:
        for step in training.steps(show, save, "input | output"):
            chosen = sample_rows(groups, args, step, accelerator)
            images = load(pack, chosen, args.size).to(accelerator.device)
            with accelerator.autocast():
                loss = task.loss(images, torch.from_numpy(chosen).to(accelerator.device))
            training.update(loss, network, optimizer, about={"rows": chosen.tolist()})
            training.record({"loss": loss})
            training.end_step(step, args.batch)


def balanced(rows: Rows, pack: Pack, args: PretrainSettings) -> list[Rows]:
    """Both classes in equal number, or D would learn which is more frequent."""
    spec = required_spec(args)
    wanted = pack.column(spec.column)[rows] == spec.wanted
    groups = [rows[wanted], rows[~wanted]]
    if min(map(len, groups)) < args.batch:
        raise TrainingStopped(
            f"{spec.column} has {len(groups[0])} images with {spec.wanted} and {len(groups[1])} without, "
            f"fewer than a batch of {args.batch}: use more data or a smaller batch."
        )
    return groups


def sample_rows(groups: list[Rows], args: PretrainSettings, step: int, accelerator: Accelerator) -> Rows:
    rank, world, share = accelerator.process_index, accelerator.num_processes, args.batch // len(groups)
    return np.concatenate([g[order(len(g), share, args.seed + i, step, rank, world)] for i, g in enumerate(groups)])


def load(pack: Pack, rows: Rows, size: int) -> Tensor:
    return to_tensor(np.stack([resized(pack.crops[row], size) for row in rows]))


@torch.no_grad()
def sheet(task: PretrainTask, pack: Pack, args: PretrainSettings, accelerator: Accelerator) -> U8:
    images = load(pack, pack.rows("valid")[:16], args.size).to(accelerator.device)
    task.network.eval()
    shown = to_crops(task.show(images)) if task.show else to_crops(images)
    task.network.train()
    return contact_sheet(zip(to_crops(images), shown, strict=True))


def required_spec(args: PretrainSettings) -> AttributeSpec:
    if args.attribute is None:
        raise TrainingStopped("D is pre-trained for one attribute: name it with --attribute.")
    return attribute_spec(args.attribute)


if __name__ == "__main__":
    run_command(main)
