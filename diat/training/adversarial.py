"""Algorithm 1: T and D in turn, for every variant and recipe. One straight loop; `losses` has the equations."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.optim import Optimizer
from tqdm import tqdm

from diat.data.batches import Batch, TransferBatches
from diat.data.pack import Pack, open_pack
from diat.data.sets import guided_set, input_set
from diat.errors import TrainingStopped
from diat.models import ModelConfig, save_model
from diat.networks import AttributeDiscriminator, TransformNetwork
from diat.pixels import save_image
from diat.training.checkpoint import save_checkpoint
from diat.training.objectives import Players, discriminator_loss, transfer, transform_loss
from diat.training.recipes import TransferConfig
from diat.training.run import Log, MovingAverage, optimise, resume_run, start_run, transfer_sheet
from diat.training.vgg_face import load_features


@dataclass(frozen=True)
class Schedule:
    """How often, in steps, and how to run."""

    log: int = 25
    sample: int = 500
    save: int = 500
    resume: bool = False


def train_transfer(config: TransferConfig, players: Players, schedule: Schedule, accelerator: Accelerator) -> Path:
    """Train T against D and return the folder of the model.

    Args:
        config: every setting; see diat.training.recipes.
        players: T and D, new or pre-trained (Eq. 8, 9), and the frozen networks that the variant needs.
        schedule: how often to log, to sample and to save.
        accelerator: device, precision and processes.

    Raises:
        TrainingStopped: the data cannot serve, there is nothing to resume, or a loss is not a number.
    """
    # Data.
    pack = open_pack(config.pack)
    batches = transfer_batches(pack, config, "train", config.batch, accelerator)
    held_out = held_out_faces(pack, config).to(accelerator.device)

    # Networks and optimisers.
    device = accelerator.device
    batches.keep_on(device)
    for network in (players.transform, players.discriminator, players.vgg, players.denoiser):
        if network is not None:
            network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    transform, discriminator = players.transform, players.discriminator
    average = MovingAverage(transform, config.decay)
    if config.compile:
        transform.compile()
        discriminator.compile()
    betas = (config.beta1, 0.999)
    optimizer_t = torch.optim.Adam(transform.parameters(), config.learning_rate, betas, fused=True)
    optimizer_d = torch.optim.Adam(discriminator.parameters(), config.learning_rate_d, betas, fused=True)
    modules = {"transform": transform, "discriminator": discriminator, "average": average.network}
    optimizers = {"transform": optimizer_t, "discriminator": optimizer_d}

    # Start or go on.
    identity = {"config": config.as_json(), "data": pack.digest, "processes": accelerator.num_processes}
    first = (
        resume_run(config.output, modules, optimizers, identity)
        if schedule.resume
        else start_run(config.output, config)
    )
    log = Log(config.output / "stats.jsonl", first)
    accelerator.init_trackers("transfer")  # TensorBoard, where the accelerator was made with it
    main = accelerator.is_main_process
    bar = tqdm(range(first, config.steps), initial=first, total=config.steps, desc=config.attribute, disable=not main)

    parts = config.accumulate
    stream = batches.ahead(first * parts, config.steps * parts, device)
    for step in bar:
        anneal(optimizers, config, step)
        warm = step >= config.d_warmup
        share = list(islice(stream, parts))
        # T(x) of D's step serves T's step too, but only one graph at a time is kept.
        with accelerator.autocast(), torch.set_grad_enabled(parts == 1):
            made = [transfer(transform, batch, config) if warm else batch.source for batch in share]

        # D: guided against transformed; while it warms up, against the inputs as they are.
        for _ in range(config.d_steps):
            for part, (batch, transformed) in enumerate(zip(share, made, strict=True)):
                loss, stats = discriminator_loss(discriminator, batch, transformed.detach(), config, step, accelerator)
                check(loss, stats, batch, step, config)
                optimise(accelerator, loss, discriminator, optimizer_d, part, parts)
        log.add(stats)

        # T: the same T(x), judged by the D of this step.
        for turn in range(config.t_steps if warm else 0):
            for part, (batch, transformed) in enumerate(zip(share, made, strict=True)):
                if turn > 0 or parts > 1:
                    with accelerator.autocast():
                        transformed = transfer(transform, batch, config)
                loss, stats = transform_loss(players, batch, transformed, config, step, accelerator)
                check(loss, stats, batch, step, config)
                optimise(accelerator, loss, transform, optimizer_t, part, parts)
            average.update(transform, step - config.d_warmup)
            log.add(stats)

        # Look, write down, save.
        done, last = step + 1, step + 1 == config.steps
        if main and (last or done % schedule.log == 0):
            means = log.write(done, config.batch * parts * accelerator.num_processes)
            accelerator.log(means, step=done)
            shown = {name: f"{value:.3f}" for name, value in means.items() if name in ("D/loss", "T/attribute")}
            bar.set_postfix(shown, refresh=False)
        if main and (last or done % schedule.sample == 0):
            sheet = transfer_sheet(average.network, held_out.source, held_out.mask if config.masked else None)
            save_image(config.output / "samples" / f"{done:06d}.png", sheet)
        if main and (last or done % schedule.save == 0):
            save_checkpoint(config.output / "checkpoints", done, modules, optimizers, identity)
            save_average(average.network, config, done, len(batches.inputs))
    accelerator.wait_for_everyone()
    return config.output / "model"


def transfer_batches(
    pack: Pack, config: TransferConfig, split: str, batch: int, accelerator: Accelerator | None = None
) -> TransferBatches:
    """The run's stream of training batches, or of fixed held-out faces."""
    train = split == "train"
    return TransferBatches(
        pack,
        config.spec,
        size=config.size,
        batch=batch,
        seed=config.seed if train else 1,
        num_inputs=config.num_inputs if train else None,
        matched=config.matched and train,
        shift=config.shift * config.size // 128 if train else 0,
        degraded=config.degraded if train else 0.0,
        paired=config.lambda_pair > 0 and train,
        borrowed=Path(config.borrowed) if config.borrowed else None,
        windowed=config.windowed and train,  # T is convolutional: what it learnt in a window it does to whole faces
        split=split,
        subset=config.subset,
        rank=accelerator.process_index if accelerator else 0,
        world=accelerator.num_processes if accelerator else 1,
    )


