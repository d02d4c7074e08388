"""DIAT-A: train the transform network T of one attribute against D, with the adaptive identity loss (Eq. 14).

    accelerate launch train/diat_a.py --attribute mouth_close --dataset flwrlabs/celeba --output runs/mouth_close
    accelerate launch --mixed_precision bf16 train/diat_a.py --attribute mouth_close --pack data/celeba.pack \
        --output runs/mouth_close --size 64 --steps 8000

The ``release`` recipe (the default) makes the project's own weights; ``--recipe paper`` is the paper to the letter.
A stopped run goes on with ``--resume OUTPUT``.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from tqdm import tqdm

from diat import losses
from diat.attributes import attribute_spec
from diat.batches import Batch, TransferBatches
from diat.checkpoint import checkpoints, load_checkpoint, save_checkpoint
from diat.errors import DiatError, TrainingStopped
from diat.hub import ModelConfig, save_model
from diat.networks import AttributeDiscriminator, TransformNetwork
from diat.pack import open_pack
from diat.training import Log, MovingAverage, composite, describe, optimise, save_image, transfer_sheet


@dataclass(frozen=True)
class DiatAConfig:
    """Every setting of a run. The defaults are the release recipe."""

    attribute: str  # a name in diat.attributes
    pack: Path  # the data, from train/prepare.py
    output: Path  # log, samples, checkpoints and the model
    recipe: str = "release"
    size: int = 128  # side of the images in pixels
    batch: int = 16  # images of each set at a step, on each process
    steps: int = 10_000
    learning_rate: float = 2e-4  # of T, Adam
    learning_rate_d: float = 4e-4  # of D, Adam
    beta1: float = 0.5  # of both
    lambda_id: float = 0.1  # weight of Eq. (13), section 5.1
    scale_identity: bool = True  # divide Eq. (13) by the size of D's own features
    penalty: float = 0.05  # weight of the gradient penalty on guided images
    penalty_every: int = 8  # steps between two penalties; the weight is multiplied by it
    lambda_pixel: float = 1.0  # weight of mean |T(x) - x|
    lambda_keep: float = 5.0  # weight of mean |T(a) - a| on guided images, every `keep_every` steps
    keep_every: int = 4
    three_groups: bool = True  # D also sees untransformed inputs, labelled 0
    matched: bool = True  # draw guided images that resemble the inputs in the spec's matched columns
    shift: int = 4  # largest random shift at 128 pixels; 0 also turns mirroring off
    num_inputs: int | None = None  # None: all; the paper takes 2,000
    residual: bool = True  # T(x) = x + change
    masked: bool = True  # composite under the attribute's mask
    decay: float = 0.999  # of the moving average
    anneal: float = 0.3  # share of the steps, at the end, over which the learning rates fall to a tenth
    seed: int = 0
    init: Path | None = None  # a checkpoint of another size to start T (and D's convolutions) from


def main() -> None:
    args = parse_args()
    config = config_of(args)
    accelerator = Accelerator(mixed_precision=args.mixed_precision)
    spec = attribute_spec(config.attribute)
    pack = open_pack(config.pack)
    batches = TransferBatches(
        pack,
        spec,
        size=config.size,
        batch=config.batch,
        seed=config.seed,
        num_inputs=config.num_inputs,
        matched=config.matched,
        shift=config.shift * config.size // 128,
        rank=accelerator.process_index,
        world=accelerator.num_processes,
    )
    config.output.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(config.seed)

    # Networks and optimisers.
    transform = TransformNetwork(residual=config.residual)
    discriminator = AttributeDiscriminator(config.size)
    if config.init is not None:
        start_from(config.init, transform, discriminator)
    transform, discriminator = (
        module.to(accelerator.device, memory_format=torch.channels_last) for module in (transform, discriminator)
    )
    average = MovingAverage(transform, config.decay)
    optimizer_t = torch.optim.Adam(transform.parameters(), config.learning_rate, (config.beta1, 0.999), fused=True)
    optimizer_d = torch.optim.Adam(
        discriminator.parameters(), config.learning_rate_d, (config.beta1, 0.999), fused=True
    )
    modules = {"transform": transform, "discriminator": discriminator, "average": average.network}
    optimizers = {"transform": optimizer_t, "discriminator": optimizer_d}
    first = 0
    if args.resume:
        done = checkpoints(config.output / "checkpoints")
        if not done:
            raise TrainingStopped(f"No checkpoint in {config.output}: start without --resume.")
        first = int(load_checkpoint(done[-1], modules, optimizers)["step"])
    held_out = move(held_out_batch(pack, config), accelerator)
    log = Log(config.output / "stats.jsonl")
    (config.output / "config.json").write_text(json.dumps(describe(config), indent=1))

    # Train.
    bar = tqdm(
        range(first, config.steps), initial=first, total=config.steps, desc=spec.name, mininterval=2, smoothing=0.05
    )
    for step in bar:
        for optimizer, rate in ((optimizer_t, config.learning_rate), (optimizer_d, config.learning_rate_d)):
            for group in optimizer.param_groups:
                group["lr"] = rate * annealed(step, config)
        batch = move(batches[step], accelerator)
        with accelerator.autocast():
            transformed = transformed_images(transform, batch, config)

        # D: guided against transformed and untransformed.
        loss_d, stats = discriminator_loss(accelerator, discriminator, batch, transformed.detach(), config)
        if config.penalty and step % config.penalty_every == 0:
            penalty = losses.gradient_penalty(lambda images: discriminator(images)[0], batch.guided)
            loss_d = loss_d + config.penalty * config.penalty_every * penalty
            stats["D/penalty"] = penalty
        optimise(accelerator, loss_d, discriminator, optimizer_d)

        # T: the same T(x), judged by the D of this step.
        loss_t, more = transform_loss(accelerator, discriminator, batch, transformed, config)
        if config.lambda_keep and step % config.keep_every == 0:
            with accelerator.autocast():
                keep = (transform(batch.guided) - batch.guided).abs().mean()
            loss_t = loss_t + config.lambda_keep * keep
            more["T/keep"] = keep
        optimise(accelerator, loss_t, transform, optimizer_t)
        average.update(transform, step)

        # Log, look, save.
        log.add({**stats, **more})
        done_steps = step + 1
        if accelerator.is_main_process and done_steps % args.log_every == 0:
            means = log.write(done_steps, args.log_every * config.batch * accelerator.num_processes)
            bar.set_postfix(
                {name: f"{value:.3f}" for name, value in means.items() if name in ("D/loss", "T/attribute")}
            )
        if accelerator.is_main_process and (done_steps % args.sample_every == 0 or done_steps == config.steps):
            sheet = transfer_sheet(average.network, held_out.source, held_out.mask)
            save_image(config.output / "samples" / f"{done_steps:06d}.png", sheet)
        if accelerator.is_main_process and (done_steps % args.save_every == 0 or done_steps == config.steps):
            save_checkpoint(
                config.output / "checkpoints", done_steps, modules, optimizers, {"config": describe(config)}
            )
            save_model(
                average.network,  # type: ignore[arg-type]
                ModelConfig(attribute=spec.name, size=config.size, residual=config.residual),
                config.output / "model",
                {"recipe": config.recipe, "steps": done_steps, "images": len(batches.inputs) + len(batches.guided)},
            )


def transformed_images(transform: nn.Module, batch: Batch, config: DiatAConfig) -> Tensor:
    transformed = transform(batch.source)
    return composite(transformed, batch.source, batch.mask) if config.masked else transformed


def discriminator_loss(
    accelerator: Accelerator, discriminator: nn.Module, batch: Batch, transformed: Tensor, config: DiatAConfig
) -> tuple[Tensor, dict[str, Tensor]]:
    groups = [batch.guided, transformed] + ([batch.source] if config.three_groups else [])
    with accelerator.autocast():
        logits, _ = discriminator(torch.cat(groups))
    guided, fake, *source = logits.split(len(batch.guided))
    loss = (
        losses.three_group_loss(guided, fake, source[0])
        if source
        else losses.attribute_loss_discriminator(guided, fake)
    )
    stats = {"D/loss": loss, "D/guided": guided.sigmoid().mean(), "D/transformed": fake.sigmoid().mean()}
    if source:
        stats["D/source"] = source[0].sigmoid().mean()
    return loss, stats


def transform_loss(
    accelerator: Accelerator, discriminator: nn.Module, batch: Batch, transformed: Tensor, config: DiatAConfig
) -> tuple[Tensor, dict[str, Tensor]]:
    discriminator.requires_grad_(False)  # the identity loss never updates D
    with accelerator.autocast():
        logits, features = discriminator(transformed)
        with torch.no_grad():
            _, source_features = discriminator(batch.source)
    discriminator.requires_grad_(True)
    attribute = losses.attribute_loss_transform(logits)
    identity_loss = losses.scaled_identity_loss if config.scale_identity else losses.identity_loss
    identity = identity_loss(features, source_features)
    pixel = (transformed - batch.source).abs().mean()
    loss = attribute + config.lambda_id * identity + config.lambda_pixel * pixel
    return loss, {"T/loss": loss, "T/attribute": attribute, "T/identity": identity, "T/pixel": pixel}


def annealed(step: int, config: DiatAConfig) -> float:
    start = config.steps * (1 - config.anneal)
    if step <= start:
        return 1.0
    return 1 - 0.9 * (step - start) / (config.steps - start)


def held_out_batch(pack, config: DiatAConfig) -> Batch:
    """Sixteen fixed faces of the validation part that lack the attribute."""
    from dataclasses import replace as copy_with

    import numpy as np

    held = copy_with(pack, split=np.where(pack.split == 1, 0, 2).astype(np.uint8))
    batches = TransferBatches(
        held,
        attribute_spec(config.attribute),
        size=config.size,
        batch=16,
        seed=1,
        num_inputs=None,
        matched=False,
        shift=0,
    )
    return batches[0]


def start_from(path: Path, transform: nn.Module, discriminator: nn.Module) -> None:
    """Take the moving average as T, and D's convolutions; D's first dense layer depends on the size."""
    from safetensors.torch import load_file

    tensors = load_file(path / "state.safetensors")
    transform.load_state_dict(
        {k.removeprefix("module/average/"): v for k, v in tensors.items() if k.startswith("module/average/")}
    )
    own = discriminator.state_dict()
    for key, value in tensors.items():
        name = key.removeprefix("module/discriminator/")
        if name in own and own[name].shape == value.shape:
            own[name].copy_(value)


def move(batch: Batch, accelerator: Accelerator) -> Batch:
    return replace(
        batch, **{name: value.to(accelerator.device, non_blocking=True) for name, value in vars(batch).items()}
    )


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--attribute", required=True)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--mixed-precision", choices=("no", "bf16", "fp16"), default=None)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--log-every", type=int, default=25)
    parser.add_argument("--sample-every", type=int, default=250)
    parser.add_argument("--save-every", type=int, default=500)
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="any other setting of the config")
    parser.add_argument("--init", type=Path)
    for name, kind in (("size", int), ("batch", int), ("steps", int), ("seed", int)):
        parser.add_argument(f"--{name}", type=kind)
    return parser.parse_args()


def config_of(args: argparse.Namespace) -> DiatAConfig:
    config = DiatAConfig(attribute=args.attribute, pack=args.pack, output=args.output)
    given = {name: getattr(args, name) for name in ("size", "batch", "steps", "seed", "init")}
    config = replace(config, **{name: value for name, value in given.items() if value is not None})
    for text in args.set:
        name, _, value = text.partition("=")
        if not hasattr(config, name):
            raise TrainingStopped(f"Unknown setting {name!r}.")
        config = replace(config, **{name: json.loads(value)})
    return config


if __name__ == "__main__":
    try:
        main()
    except DiatError as error:
        sys.exit(f"diat_a: {error}")
