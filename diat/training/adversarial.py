"""Algorithm 1: T and D in turn, for every variant and recipe. One straight loop; `losses` has the equations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.optim import Optimizer

from diat.data.batches import Batch
from diat.data.loading import batches_ahead
from diat.models import ModelConfig, save_model
from diat.networks import AttributeDiscriminator, TransformNetwork
from diat.pixels import U8, contact_sheet
from diat.tensors import composite, to_crops
from diat.training.average import MovingAverage
from diat.training.objectives import TransferNetworks, discriminator_loss, transfer, transform_loss
from diat.training.recipes import TransferConfig, trained_variant
from diat.training.run import Run, Schedule
from diat.training.source import training_data
from diat.training.vgg_face import load_features

KEPT_MODELS = "models"  # in a run's folder: the model of each checkpoint, by its step


def train_transfer(
    config: TransferConfig, networks: TransferNetworks, schedule: Schedule, accelerator: Accelerator
) -> Path:
    """Train T against D and return the folder of the model.

    Args:
        config: every setting; see diat.training.recipes.
        networks: T and D, new or pre-trained (Eq. 8, 9), and the frozen networks that the variant needs.
        schedule: how often to log, to sample and to save.
        accelerator: device, precision and processes.

    Raises:
        TrainingStopped: the data cannot serve, there is nothing to resume, or a loss is not a number.
    """
    # Data.
    data = training_data(config, accelerator)
    held_out = data.held_out.to(accelerator.device)

    # Networks and optimisers.
    device = accelerator.device
    for network in (networks.transform, networks.discriminator, networks.vgg, networks.denoiser):
        if network is not None:
            network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    transform, discriminator = networks.transform, networks.discriminator
    average = MovingAverage(transform, config.decay)
    if config.compile:
        transform.compile()
        discriminator.compile()
    betas = (config.beta1, 0.999)
    optimizer_t = torch.optim.Adam(transform.parameters(), config.learning_rate, betas, fused=True)
    optimizer_d = torch.optim.Adam(discriminator.parameters(), config.learning_rate_d, betas, fused=True)
    modules = {"transform": transform, "discriminator": discriminator, "average": average.network}
    optimizers = {"transform": optimizer_t, "discriminator": optimizer_d}

    identity = {"config": config.identity_json(), "data": data.digest}
    run = Run(
        config.output, config.steps, identity, modules, optimizers, schedule, accelerator, config.attribute, config.seed
    )
    with run:
        parts = config.accumulate
        numbers = range(run.first * parts, config.steps * parts)
        workers = schedule.workers if data.most_workers is None else min(schedule.workers, data.most_workers)
        stream = batches_ahead(data.batches, numbers, device, workers)
        stages = run.meta["stages"] if schedule.resume else networks.stages
        shown = held_out.source, held_out.mask if config.masked else None

        def save(done: int) -> None:
            save_models(average.network, config, schedule, training_facts(config, done, stages, data.inputs), done)

        for step in run.steps(lambda: transfer_sheet(average.network, *shown), save, "before | after"):
            anneal(optimizers, config, step)
            share = list(islice(stream, parts))
            update_networks(run, networks, optimizers, average, share, config, step)
            told = {"stages": stages, "training": training_facts(config, step + 1, stages, data.inputs)}
            run.end_step(step, config.batch * parts, told)
    return config.output / "model"


def update_networks(
    run: Run,
    networks: TransferNetworks,
    optimizers: Mapping[str, Optimizer],
    average: MovingAverage,
    share: Sequence[Batch],
    config: TransferConfig,
    step: int,
) -> None:
    """One turn of Algorithm 1's loop: transform X, d_steps times D (lines 6-8), then t_steps times T (lines 9-11).

    D's updates are all on the same batches and the same T(x). While D warms up, it alone learns, guided against input
    images.

    Args:
        share: the step's batches, over which gradients are averaged.
    """
    transform, discriminator, accelerator = networks.transform, networks.discriminator, run.accelerator
    warm, parts = step >= config.d_warmup, len(share)
    # T(x) of D's step serves T's step too, but only one graph at a time is kept.
    with accelerator.autocast(), torch.set_grad_enabled(parts == 1):
        transformed_images = [transfer(transform, batch, config) if warm else batch.source for batch in share]
    for _ in range(config.d_steps):
        for part, (batch, transformed) in enumerate(zip(share, transformed_images, strict=True)):
            loss, stats = discriminator_loss(discriminator, batch, transformed.detach(), config, step, accelerator)
            run.update(loss, discriminator, optimizers["discriminator"], part, parts, about(batch, stats))
            run.record(stats)
    for turn in range(config.t_steps if warm else 0):
        for part, (batch, transformed) in enumerate(zip(share, transformed_images, strict=True)):
            if turn > 0 or parts > 1:
                with accelerator.autocast():
                    transformed = transfer(transform, batch, config)
            loss, stats = transform_loss(networks, batch, transformed, config, step, accelerator)
            run.update(loss, transform, optimizers["transform"], part, parts, about(batch, stats))
            run.record(stats)
        average.update(transform, step - config.d_warmup)


def about(batch: Batch, stats: Mapping[str, Tensor]) -> dict[str, Any]:
    """What `stopped.json` says of a batch whose loss is no number."""
    return {**stats, "source_rows": batch.source_rows, "guided_rows": batch.guided_rows}


def anneal(optimizers: Mapping[str, Optimizer], config: TransferConfig, step: int) -> None:
    """Set the learning rates: constant, then over the last share of the steps down to a tenth."""
    start = config.steps * (1 - config.anneal)
    factor = 1.0 if step <= start else 1 - 0.9 * (step - start) / (config.steps - start)
    for name, rate in (("transform", config.learning_rate), ("discriminator", config.learning_rate_d)):
        for group in optimizers[name].param_groups:
            group["lr"] = rate * factor


@torch.no_grad()
def transfer_sheet(network: nn.Module, source: Tensor, mask: Tensor | None, columns: int = 4) -> U8:
    """A sheet of sources beside what the network makes of them, under the mask if there is one."""
    result = network(source) if mask is None else composite(network(source), source, mask)
    pairs = zip(to_crops(source), to_crops(result), strict=True)
    return contact_sheet(pairs, columns)


def training_facts(
    config: TransferConfig, steps: int, before: Sequence[Mapping[str, Any]], inputs: int | None
) -> dict[str, Any]:
    """What a model's configuration says of how it was made: by all of the runs behind it, not by the last alone."""
    stages = [*before, {"recipe": config.recipe, "size": config.size, "batch": config.batch, "steps": steps}]
    return {
        "variant": trained_variant(config.variant),
        "recipe": config.recipe,
        "steps": sum(int(stage["steps"]) for stage in stages),
        "stages": stages,
        "input_images": inputs,
        "num_inputs": config.num_inputs,
        "subset": config.subset,
        "masked": config.masked,
    }


