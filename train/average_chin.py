"""Make the average chin that is laid where a beard is taken; see diat/native/chin.py.

python train/average_chin.py --pack data/hq256.pack --output diat/weights/average_chin.safetensors
"""

from __future__ import annotations

import argparse
from pathlib import Path

from commandline import OptionsHelp, run_command
from safetensors.numpy import save

from diat.data.average_chin import average_chin
from diat.data.pack import open_pack
from diat.files import write_file
from diat.native.chin import AVERAGE_CHIN


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=OptionsHelp)
    parser.add_argument("--pack", type=Path, default=Path("data/celeba256.pack"), help="the data, from prepare.py")
    parser.add_argument("--output", type=Path, default=AVERAGE_CHIN, help="the chin")
    args = parser.parse_args()
    write_file(args.output, save(average_chin(open_pack(args.pack))))
    print(f"{args.output} is made.")


if __name__ == "__main__":
    run_command(main)