def held_out_faces(pack: Pack, config: TransferConfig, count: int = 16) -> Batch:
    """The same faces of the validation part at every look, as many as there are up to ``count``."""
    sets = (
        input_set(pack, config.spec, "valid", subset=config.subset),
        guided_set(pack, config.spec, "valid", config.subset),
    )
    there = min(map(len, sets))
    return transfer_batches(pack, config, "valid", max(1, min(count, there)))[0]


def check(loss: Tensor, stats: Mapping[str, Tensor], batch: Batch, step: int, config: TransferConfig) -> None:
    """Stop at a loss that is not a number, before it harms the weights, and write down what led to it."""
    if torch.isfinite(loss):
        return
    report = {
        "step": step,
        "losses": {name: repr(value.item()) for name, value in stats.items()},
        "source_rows": batch.source_rows,
        "guided_rows": batch.guided_rows,
    }
    path = config.output / "stopped.json"
    path.write_text(json.dumps(report, indent=1))
    raise TrainingStopped(
        f"The loss at step {step} is {loss.item()}: training stopped. The last checkpoint is good, the batch is in "
        f"{path}; lower the learning rate or raise the penalty, and resume."
    )


def anneal(optimizers: Mapping[str, Optimizer], config: TransferConfig, step: int) -> None:
    """Set the learning rates: constant, then over the last share of the steps down to a tenth."""
    start = config.steps * (1 - config.anneal)
    factor = 1.0 if step <= start else 1 - 0.9 * (step - start) / (config.steps - start)
    for name, rate in (("transform", config.learning_rate), ("discriminator", config.learning_rate_d)):
        for group in optimizers[name].param_groups:
            group["lr"] = rate * factor


def save_average(network: nn.Module, config: TransferConfig, steps: int, inputs: int) -> None:
    """Write the moving average as the model."""
    training = {"variant": config.variant, "recipe": config.recipe, "steps": steps, "input_images": inputs}
    whole = config.spec.window(config.size) == (0, 0, config.size, config.size)
    model = ModelConfig(
        attribute=config.attribute,
        region=config.spec.region,
        size=config.size,
        residual=config.residual,
        windowed=config.windowed and not whole,
    )
    save_model(network, model, config.output / "model", training)  # type: ignore[arg-type]


def new_players(config: TransferConfig) -> Players:
    """Untrained T and D, and the frozen features where the variant needs them."""
    torch.manual_seed(config.seed)
    left, top, right, bottom = config.spec.window(config.size, config.windowed)
    discriminator = AttributeDiscriminator((bottom - top, right - left))
    players = Players(TransformNetwork(residual=config.residual), discriminator)
    if config.identity == "vgg":
        players.vgg = load_features(config.features)
    return players