def save_models(
    network: nn.Module, config: TransferConfig, schedule: Schedule, training: Mapping[str, Any], done: int
) -> None:
    """Write the moving average as the run's model, and as that of the step where every step's is kept."""
    for name in ("model", *([f"{KEPT_MODELS}/{done:07d}"] if schedule.keep_models else [])):
        save_average(network, config, training, config.output / name)


def save_average(network: nn.Module, config: TransferConfig, training: Mapping[str, Any], folder: Path) -> None:
    """Write the moving average as a model."""
    whole = config.spec.window(config.size) == (0, 0, config.size, config.size)
    model = ModelConfig(
        attribute=config.attribute,
        region=config.spec.region,
        size=config.size,
        residual=config.residual,
        windowed=config.windowed and not whole,
    )
    save_model(network, model, folder, training)  # type: ignore[arg-type]


def new_networks(config: TransferConfig) -> TransferNetworks:
    """Untrained T and D, and the frozen features where the variant needs them."""
    torch.manual_seed(config.seed)
    left, top, right, bottom = config.spec.window(config.size, config.windowed)
    discriminator = AttributeDiscriminator((bottom - top, right - left))
    networks = TransferNetworks(TransformNetwork(residual=config.residual), discriminator)
    if config.identity == "vgg":
        networks.vgg = load_features(config.features)
    return networks
