"""VGG-Face as published (Parkhi et al. 2015) -> a file for ``--features``, in place of ImageNet's VGG-16.

    python train/convert_vgg_face.py vgg_face.mat data/vgg_face.safetensors
    python train/diat_vgg.py --attribute mouth_close --recipe paper --features data/vgg_face.safetensors ...

Takes Oxford's vgg_face.mat for MatConvNet (https://www.robots.ox.ac.uk/~vgg/software/vgg_face/) or a state dict of
PyTorch with its layers' names; only the first five convolutions are kept. Its terms are its authors' own.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from commandline import OptionsHelp, run_command
from safetensors.torch import save

from diat.files import write_file
from diat.training.vgg_face import load_features
from diat.training.vgg_face_file import published_tensors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=OptionsHelp)
    parser.add_argument("published", type=Path, help="vgg_face.mat, or a state dict of PyTorch")
    parser.add_argument("output", type=Path, help="the safetensors file to write")
    args = parser.parse_args()
    tensors = published_tensors(args.published)
    write_file(args.output, save(tensors))
    load_features(str(args.output))
    print(f"{args.output}: {len(tensors)} tensors; name it with --features {args.output}")


if __name__ == "__main__":
    run_command(main)
