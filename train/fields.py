"""Train a network with heads, which says how to change a photograph, on fields that are known.

    python train/prepare.py --dataset flwrlabs/celeba --output data/celeba192.pack --size 192
    python train/fields.py --attribute mouth_close --pack data/celeba192.pack
    python train/fields.py --attribute mouth_close --pack data/celeba192.pack --resume
    python train/fields.py --attribute eyeglasses_remove --pack data/celeba256.pack --borrowed data/glasses.safetensors

`runs/ATTRIBUTE/model` is written beside every checkpoint; it runs like a released one (`diat photo.jpg --model ...`).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from commandline import run_command

from diat.data.fields_glasses import GlassesBatches
from diat.data.glasses import load_borrowed
from diat.data.mouth_windows import MouthBatches
from diat.data.pack import Pack, open_pack
from diat.training.fields import FieldsConfig, FieldTask, train_fields
from diat.training.fields_glasses import GlassesTask
from diat.training.fields_mouths import MouthTask


def _mouth(pack: Pack, config: FieldsConfig, borrowed: Path | None) -> FieldTask:
    return MouthTask(MouthBatches(pack, config.attribute, config.batch, config.seed))


def _glasses(pack: Pack, config: FieldsConfig, borrowed: Path | None) -> FieldTask:
    lent = load_borrowed(borrowed, pack) if borrowed else None
    return GlassesTask(GlassesBatches(pack, config.batch, config.seed, lent))


# What each attribute predicts (a name in diat.heads.HEADS) and learns from.
TASKS: dict[str, tuple[str, Callable[[Pack, FieldsConfig, Path | None], FieldTask]]] = {
    "mouth_close": ("mouth_close", _mouth),
    "mouth_open": ("mouth_open", _mouth),
    "eyeglasses_remove": ("eyeglasses", _glasses),
}


def main() -> None:
    args = parse_args()
    heads, task = TASKS[args.attribute]
    config = FieldsConfig(args.attribute, heads, args.steps, args.batch, args.learning_rate, seed=args.seed)
    output = args.output or Path("runs") / args.attribute
    model = train_fields(config, task(open_pack(args.pack), config, args.borrowed), output, args.resume, args.init)
    print(f"The model is in {model}.")


def parse_args() -> argparse.Namespace:
    defaults = FieldsConfig("", "")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--attribute", required=True, choices=TASKS)
    parser.add_argument("--pack", type=Path, required=True, help="the data, from prepare.py")
    parser.add_argument("--borrowed", type=Path, help="for eyeglasses_remove: real glasses, from cut_glasses.py")
    parser.add_argument("--output", type=Path, help="log, checkpoints, model (default runs/ATTRIBUTE)")
    parser.add_argument("--init", help="a model with the same heads to start from")
    parser.add_argument("--resume", action="store_true", help="go on from the newest checkpoint of --output")
    parser.add_argument("--steps", type=int, default=defaults.steps)
    parser.add_argument("--batch", type=int, default=defaults.batch, help="images a step")
    parser.add_argument("--learning-rate", type=float, default=defaults.learning_rate)
    parser.add_argument("--seed", type=int, default=defaults.seed)
    return parser.parse_args()


if __name__ == "__main__":
    run_command(main)
