"""Semantic inpainting (Yeh et al. 2017), the paper's second baseline: a DCGAN, and a search in it for each face.

    python train/inpainting.py --what dcgan --pack data/celeba.pack --output runs/paper/dcgan
    python train/inpainting.py --what pictures --attribute eyeglasses_remove --dcgan runs/paper/dcgan \\
        --pack data/celeba.pack --output runs/paper/inpainting
    python train/evaluate.py --models runs/... --pictures runs/paper/inpainting --dataset flwrlabs/celeba

Fig. 7. The DCGAN learns all faces without glasses; the search takes seconds a face. Both go on where they were
stopped: the training with ``--resume``, the search by itself. `diat/baselines/inpainting.py` says what is minimised.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from accelerate import Accelerator
from commandline import parse, run_command
from launch import new_accelerator
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch.nn import functional as F

from diat.align import resized
from diat.attributes import attribute_spec
from diat.baselines import dcgan
from diat.baselines.inpainting import HOLE, InpaintingSettings, blend, context_weights, search
from diat.baselines.pictures import Method, baseline_faces, make_pictures
from diat.data.crops import Augmentation, CropLoader
from diat.data.pack import Pack, open_pack
from diat.data.sets import order, usable
from diat.errors import TrainingStopped
from diat.pixels import U8, contact_sheet
from diat.tensors import to_crops, to_tensor
from diat.training.checkpoint import save_weights
from diat.training.run import Run, Schedule

GENERATOR, DISCRIMINATOR = "generator.safetensors", "discriminator.safetensors"


@dataclass(frozen=True, kw_only=True)
class InpaintingCommand(InpaintingSettings):
    """What is made: the DCGAN, or pictures by it."""

    what: Literal["dcgan", "pictures"]  # train the prior, or fill faces by it
    output: Path  # networks with log, samples and checkpoints, or the pictures, go here
    pack: Path = Path("data/celeba.pack")  # the data, from train/prepare.py
    attribute: str = "eyeglasses_remove"  # whose region is filled
    dcgan: Path = Path("runs/dcgan")  # the trained prior
    faces: int = 64  # of the validation part, without the attribute
    steps: int = 20_000  # of the DCGAN
    batch: int = 64  # images a step, on each process
    gan_rate: float = 2e-4  # Adam, beta1 0.5, as published
    avoid: str | None = "Eyeglasses"  # faces with this column are left out of the prior, or it would give glasses back
    seed: int = 0  # of weights, order and starts
    mixed_precision: Literal["no", "bf16"] | None = None  # of the DCGAN, as accelerate's own option, which None follows
    log_every: int = 25  # steps between two lines of stats.jsonl
    save_every: int = 500  # steps between two checkpoints and sample sheets
    resume: bool = False  # go on from the newest checkpoint of the output


def main() -> None:
    command = parse(InpaintingCommand, __doc__)
    accelerator, pack = new_accelerator(command.mixed_precision), open_pack(command.pack)
    if command.what == "dcgan":
        train_dcgan(command, pack, accelerator)
    else:
        fill(command, pack, accelerator.device)


def train_dcgan(command: InpaintingCommand, pack: Pack, accelerator: Accelerator) -> None:
    torch.manual_seed(command.seed)
    generator, discriminator = dcgan.Generator().to(accelerator.device), dcgan.Discriminator().to(accelerator.device)
    optimizers = {
        name: torch.optim.Adam(network.parameters(), command.gan_rate, (0.5, 0.999), fused=True)
        for name, network in (("generator", generator), ("discriminator", discriminator))
    }
    rows = np.flatnonzero(usable(pack, "frontal") & (pack.split == 0))
    rows = rows if command.avoid is None else rows[~pack.column(command.avoid)[rows]]
    if len(rows) < command.batch:
        raise TrainingStopped(f"{len(rows)} faces are fewer than a batch of {command.batch}: use more data.")
    settings = {name: getattr(command, name) for name in ("steps", "batch", "gan_rate", "avoid", "seed")}
    modules = {"generator": generator, "discriminator": discriminator}
    schedule = Schedule(command.log_every, command.save_every, command.save_every, command.resume)
    run = Run(
        command.output, command.steps, {"settings": settings, "data": pack.digest}, modules, optimizers, schedule,
        accelerator, "dcgan", command.seed,
    )  # fmt: skip
    shown = dcgan.random_latents(32, torch.Generator().manual_seed(1)).to(accelerator.device)

    @torch.no_grad()
    def sheet() -> U8:
        generator.eval()
        images = to_crops(generator(shown))
        generator.train()
        return contact_sheet([(image,) for image in images], columns=8)

    def save(_: int) -> None:
        save_weights(generator, command.output / GENERATOR)
        save_weights(discriminator, command.output / DISCRIMINATOR)

    rank, world = accelerator.process_index, accelerator.num_processes
    with run:
        for step in run.steps(sheet, save):
            chosen = rows[order(len(rows), command.batch, command.seed, step, rank, world)]
            real = to_tensor(np.stack([resized(pack.crops[row], dcgan.SIZE) for row in chosen])).to(accelerator.device)
            latents = dcgan.random_latents(len(real), torch.default_generator).to(accelerator.device)
            with accelerator.autocast():
                made = generator(latents)
                # Real and made images in batches of their own, since the norms take their statistics (Radford et al.).
                loss_d = F.softplus(-discriminator(real)).mean() + F.softplus(discriminator(made.detach())).mean()
            run.update(loss_d, discriminator, optimizers["discriminator"], about={"rows": chosen.tolist()})
            with accelerator.autocast():
                loss_g = F.softplus(-discriminator(made)).mean()
            run.update(loss_g, generator, optimizers["generator"], about={"rows": chosen.tolist()})
            run.record({"D/loss": loss_d, "G/loss": loss_g})
            run.end_step(step, command.batch)


def fill(command: InpaintingCommand, pack: Pack, device: torch.device) -> None:
    spec = attribute_spec(command.attribute)
    if spec.scope != "local":
        raise TrainingStopped(f"{spec.name} changes the whole face, and inpainting fills a part: name a local one.")
    generator, discriminator = dcgan.Generator(), dcgan.Discriminator()
    for network, name in ((generator, GENERATOR), (discriminator, DISCRIMINATOR)):
        try:
            network.load_state_dict(load_file(command.dcgan / name))
        except (OSError, SafetensorError, RuntimeError) as error:
            raise TrainingStopped(
                f"{command.dcgan / name} is no trained DCGAN ({error}): make it with --what dcgan."
            ) from error
        network.to(device).eval().requires_grad_(False)
    rows = baseline_faces(pack, spec, command.faces)
    loader, still = CropLoader(pack, spec, dcgan.SIZE, windowed=False), Augmentation(flip=False, dy=0, dx=0)
    seconds: list[float] = []

    def make(number: int) -> U8:
        began = time.monotonic()
        row = rows[number : number + 1]
        hole = (loader.masks(row, [still])[0, 0].numpy() > HOLE).astype(np.float32)
        weights = torch.from_numpy(context_weights(hole))[None, None].to(device)
        source = loader.images(row, [still]).to(device)
        made, _ = search(source, weights, generator, discriminator, command, command.seed)
        seconds.append(time.monotonic() - began)
        return blend(to_crops(source)[0], to_crops(made)[0], hole)

    settings = {name: getattr(command, name) for name in asdict(InpaintingSettings())}
    settings |= {"seed": command.seed, "pack": pack.digest[:12]}
    make_pictures(command.output, Method("inpainting", spec.name, settings), pack.crops[rows], make)
    if seconds:
        print(f"{np.median(seconds):.1f} s a face (median of {len(seconds)}) on {device}")


if __name__ == "__main__":
    run_command(main)
