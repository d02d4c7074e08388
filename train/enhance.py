"""The enhancement network E of a trained T: local attributes by Eq. (10), global ones by Eq. (11).

    accelerate launch train/enhance.py --transform runs/mouth_close/model --pack data/celeba.pack

A local E learns from source and transformed image: outside the attribute's mask to give the source back, inside to keep
the features of T(x). A global E learns to sharpen faces that a Gaussian blurred, and is run on the blurred T(x). The
result is written into the model's folder.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from tqdm import tqdm

from diat.attributes import attribute_spec
from diat.data.batches import Batch
from diat.data.pack import open_pack
from diat.errors import DiatError, TrainingStopped
from diat.hub import load_model
from diat.models import load_networks, save_model
from diat.networks import GlobalEnhancer, LocalEnhancer, TransformNetwork
from diat.pixels import contact_sheet, save_image
from diat.tensors import composite, to_crops
from diat.training import losses
from diat.training.adversarial import held_out_faces, transfer_batches
from diat.training.checkpoint import checkpoints, load_checkpoint, save_checkpoint
from diat.training.recipes import TransferConfig
from diat.training.run import Log, make_output, optimise
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
    def sheet(self, batch: Batch) -> object:
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
        args.output or args.transform.parent,
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

    folder = config.output / "checkpoints-enhancer"
    first = 0
    if args.resume:
        if not checkpoints(folder):
            raise TrainingStopped(f"No checkpoint in {folder}: start without --resume.")
        first = int(load_checkpoint(checkpoints(folder)[-1], {"enhancer": enhancer}, {"enhancer": optimizer})["step"])
    make_output(config.output)
    log = Log(config.output / "enhancer.jsonl", first)
    bar = tqdm(range(first, args.steps), initial=first, total=args.steps, desc=f"{spec.name} E")
    for step in bar:
        batch = batches[step].to(accelerator.device)
        with accelerator.autocast():
            loss = work.loss(batch)
        if not torch.isfinite(loss):
            raise TrainingStopped(f"The loss at step {step} is no number: lower --learning-rate and --resume.")
        optimise(accelerator, loss, enhancer, optimizer)
        log.add({"E/loss": loss})
        done, last = step + 1, step + 1 == args.steps
        if accelerator.is_main_process and (last or done % args.log_every == 0):
            bar.set_postfix(loss=f"{log.write(done, args.batch)['E/loss']:.4g}", refresh=False)
        if accelerator.is_main_process and (last or done % args.save_every == 0):
            save_checkpoint(folder, done, {"enhancer": enhancer}, {"enhancer": optimizer}, {})
            save_image(config.output / "samples" / f"enhanced-{done:06d}.png", work.sheet(held_out))
            written = replace(model.config, enhancer=spec.scope)
            save_model(transform, written, args.transform, {**model.training, "enhancer_steps": done}, enhancer)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--transform", type=Path, required=True, help="folder of the model whose T is enhanced")
    parser.add_argument("--pack", type=Path, default=Path("data/celeba.pack"))
    parser.add_argument("--output", type=Path, help="log, samples, checkpoints (default: beside the model)")
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
    parser.add_argument("--mixed-precision", choices=("no", "bf16", "fp16"))
    return parser.parse_args()


if __name__ == "__main__":
    try:
        main()
    except DiatError as error:
        sys.exit(f"enhance: {error}")
