"""DIAT-A: train the transform network T of one attribute against D, with the adaptive identity loss (Eq. 14).

    python train/diat_a.py --attribute mouth_close --dataset flwrlabs/celeba --output runs/mouth_close
    accelerate launch --quiet --multi_gpu train/diat_a.py --attribute mouth_close --mixed-precision bf16
    python train/diat_a.py --attribute mouth_close --recipe paper --pretrained runs/pretrained

The ``release`` recipe (the default) makes the project's own weights; ``--recipe paper`` is docs/paper.md's. The data is
packed once from ``--dataset`` if ``--pack`` does not exist yet. A stopped run goes on with ``--resume``.
"""

from __future__ import annotations

from commandline import run_command
from launch import parse_transfer, run_transfer

if __name__ == "__main__":
    run_command(lambda: run_transfer(parse_transfer(__doc__, variants=("DIAT-A", "DIAT-A0"))))
