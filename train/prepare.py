"""CelebA -> one pack of aligned crops with labels and landmarks, which trains without `datasets`.

    python train/prepare.py --dataset flwrlabs/celeba --output data/celeba.pack
    python train/prepare.py --dataset /data/celeba --output data/celeba64.pack --size 64
    python train/prepare.py --dataset /data/celeba --output data/small.pack --webp 70   # small enough to send
    torchrun --nproc_per_node 8 train/prepare.py --output data/celeba.pack              # the images shared out

It goes on where it was stopped: finished shards lie beside the output, in OUTPUT.partial/.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from commandline import OptionsHelp, run_command

from diat.align import CROP_SIZE
from diat.data.celeba import DEFAULT_DATASET
from diat.data.packing import prepare

DEFAULT_PACK = Path("data/celeba.pack")  # where the trainings look for it


def main() -> None:
    args = parse_args()
    prepare(args.dataset, args.output, args.size, args.webp, args.limit, args.landmarks)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=OptionsHelp)
    parser.add_argument(
        "--dataset",
        default=DEFAULT_DATASET,
        help="Hub id, or a folder with CelebA's parquet files",
    )
    parser.add_argument("--output", type=Path, default=DEFAULT_PACK, help="the pack to write")
    parser.add_argument("--size", type=int, default=CROP_SIZE, help="side of a crop in pixels")
    parser.add_argument("--webp", type=int, metavar="QUALITY", help="store crops as WebP of this quality, not raw")
    parser.add_argument("--landmarks", type=Path, help="CelebA's list_landmarks_align_celeba.txt, instead of detection")
    parser.add_argument("--limit", type=int, help="at most this many records of each split")
    return parser.parse_args()


if __name__ == "__main__":
    run_command(main)
