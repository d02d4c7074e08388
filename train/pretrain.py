"""What training T starts from: T (Eq. 8), D (Eq. 9), the reconstruction network g (Eq. 4) and the denoiser f (Eq. 5).

    accelerate launch train/pretrain.py --what transform --pack data/celeba.pack --output runs/pretrained
    accelerate launch train/pretrain.py --what discriminator --attribute mouth_close --output runs/pretrained
    accelerate launch train/pretrain.py --what reconstruction --output runs/pretrained
    accelerate launch train/pretrain.py --what denoiser --output runs/pretrained          # needs reconstruction
    accelerate launch train/pretrain.py --what all --attribute mouth_close --output runs/pretrained

Each is left in OUTPUT as NAME.safetensors, which diat_a.py and diat_vgg.py find with ``--pretrained OUTPUT``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from safetensors.torch import load_file
from torch import Tensor, nn

from diat.align import resized
from diat.attributes import AttributeSpec, attribute_spec
from diat.data.pack import Pack, open_pack
from diat.data.sets import order, usable
from diat.errors import DiatError, TrainingStopped
from diat.networks import AttributeDiscriminator, DenoisingNetwork, TransformNetwork
from diat.pixels import contact_sheet
from diat.tensors import to_crops, to_tensor
from diat.training import losses
from diat.training.checkpoint import save_weights
from diat.training.run import Run, Schedule
from diat.training.vgg_face import load_features

PARTS = ("transform", "discriminator", "reconstruction", "denoiser")

Loss = Callable[[Tensor, Tensor], Tensor]  # images and their rows of the pack -> scalar


@dataclass(frozen=True, eq=False)
class Part:
    """One network to pre-train: what it learns and what a sample sheet shows of it."""

    network: nn.Module
    loss: Loss
    show: Callable[[Tensor], Tensor] | None = None


def main() -> None:
    args = parse_args()
    accelerator = Accelerator(mixed_precision=args.mixed_precision)
    pack = open_pack(args.pack)
    for name in PARTS if args.what == "all" else (args.what,):
        torch.manual_seed(args.seed)
        pretrain(name, make_part(name, args, pack, accelerator), pack, args, accelerator)


def make_part(name: str, args: argparse.Namespace, pack: Pack, accelerator: Accelerator) -> Part:
    device = accelerator.device
    if name == "transform":
        t = TransformNetwork().to(device)
        return Part(t, lambda x, _: losses.reconstruction_loss(x, t(x)), t)
    if name == "discriminator":
        spec = required_spec(args)
        d = AttributeDiscriminator(args.size).to(device)
        labels = torch.from_numpy((pack.column(spec.column) == spec.wanted).astype(np.float32)).to(device)
        return Part(d, lambda x, rows: losses.discriminator_pretraining_loss(d(x)[0], labels[rows]))
    if name == "reconstruction":
        g, phi = TransformNetwork().to(device), load_features(args.features).to(device)
        return Part(g, lambda x, _: losses.identity_loss(phi(g(x)), phi(x)), g)
    path = args.output / "reconstruction.safetensors"
    if not path.is_file():
        raise TrainingStopped(f"The denoiser learns from g, and there is no {path}: run --what reconstruction first.")
    g, f = TransformNetwork(), DenoisingNetwork().to(device)
    g.load_state_dict(load_file(path))
    g.to(device).eval().requires_grad_(False)
    return Part(f, lambda x, _: losses.denoiser_loss(f(g(x)), f(x), x), lambda x: f(g(x)))


def pretrain(name: str, part: Part, pack: Pack, args: argparse.Namespace, accelerator: Accelerator) -> None:
    # The discriminator is one attribute's; the others serve all.
    label = f"discriminator-{args.attribute}" if name == "discriminator" else name
    network = part.network.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters(), args.learning_rate, (0.9, 0.999), fused=True)
    rows = np.flatnonzero(usable(pack, "clusters") & (pack.split == 0))
    groups = balanced(rows, pack, args) if name == "discriminator" else [rows]
    settings = {name: getattr(args, name) for name in ("size", "batch", "steps", "learning_rate", "features", "seed")}
    identity = {"part": label, "settings": settings, "data": pack.digest}
    schedule = Schedule(args.log_every, args.save_every, args.save_every, args.resume)
    run = Run(
        args.output / label, args.steps, identity, {"network": network}, {"network": optimizer}, schedule, accelerator,
        label, args.seed,
    )  # fmt: skip
    with run:
        for step in run.steps():
            chosen = draw(groups, args, step, accelerator)
            images = load(pack, chosen, args.size).to(accelerator.device)
            with accelerator.autocast():
                loss = part.loss(images, torch.from_numpy(chosen).to(accelerator.device))
            run.update(loss, network, optimizer, about={"rows": chosen.tolist()})
            run.record({"loss": loss})
            run.end_step(
                step,
                args.batch,
                sample=None if part.show is None else lambda: sheet(part, pack, args, accelerator),
                save=lambda _: save_weights(network, args.output / f"{label}.safetensors"),
            )


def balanced(rows: np.ndarray, pack: Pack, args: argparse.Namespace) -> list[np.ndarray]:
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


def draw(groups: list[np.ndarray], args: argparse.Namespace, step: int, accelerator: Accelerator) -> np.ndarray:
    rank, world, share = accelerator.process_index, accelerator.num_processes, args.batch // len(groups)
    return np.concatenate([g[order(len(g), share, args.seed + i, step, rank, world)] for i, g in enumerate(groups)])


def load(pack: Pack, rows: np.ndarray, size: int) -> Tensor:
    return to_tensor(np.stack([resized(pack.crops[row], size) for row in rows]))


@torch.no_grad()
def sheet(part: Part, pack: Pack, args: argparse.Namespace, accelerator: Accelerator) -> np.ndarray:
    images = load(pack, pack.rows("valid")[:16], args.size).to(accelerator.device)
    part.network.eval()
    shown = to_crops(part.show(images)) if part.show else to_crops(images)
    part.network.train()
    return contact_sheet(zip(to_crops(images), shown, strict=True))


def required_spec(args: argparse.Namespace) -> AttributeSpec:
    if args.attribute is None:
        raise TrainingStopped("D is pre-trained for one attribute: name it with --attribute.")
    return attribute_spec(args.attribute)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--what", choices=(*PARTS, "all"), default="all")
    parser.add_argument("--attribute", help="of the discriminator")
    parser.add_argument("--pack", type=Path, default=Path("data/celeba.pack"))
    parser.add_argument("--output", type=Path, default=Path("runs/pretrained"))
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--learning-rate", type=float, default=1e-4)
    parser.add_argument("--features", default="imagenet-vgg16", help="see diat.training.vgg_face.load_features")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--log-every", type=int, default=25)
    parser.add_argument("--save-every", type=int, default=1000)
    parser.add_argument("--mixed-precision", choices=("no", "bf16"))
    return parser.parse_args()


if __name__ == "__main__":
    try:
        main()
    except DiatError as error:
        sys.exit(f"pretrain: {error}")
