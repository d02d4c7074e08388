"""Make the average eyes that are laid behind dark lenses; see diat/native/eyes.py.

The pack is of faces with detail, as `train/prepare.py --size 256` makes it of CelebA-HQ.

    python train/average_eyes.py --pack data/hq256.pack --output diat/weights/average_eyes.safetensors
"""

from __future__ import annotations

import argparse
from pathlib import Path

from commandline import OptionsHelp, run_command
from safetensors.numpy import save

from diat.data.average_eyes import AVERAGED, average_eyes
from diat.data.pack import open_pack
from diat.files import write_file
from diat.native.eyes import AVERAGE_EYES


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=OptionsHelp)
    parser.add_argument("--pack", type=Path, default=Path("data/celeba256.pack"), help="the data, from prepare.py")
    parser.add_argument("--output", type=Path, default=AVERAGE_EYES, help="the eyes")
    args = parser.parse_args()
    write_file(args.output, save(average_eyes(open_pack(args.pack))))
    print(f"{args.output}: each the average of {AVERAGED} eyes.")


if __name__ == "__main__":
    run_command(main)
