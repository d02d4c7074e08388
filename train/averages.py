"""Make the averages that take the place of what a photograph does not show; see diat/native/eyes.py and chin.py.

The pack is of faces with detail, as `train/prepare.py --size 256` makes it of CelebA-HQ.

    python train/averages.py eyes --pack data/hq256.pack
    python train/averages.py chin --pack data/hq256.pack --output chin.safetensors
"""

from __future__ import annotations

import argparse
from pathlib import Path

from commandline import OptionsHelp, run_command
from safetensors.numpy import save

from diat.data.average_chin import average_chin
from diat.data.average_eyes import average_eyes
from diat.data.pack import open_pack
from diat.files import write_file
from diat.native.chin import AVERAGE_CHIN
from diat.native.eyes import AVERAGE_EYES

AVERAGES = {"eyes": (average_eyes, AVERAGE_EYES), "chin": (average_chin, AVERAGE_CHIN)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=OptionsHelp)
    parser.add_argument("of", choices=AVERAGES, help="behind dark lenses, or where a beard is taken")
    parser.add_argument("--pack", type=Path, default=Path("data/celeba256.pack"), help="the data, from prepare.py")
    parser.add_argument("--output", type=Path, help="the file; that of this package when not given")
    args = parser.parse_args()
    average, usual = AVERAGES[args.of]
    output = args.output or usual
    write_file(output, save(average(open_pack(args.pack))))
    print(f"{output} is made.")


if __name__ == "__main__":
    run_command(main)
