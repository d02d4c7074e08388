"""What the command lines of diat_a.py and diat_vgg.py share: options, the preset they choose, and the start."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import tyro
from accelerate import Accelerator
from commandline import parse

from diat.align import CROP_SIZE
from diat.attributes import ATTRIBUTES, attribute_spec
from diat.data.batches import TransferBatches
from diat.data.celeba import DEFAULT_DATASET, stream_records
from diat.data.packing import prepare
from diat.errors import TrainingStopped
from diat.training.adversarial import train_transfer
from diat.training.recipes import ENHANCED, TransferConfig, transfer_config
from diat.training.run import BOARD, Schedule
from diat.training.source import training_data
from diat.training.start import Start, starting_networks
from diat.training.trackers import Tracker, tracker_options

# A checkpoint of T, D, their optimisers and the average, twice, while the next is written aside.
DISK_NEEDED = 600 * 2**20
ANY_COLUMN = "Smiling"  # whose defaults --help shows where no attribute is named


@dataclass(frozen=True)
class Launch:
    """How the run is started."""

    dataset: str = DEFAULT_DATASET  # Hub id, or a folder of its parquet files; packed if --pack does not exist yet
    dry_run: bool = False  # say what would be trained on what, and stop
    mixed_precision: Literal["no", "bf16"] | None = None  # as accelerate's own option, which None follows
    tracker: Tracker = "tensorboard"  # where figures and samples are shown; wandb needs `pip install wandb`


@dataclass(frozen=True)
class TransferCommand:
    """The options of a command that trains T."""

    config: TransferConfig
    start: Start = field(default_factory=Start)
    schedule: Schedule = field(default_factory=Schedule)
    launch: Launch = field(default_factory=Launch)


def parse_transfer(
    description: str | None, variants: tuple[str, ...], arguments: list[str] | None = None
) -> TransferCommand:
    """The options of a script that trains T; the first variant is the default.

    Every default is that of the recipe for the attribute and variant, which are looked at first.
    """
    chooser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    chooser.add_argument("--attribute")
    chooser.add_argument("--variant", default=variants[0])
    chooser.add_argument("--recipe", default="release")
    chosen, _ = chooser.parse_known_args(arguments)
    if chosen.variant not in variants:
        raise TrainingStopped(f"{Path(sys.argv[0]).name} trains {' or '.join(variants)}, not {chosen.variant!r}.")
    if chosen.attribute is None and not {"-h", "--help"} & set(sys.argv[1:] if arguments is None else arguments):
        raise TrainingStopped(f"--attribute is missing: {', '.join(ATTRIBUTES)}, or a column of CelebA's.")
    output = Path("runs") / (chosen.attribute or "ATTRIBUTE")
    preset = transfer_config(
        chosen.attribute or ANY_COLUMN, Path("data/celeba.pack"), output, chosen.variant, chosen.recipe
    )
    if chosen.attribute is None:  # --help says so
        preset = replace(preset, attribute=tyro.MISSING)
    command = parse(TransferCommand, description, TransferCommand(preset), arguments)
    attribute_spec(command.config.attribute, command.config.region)  # a misspelt name is refused before anything else
    return command


def run_transfer(command: TransferCommand) -> None:
    """Train, or say what would be trained."""
    config, launch = command.config, command.launch
    if launch.dry_run:
        describe(config, launch, new_accelerator(launch.mixed_precision))
        starting_networks(config, command.start)
        return
    accelerator = new_accelerator(launch.mixed_precision, config.output / BOARD, launch.tracker)
    networks = starting_networks(config, command.start)
    if config.stream is None and not config.pack.exists():
        prepare(launch.dataset, config.pack, max(CROP_SIZE, config.size))
    check_disk(config.output)
    model = train_transfer(config, networks, command.schedule, accelerator)
    accelerator.end_training()
    if accelerator.is_main_process:
        print(f"The model is in {model}.")
        if config.recipe == "paper" and config.variant in ENHANCED.values():
            print(f"{config.variant} goes on with: python train/enhance.py --transform {model} --pack {config.pack}")


def new_accelerator(mixed_precision: str | None, board: Path | None = None, tracker: Tracker = "none") -> Accelerator:
    """Device, precision and processes, as `accelerate launch` chose them where nothing is said here.

    Args:
        mixed_precision: None follows the launcher.
        board: folder for the tracker's files.
        tracker: see `diat.training.trackers.tracker_options`.

    Raises:
        TrainingStopped: fp16 was asked for, or a tracker that is not installed.
    """
    tracking = {} if board is None else tracker_options(tracker, board)
    accelerator = Accelerator(mixed_precision=mixed_precision, **tracking)
    if accelerator.mixed_precision not in ("no", "bf16"):
        raise TrainingStopped(
            f"{accelerator.mixed_precision} is not offered: losses are not scaled, and small gradients would vanish. "
            "Use bf16, or no mixed precision."
        )
    return accelerator


def describe(config: TransferConfig, launch: Launch, accelerator: Accelerator) -> None:
    print(json.dumps(config.as_json(), indent=1))
    if config.stream is not None or config.pack.exists():
        batches = training_data(config, accelerator).batches
        if isinstance(batches, TransferBatches):
            there = len(batches.pack.crops)
            print(f"input set {len(batches.inputs)} images, guided set {len(batches.guided)}, of {there} packed")
    else:
        if next(stream_records(launch.dataset, "train"), None) is None:  # what cannot be read is said now
            raise TrainingStopped(f"{launch.dataset} has no training images: give a folder in CelebA's Hub schema.")
        print(f"There is no {config.pack} yet: {launch.dataset} would be packed into it first.")
    print(f"{config.steps} steps of {config.batch} on {accelerator.num_processes} process(es), {accelerator.device}")


def check_disk(output: Path) -> None:
    existing = next(folder for folder in (output, *output.absolute().parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    if free < DISK_NEEDED:
        raise TrainingStopped(
            f"{existing} has {free / 2**20:.0f} MiB free, and a run keeps up to {DISK_NEEDED // 2**20}: make room."
        )
