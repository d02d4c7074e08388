"""DIAT: train T against D with the identity loss on VGG features and the perceptual regularisation (Eq. 7).

    python train/pretrain.py --what all --attribute male_to_female --pack data/celeba.pack --output runs/pretrained
    python train/diat_vgg.py --attribute male_to_female --recipe paper --pretrained runs/pretrained
    python train/diat_vgg.py --variant DIAT1 --attribute male_to_female --recipe paper --from-scratch

The variants of section 5.1: DIAT (followed by enhance.py), DIAT1 (the attribute loss alone), DIAT2 (no regularisation),
DIAT3 (no enhancement). The features are those of ``--features``: by default ImageNet's VGG-16, not VGG-Face.
"""

from __future__ import annotations

from commandline import run_command
from launch import parse_transfer, run_transfer

if __name__ == "__main__":
    run_command(lambda: run_transfer(parse_transfer(__doc__, variants=("DIAT", "DIAT1", "DIAT2", "DIAT3"))))
