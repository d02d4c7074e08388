"""The enhancement network E of a trained T: local attributes by Eq. (10), global ones by Eq. (11).

    accelerate launch train/enhance.py --transform runs/mouth_close/model --pack data/celeba.pack

A local E learns from source and transformed image: outside the attribute's mask to give the source back, inside to keep
the features of T(x). A global E learns to sharpen faces that a Gaussian blurred, and is run on the blurred T(x). The
result is written into the model's folder.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from diat.attributes import attribute_spec
from diat.data.batches import Batch
from diat.data.loading import batches_ahead
from diat.data.pack import open_pack
from diat.errors import DiatError
from diat.hub import load_model
from diat.models import ENHANCER_PREFIX, Model, load_networks, save_model
from diat.networks import GlobalEnhancer, LocalEnhancer, TransformNetwork
from diat.pixels import U8, contact_sheet
from diat.tensors import composite, to_crops
from diat.training import losses
from diat.training.adversarial import held_out_faces, transfer_batches
from diat.training.recipes import TransferConfig
from diat.training.run import Run, Schedule
from diat.training.vgg_face import VggFeatures, load_features


@dataclass(frozen=True, eq=False)
class Enhancement:
    """T, frozen, and the E that is trained on it."""

    transform: TransformNetwork
    enhancer: LocalEnhancer | GlobalEnhancer
    features: VggFeatures
    masked: bool  # whether T is run under the mask

    def transformed(self, batch: Batch) -> Tensor:
        with torch.no_grad():
            transformed = self.transform(batch.source)
            return composite(transformed, batch.source, batch.mask) if self.masked else transformed

    def loss(self, batch: Batch) -> Tensor:
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
    args = parse_args()
    accelerator = Accelerator(mixed_precision=args.mixed_precision)
    model = load_model(args.transform)
    spec = attribute_spec(model.config.attribute, model.config.region)
    config = TransferConfig(
        spec.name,
        spec.region,
        args.pack,
        args.output or args.transform.parent / "enhancer",
        size=model.config.size,
        num_inputs=args.num_inputs,
        batch=args.batch,
        seed=args.seed,
        matched=False,
        shift=0,
        windowed=False,
    )
    pack = open_pack(config.pack)
    batches = transfer_batches(pack, config, "train", config.batch, accelerator)
    held_out = held_out_faces(pack, config, args.samples).to(accelerator.device)
    torch.manual_seed(args.seed)
    enhancer: nn.Module = LocalEnhancer() if spec.scope == "local" else GlobalEnhancer()
    transform, _ = load_networks(model)
    for network in (transform, enhancer):
        network.to(accelerator.device).to(memory_format=torch.channels_last)
    features = load_features(args.features).to(accelerator.device)
    work = Enhancement(transform.eval().requires_grad_(False), enhancer, features, args.masked)
    optimizer = torch.optim.Adam(enhancer.parameters(), args.learning_rate, (0.9, 0.999), fused=True)

    settings = {name: getattr(args, name) for name in ("steps", "batch", "learning_rate", "features", "masked", "seed")}
    identity = {"settings": settings, "transform": digest_of(model), "inputs": config.num_inputs, "data": pack.digest}
    schedule = Schedule(args.log_every, args.save_every, args.save_every, args.resume)
    run = Run(
        config.output, args.steps, identity, {"enhancer": enhancer}, {"enhancer": optimizer}, schedule, accelerator,
        f"{spec.name} E", args.seed,
    )  # fmt: skip

    def write_model(done: int) -> None:
        written = replace(model.config, enhancer=spec.scope)
        save_model(transform, written, args.transform, {**model.training, "enhancer_steps": done}, enhancer)

    with run:
        stream = batches_ahead(batches, range(run.first, args.steps), accelerator.device, schedule.workers)
        for step, batch in zip(run.steps(), stream, strict=True):
            with accelerator.autocast():
                loss = work.loss(batch)
            run.update(loss, enhancer, optimizer, about={"source_rows": batch.source_rows})
            run.record({"E/loss": loss})
            run.end_step(step, args.batch, sample=lambda: work.sheet(held_out), save=write_model)


def digest_of(model: Model) -> str:
    """Identifies T's weights, whatever E follows it."""
    digest = hashlib.sha256()
    for name in sorted(name for name in model.weights if not name.startswith(ENHANCER_PREFIX)):
        digest.update(model.weights[name].tobytes())
    return digest.hexdigest()


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--transform", type=Path, required=True, help="folder of the model whose T is enhanced")
    parser.add_argument("--pack", type=Path, default=Path("data/celeba.pack"))
    parser.add_argument("--output", type=Path, help="log, samples, checkpoints (default: enhancer/ beside the model)")
    parser.add_argument("--steps", type=int, default=5_000)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--num-inputs", type=int, help="size of the input set; all by default, the paper takes 2000")
    parser.add_argument("--learning-rate", type=float, default=1e-4, help="section 3.2")
    parser.add_argument("--features", default="imagenet-vgg16", help="see diat.training.vgg_face.load_features")
    parser.add_argument("--masked", action="store_true", help="run T under the mask, as the release recipe does")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--samples", type=int, default=12)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--log-every", type=int, default=25)
    parser.add_argument("--save-every", type=int, default=500)
    parser.add_argument("--mixed-precision", choices=("no", "bf16"))
    return parser.parse_args()


if __name__ == "__main__":
    try:
        main()
    except DiatError as error:
        sys.exit(f"enhance: {error}")
