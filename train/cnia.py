"""CNIA's pictures (Li, Zuo and Zhang 2016), the paper's first baseline: each face optimised by itself (Fig. 6).

    python train/cnia.py --attribute eyeglasses_remove --pack data/celeba.pack --output runs/paper/cnia
    python train/evaluate.py --models runs/... --pictures runs/paper/cnia --dataset flwrlabs/celeba

Takes seconds to minutes a face on a processor. Stopped, it goes on with the faces that are missing.
`diat/baselines/cnia.py` says what is minimised; the seconds a face took are printed at the end.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from commandline import parse, run_command
from launch import new_accelerator

from diat.attributes import attribute_spec
from diat.baselines.cnia import CniaSettings, most_alike, optimise, thumbs
from diat.baselines.pictures import Method, baseline_faces, make_pictures
from diat.data.crops import Augmentation, CropLoader
from diat.data.pack import open_pack
from diat.data.sets import guided_set
from diat.pixels import F32, U8
from diat.tensors import to_crops
from diat.training.vgg_face import IMAGENET, load_features


@dataclass(frozen=True, kw_only=True)
class CniaCommand(CniaSettings):
    """Which faces are optimised, and how."""

    attribute: str  # what is changed
    output: Path  # the pictures go here
    pack: Path = Path("data/celeba.pack")  # the data, from train/prepare.py
    faces: int = 64  # of the validation part, without the attribute
    features: str = IMAGENET  # phi: this stand-in, a file of VGG-Face, or a Hub repository


def main() -> None:
    command = parse(CniaCommand, __doc__)
    spec, pack = attribute_spec(command.attribute), open_pack(command.pack)
    device = new_accelerator(None).device
    phi = load_features(command.features).to(device)
    rows, guided = baseline_faces(pack, spec, command.faces), guided_set(pack, spec)
    guided_thumbs = thumbs(pack.crops[guided])
    loader = CropLoader(pack, spec, command.size, windowed=False)
    still = Augmentation(flip=False, dy=0, dx=0)
    seconds: list[float] = []

    def make(number: int) -> U8:
        began = time.monotonic()
        row = rows[number : number + 1]
        mask = loader.masks(row, [still])
        where: F32 = mask[0, 0].numpy()
        chosen = guided[most_alike(pack.crops[row[0]], guided_thumbs, where, command.neighbours)]
        source = loader.images(row, [still]).to(device)
        like = loader.images(chosen, [still] * len(chosen)).to(device)
        picture, _ = optimise(source, like, mask.to(device), spec, phi, command)
        seconds.append(time.monotonic() - began)
        made: U8 = to_crops(picture)[0]
        return made

    settings = {**asdict(command), "pack": pack.digest[:12]}
    for name in ("attribute", "output", "faces"):  # what does not change a picture
        settings.pop(name)
    make_pictures(command.output, Method("CNIA", spec.name, settings), pack.crops[rows], make)
    if seconds:
        where = f"{torch.get_num_threads()} thread(s)" if device.type == "cpu" else str(device)
        print(f"{np.median(seconds):.1f} s a face (median of {len(seconds)}) on {where}, size {command.size}")


if __name__ == "__main__":
    run_command(main)
