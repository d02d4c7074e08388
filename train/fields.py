"""Train a network with heads, which says how to change a photograph, on fields that are known.

    python train/prepare.py --dataset flwrlabs/celeba --output data/celeba192.pack --size 192
    python train/fields.py --attribute mouth_close --pack data/celeba192.pack
    python train/fields.py --attribute mouth_close --pack data/celeba192.pack --resume
    python train/fields.py --attribute eyeglasses_remove --pack data/celeba256.pack --borrowed data/glasses.safetensors
    python train/fields.py --attribute older_to_younger --dataset data/celeba_hq --split train512 train256

Fields of the whole face (younger, male to female) are learnt from photographs with detail: a folder of parquet files in
CelebA's schema, some with a ``mask`` column, CelebAMask-HQ's parsing as PNG.

`runs/ATTRIBUTE/model` is written beside every checkpoint; it runs like a released one (`diat photo.jpg --model ...`).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from itertools import chain
from pathlib import Path

from commandline import run_command
from tqdm import tqdm

from diat.attributes import attribute_spec
from diat.data.celeba import stream_records
from diat.data.fields_glasses import GlassesBatches
from diat.data.glasses import load_borrowed
from diat.data.mouth_windows import MouthBatches
from diat.data.pack import Pack, open_pack
from diat.data.skin_faces import collect
from diat.detector import InsightFaceDetector
from diat.errors import TrainingStopped
from diat.training.fields import FieldsConfig, FieldTask, train_fields
from diat.training.fields_glasses import GlassesTask
from diat.training.fields_mouths import MouthTask
from diat.training.fields_skin import SkinTask


def _mouth(args: argparse.Namespace, config: FieldsConfig) -> FieldTask:
    return MouthTask(MouthBatches(_pack(args), config.attribute, config.batch, config.seed))


def _glasses(args: argparse.Namespace, config: FieldsConfig) -> FieldTask:
    pack = _pack(args)
    lent = load_borrowed(args.borrowed, pack) if args.borrowed else None
    return GlassesTask(GlassesBatches(pack, config.batch, config.seed, lent))


def _skin(args: argparse.Namespace, config: FieldsConfig) -> FieldTask:
    if args.dataset is None:
        raise TrainingStopped(f"{config.attribute} is learnt from photographs: give --dataset and --split.")
    records = chain.from_iterable(stream_records(args.dataset, split) for split in args.split)
    faces = collect(tqdm(records, desc="faces", mininterval=2), InsightFaceDetector(detection_sizes=(320, 640)))
    return SkinTask(faces, attribute_spec(config.attribute), config.batch, config.seed)


def _pack(args: argparse.Namespace) -> Pack:
    if args.pack is None:
        raise TrainingStopped(f"{args.attribute} is learnt from a pack: give --pack, made by train/prepare.py.")
    return open_pack(args.pack)


# What each attribute predicts (a name in diat.heads.HEADS) and learns from.
TASKS: dict[str, tuple[str, Callable[[argparse.Namespace, FieldsConfig], FieldTask]]] = {
    "mouth_close": ("mouth_close", _mouth),
    "mouth_open": ("mouth_open", _mouth),
    "eyeglasses_remove": ("eyeglasses", _glasses),
    "older_to_younger": ("skin", _skin),
    "male_to_female": ("skin", _skin),
}


def main() -> None:
    args = parse_args()
    heads, task = TASKS[args.attribute]
    config = FieldsConfig(args.attribute, heads, args.steps, args.batch, args.learning_rate, seed=args.seed)
    output = args.output or Path("runs") / args.attribute
    model = train_fields(config, task(args, config), output, args.resume, args.init)
    print(f"The model is in {model}.")


def parse_args() -> argparse.Namespace:
    defaults = FieldsConfig("", "")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--attribute", required=True, choices=TASKS)
    parser.add_argument("--pack", type=Path, help="the data of mouths and glasses, from prepare.py")
    parser.add_argument("--borrowed", type=Path, help="for eyeglasses_remove: real glasses, from cut_glasses.py")
    parser.add_argument("--dataset", help="the data of whole faces: a Hub id, or a folder of CelebA's schema")
    parser.add_argument("--split", nargs="+", default=["train"], help="its parts to learn from (default train)")
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
