"""What the command lines of diat_a.py and diat_vgg.py share: options, the preset they choose, and the start."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

from accelerate import Accelerator

from diat.attributes import ATTRIBUTES, REGIONS, attribute_spec
from diat.data.celeba import DEFAULT_DATASET
from diat.data.pack import open_pack
from diat.data.packing import prepare
from diat.errors import TrainingStopped
from diat.training.adversarial import train_transfer, transfer_batches
from diat.training.recipes import ENHANCED, TransferConfig, transfer_config
from diat.training.run import Schedule
from diat.training.start import first_players

# A checkpoint of T, D, their optimisers and the average, twice, while the next is written aside.
DISK_NEEDED = 600 * 2**20


def parse_transfer(description: str, variants: tuple[str, ...]) -> argparse.Namespace:
    """The options of a script that trains T; the first variant is the default."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--attribute", required=True, help=f"{', '.join(ATTRIBUTES)}, or Smiling, not-Bangs, ...")
    parser.add_argument("--region", choices=REGIONS, help="where it may change the face, if not where it usually does")
    parser.add_argument("--dataset", default=DEFAULT_DATASET, help="Hub id or folder, packed if --pack does not exist")
    parser.add_argument("--pack", type=Path, default=Path("data/celeba.pack"), help="the data, from prepare.py")
    parser.add_argument("--output", type=Path, help="log, samples, checkpoints, model (default runs/ATTRIBUTE)")
    parser.add_argument("--variant", choices=variants, default=variants[0])
    parser.add_argument("--recipe", choices=("release", "paper"), default="release")
    parser.add_argument("--pretrained", type=Path, help="folder of pretrain.py: T, D, and f where the variant needs it")
    parser.add_argument("--init", type=Path, help="start from T and D of a checkpoint, or T of a model's folder")
    parser.add_argument("--resume", action="store_true", help="go on from the newest checkpoint of --output")
    parser.add_argument("--dry-run", action="store_true", help="say what would be trained on what, and stop")
    for name, kind in (("size", int), ("batch", int), ("steps", int), ("seed", int), ("num-inputs", int)):
        parser.add_argument(f"--{name}", type=kind)
    parser.add_argument(
        "--set", nargs="*", default=[], metavar="NAME=VALUE", help="any setting of diat/training/recipes.py"
    )
    parser.add_argument("--mixed-precision", choices=("no", "bf16"), help="as accelerate's own option")
    parser.add_argument("--log-every", type=int, default=25, help="steps")
    parser.add_argument("--sample-every", type=int, default=500, help="steps")
    parser.add_argument("--save-every", type=int, default=500, help="steps")
    return parser.parse_args()


def run_transfer(args: argparse.Namespace) -> None:
    """Train, or say what would be trained."""
    config = config_of(args)
    board = config.output / "tensorboard"
    accelerator = Accelerator(mixed_precision=args.mixed_precision, log_with="tensorboard", project_dir=board)
    if args.dry_run:
        describe(config, accelerator)
        first_players(config, args)
        return
    if not config.pack.exists():
        prepare(args.dataset, config.pack)
    check_disk(config.output)
    schedule = Schedule(args.log_every, args.sample_every, args.save_every, args.resume)
    players = first_players(config, args)
    model = train_transfer(config, players, schedule, accelerator)
    accelerator.end_training()
    if accelerator.is_main_process:
        print(f"The model is in {model}.")
        if config.variant in ENHANCED:
            print(f"{config.variant} goes on with: python train/enhance.py --transform {model}")


def config_of(args: argparse.Namespace) -> TransferConfig:
    given = {name: getattr(args, name) for name in ("size", "batch", "steps", "seed", "num_inputs")}
    for text in args.set:
        name, _, value = text.partition("=")
        try:
            given[name] = json.loads(value)
        except json.JSONDecodeError:
            given[name] = value
    output = args.output or Path("runs") / args.attribute
    attribute_spec(args.attribute, args.region)  # a misspelt name is refused before anything else
    return transfer_config(args.attribute, args.pack, output, args.variant, args.recipe, args.region, **given)


def describe(config: TransferConfig, accelerator: Accelerator) -> None:
    pack = open_pack(config.pack)
    batches = transfer_batches(pack, config, "train", config.batch, accelerator)
    print(json.dumps(config.as_json(), indent=1))
    print(f"input set {len(batches.inputs)} images, guided set {len(batches.guided)}, of {len(pack.crops)} packed")
    print(f"{config.steps} steps of {config.batch} on {accelerator.num_processes} process(es), {accelerator.device}")


def check_disk(output: Path) -> None:
    existing = next(folder for folder in (output, *output.absolute().parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    if free < DISK_NEEDED:
        raise TrainingStopped(
            f"{existing} has {free / 2**20:.0f} MiB free, and a run keeps up to {DISK_NEEDED // 2**20}: make room."
        )
