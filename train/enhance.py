"""The enhancement network E of a trained T: local attributes by Eq. (10), global ones by Eq. (11).

    python train/enhance.py --transform runs/mouth_close/model --pack data/celeba.pack

A local E learns from source and transformed image: outside the attribute's mask to give the source back, inside to keep
the features of T(x). A global E learns to sharpen faces that a Gaussian blurred, and is run on the blurred T(x). The
result is written into the model's folder.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch
from commandline import parse, run_command
from launch import new_accelerator
from torch import Tensor

from diat.data.batches import Batch
from diat.data.loading import batches_ahead
from diat.data.pack import open_pack
from diat.hub import load_model
from diat.models import ENHANCER_PREFIX, Model, load_networks, save_model
from diat.networks import GlobalEnhancer, LocalEnhancer, TransformNetwork
from diat.pixels import U8, contact_sheet
from diat.tensors import composite, to_crops
from diat.training import losses
from diat.training.recipes import TransferConfig, enhanced_variant
from diat.training.run import Run, Schedule
from diat.training.source import held_out_faces, transfer_batches
from diat.training.vgg_face import VggFeatures, load_features


@dataclass(frozen=True)
class EnhanceSettings:
    """Which model is enhanced, and how."""

    transform: Path  # folder of the model whose T is enhanced; E is written into it
    pack: Path = Path("data/celeba.pack")  # the data, from train/prepare.py
    output: Path | None = None  # log, samples and checkpoints go here; None: enhancer/ beside the model
    steps: int = 5_000  # of E
    batch: int = 16  # images a step, on each process
    subset: Literal["frontal", "clusters"] | None = None  # which faces train; None: those that T was trained on
    num_inputs: int | None = None  # size of the input set; None: as T's, the paper takes 2,000
    masked: bool | None = None  # run T under the mask; None: as it was trained
    learning_rate: float = 1e-4  # Adam, section 3.2
    features: str = "imagenet-vgg16"  # phi of Eq. (10): this stand-in, a file of VGG-Face, or a Hub repository
    seed: int = 0  # of weights and order
    samples: int = 12  # faces on a sample sheet
    mixed_precision: Literal["no", "bf16"] | None = None  # as accelerate's own option, which None follows
    log_every: int = 25  # steps between two lines of stats.jsonl
    save_every: int = 500  # steps between two checkpoints and sample sheets
    resume: bool = False  # go on from the newest checkpoint of the output
    workers: int = 2  # processes that make batches ahead, 0 for none; the batches are the same


@dataclass(frozen=True, eq=False)
class Enhancement:
    """T, frozen, and the E that is trained on it."""

    transform: TransformNetwork
    enhancer: LocalEnhancer | GlobalEnhancer
    features: VggFeatures
    masked: bool  # whether T is run under the mask

    def transformed(self, batch: Batch) -> Tensor:
        """T(x), under the mask where T is run so. -> (N, 3, H, W) in [-1, 1]."""
        with torch.no_grad():
            transformed = self.transform(batch.source)
            return composite(transformed, batch.source, batch.mask) if self.masked else transformed

    def loss(self, batch: Batch) -> Tensor:
        """Eq. (11) for a global E, Eq. (10) for a local one. -> scalar."""
        if isinstance(self.enhancer, GlobalEnhancer):
            return losses.global_enhancement_loss(self.enhancer(batch.guided), batch.guided)
        transformed = self.transformed(batch)
        enhanced = self.enhancer(batch.source, transformed)
        of_e, of_t = self.features(batch.mask * enhanced), self.features(batch.mask * transformed)
        return losses.local_enhancement_loss(enhanced, batch.source, batch.mask, of_e, of_t)

    @torch.no_grad()
    def sheet(self, batch: Batch) -> U8:
        """Source, T(x) and E's result side by side."""
        self.enhancer.eval()
        transformed = self.transformed(batch)
        local = isinstance(self.enhancer, LocalEnhancer)
        enhanced = self.enhancer(batch.source, transformed) if local else self.enhancer(transformed)
        self.enhancer.train()
        return contact_sheet(zip(*map(to_crops, (batch.source, transformed, enhanced)), strict=True), columns=3)


def main() -> None:
    settings = parse(EnhanceSettings, __doc__)
    accelerator = new_accelerator(settings.mixed_precision)
    model = load_model(settings.transform)
    config = transfer_settings(settings, model)
    spec = config.spec
    pack = open_pack(config.pack)
    batches = transfer_batches(pack, config, "train", config.batch, accelerator)
    held_out = held_out_faces(pack, config, settings.samples).to(accelerator.device)
    torch.manual_seed(settings.seed)
    enhancer: LocalEnhancer | GlobalEnhancer = LocalEnhancer() if spec.scope == "local" else GlobalEnhancer()
    transform, _ = load_networks(model)
    for network in (transform, enhancer):
        network.to(accelerator.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    features = load_features(settings.features).to(accelerator.device)
    work = Enhancement(transform.eval().requires_grad_(False), enhancer, features, config.masked)
    optimizer = torch.optim.Adam(enhancer.parameters(), settings.learning_rate, (0.9, 0.999), fused=True)
    identity = {
        "config": {**config.identity_json(), "learning_rate": settings.learning_rate, "steps": settings.steps},
        "transform": digest_of(model),
        "data": pack.digest,
    }
    schedule = Schedule(settings.log_every, settings.save_every, settings.save_every, settings.resume, settings.workers)
    modules, optimizers = {"enhancer": enhancer}, {"enhancer": optimizer}
    training = Run(
        config.output, settings.steps, identity, modules, optimizers, schedule, accelerator, f"{spec.name} E",
        settings.seed,
    )  # fmt: skip

    def write_model(done: int) -> None:
        facts = {**model.training, "variant": enhanced_variant(model.training), "enhancer_steps": done}
        save_model(transform, replace(model.config, enhancer=spec.scope), settings.transform, facts, enhancer)

    with training:
        stream = batches_ahead(batches, range(training.first, settings.steps), accelerator.device, schedule.workers)
        steps = training.steps(lambda: work.sheet(held_out), write_model, "before | T | enhanced")
        for step, batch in zip(steps, stream, strict=True):
            with accelerator.autocast():
                loss = work.loss(batch)
            training.update(loss, enhancer, optimizer, about={"source_rows": batch.source_rows})
            training.record({"E/loss": loss})
            training.end_step(step, settings.batch)


def transfer_settings(settings: EnhanceSettings, model: Model) -> TransferConfig:
    """E is trained on the faces that T was trained on, and T is run as it was trained, unless said otherwise."""
    before = model.training
    masked = settings.masked if settings.masked is not None else bool(before.get("masked", False))
    return TransferConfig(
        attribute=model.config.attribute,
        region=model.config.region,
        pack=settings.pack,
        output=settings.output or settings.transform.parent / "enhancer",
        size=model.config.size,
        subset=settings.subset or before.get("subset", "frontal"),
        num_inputs=settings.num_inputs if settings.num_inputs is not None else before.get("num_inputs"),
        batch=settings.batch,
        seed=settings.seed,
        features=settings.features,
        masked=masked,
        matched=False,
        shift=0,
        windowed=False,
    )


def digest_of(model: Model) -> str:
    """Identifies T's weights, whatever E follows it."""
    digest = hashlib.sha256()
    for name in sorted(name for name in model.weights if not name.startswith(ENHANCER_PREFIX)):
        digest.update(model.weights[name].tobytes())
    return digest.hexdigest()


if __name__ == "__main__":
    run_command(main)
