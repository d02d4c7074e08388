"""Training speed: this project's DIAT-A step against the plain eager one, interleaved in one run.

    python benchmarks/training.py                       # on whatever accelerator there is
    python benchmarks/training.py --size 64 --batch 16 --rounds 5

"Plain" is the loop as the paper's Algorithm 1 reads: NCHW memory, T run anew for T's own step, unfused Adam, full
precision. The project's: channels last, T(x) of D's step used again in T's, fused Adam; with and without bf16 autocast
where the processor has it.
Images a second count the input images. The best of the rounds is compared: other work on the machine only slows.
"""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from common import option_parser

from diat.data.batches import Batch
from diat.networks import AttributeDiscriminator, TransformNetwork
from diat.training import losses
from diat.training.objectives import TransferNetworks, discriminator_loss, transfer, transform_loss
from diat.training.recipes import TransferConfig, transfer_config
from diat.training.run import Run, Schedule

Step = Callable[[int], None]


def random_batch(config: TransferConfig, device: torch.device) -> Batch:
    """Noise in the shapes of a batch: the arithmetic does not look at the pictures."""
    shape = (config.batch, 3, config.size, config.size)
    images = [(torch.rand(shape) * 2 - 1).to(device) for _ in range(2)]
    mask = torch.ones(config.batch, 1, config.size, config.size, device=device)
    return Batch(images[0], mask, images[1], [], [])


def plain_step(config: TransferConfig, device: torch.device) -> Step:
    t, d = TransformNetwork(residual=config.residual).to(device), AttributeDiscriminator(config.size).to(device)
    optimizer_t, optimizer_d = (torch.optim.Adam(n.parameters(), 1e-4, (0.5, 0.999)) for n in (t, d))
    batch = random_batch(config, device)

    def step(_: int) -> None:
        optimizer_d.zero_grad()
        with torch.no_grad():
            transformed = t(batch.source)
        losses.attribute_loss_discriminator(d(batch.guided)[0], d(transformed)[0]).backward()  # type: ignore[no-untyped-call]
        optimizer_d.step()
        optimizer_t.zero_grad()
        d.requires_grad_(False)
        transformed = t(batch.source)
        logits, features = d(transformed)
        with torch.no_grad():
            _, of_source = d(batch.source)
        identity = losses.identity_loss(features, of_source)
        (losses.attribute_loss_transform(logits) + config.lambda_id * identity).backward()  # type: ignore[no-untyped-call]
        d.requires_grad_(True)
        optimizer_t.step()

    return step


def project_step(config: TransferConfig, accelerator: Accelerator, precision: Callable[[], Any]) -> Step:
    # One process has one Accelerator; its precision is changed by giving it another autocast.
    accelerator = copy.copy(accelerator)
    accelerator.autocast = precision
    networks = TransferNetworks(TransformNetwork(residual=config.residual), AttributeDiscriminator(config.size))
    t, d = networks.transform, networks.discriminator
    for network in (t, d):
        network.to(accelerator.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer_t, optimizer_d = (torch.optim.Adam(n.parameters(), 1e-4, (0.5, 0.999), fused=True) for n in (t, d))
    batch = random_batch(config, accelerator.device)
    for name in ("source", "guided"):
        getattr(batch, name).data = getattr(batch, name).to(memory_format=torch.channels_last)

    # Never entered: it writes nothing.
    run = Run(Path(), 1, {}, {}, {}, Schedule(), accelerator)

    def step(number: int) -> None:
        with accelerator.autocast():
            transformed = transfer(t, batch, config)
        loss, _ = discriminator_loss(d, batch, transformed.detach(), config, number, accelerator)
        run.update(loss, d, optimizer_d)
        loss, _ = transform_loss(networks, batch, transformed, config, number, accelerator)
        run.update(loss, t, optimizer_t)

    return step


def rate(step: Step, batch: int, seconds: float, device: torch.device) -> float:
    done, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        step(done)
        done += 1
    if device.type == "cuda":
        torch.cuda.synchronize()
    return done * batch / (time.perf_counter() - start)


def main() -> None:
    parser = option_parser(__doc__)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=6.0, help="of each measurement")
    args = parser.parse_args()
    # The paper's recipe: the release recipe's third group and penalty are more work, and would not be the same step.
    settings = {"size": args.size, "batch": args.batch}
    config = transfer_config("mouth_close", Path(), Path(), "DIAT-A", "paper", **settings)
    accelerator = Accelerator(mixed_precision="no")
    device = accelerator.device
    steps = {
        "plain eager": plain_step(config, device),
        "project": project_step(config, accelerator, nullcontext),
    }
    if device.type != "cpu" or torch.ops.mkldnn._is_mkldnn_bf16_supported():
        autocast = lambda: torch.autocast(device.type, torch.bfloat16)  # noqa: E731
        steps["project, bf16"] = project_step(config, accelerator, autocast)
    best = dict.fromkeys(steps, 0.0)
    for step in steps.values():
        step(1)
    for _ in range(args.rounds):
        for name, step in steps.items():
            best[name] = max(best[name], rate(step, args.batch, args.seconds, device))
    for name, value in best.items():
        print(f"{name:15} {value:7.2f} images/s  {value / best['plain eager']:.2f}x")
    threads = torch.get_num_threads()
    print(json.dumps({"device": str(device), "threads": threads, **vars(args), "images_per_second": best}))


if __name__ == "__main__":
    main()
