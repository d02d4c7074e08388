"""Cut the glasses out of the training photographs that show some, for the pairs of eyeglasses_remove.

    python train/cut_glasses.py --model diat/weights/eyeglasses_remove --pack data/celeba.pack
    python train/diat_a.py --attribute eyeglasses_remove --borrowed data/glasses.safetensors

Where a trained model changes a face, glasses are; of these places, rims and dark lenses are kept. Put onto other faces,
whose own eyes are known, they teach the next model, which leaves fewer behind; a model so trained cuts better.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
from commandline import OptionsHelp, run_command
from numpy.typing import NDArray
from tqdm import tqdm

from diat.align import CROP_SIZE, rescaled, resized
from diat.attributes import attribute_spec
from diat.data.glasses import save_borrowed
from diat.data.glasses_cut import changed_glasses, rims_and_dark_lenses
from diat.data.pack import Pack, open_pack
from diat.data.sets import input_set
from diat.heads import RGB
from diat.hub import load_model
from diat.masks import attribute_mask
from diat.models import Model, load_networks
from diat.networks import TransformNetwork
from diat.pixels import U8, contact_sheet, save_image
from diat.runtime.engine import FieldEngine
from diat.tensors import to_tensor

COVER = (0.006, 0.14)  # share of the crop that glasses cover; less is half a pair, more a hat as well
SHOWN = 64  # pairs of glasses on the contact sheet

Finder = Callable[[U8, list[NDArray[np.float32]]], list[U8]]  # crops and their points -> where glasses are, roughly


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=OptionsHelp)
    parser.add_argument("--model", type=Path, default=Path("diat/weights/eyeglasses_remove"), help="takes them off")
    parser.add_argument("--pack", type=Path, default=Path("data/celeba.pack"), help="the data, from prepare.py")
    parser.add_argument("--output", type=Path, default=Path("data/glasses.safetensors"), help="the glasses")
    parser.add_argument("--batch", type=int, default=16, help="images at a time")
    args = parser.parse_args()
    pack, spec = open_pack(args.pack), attribute_spec("eyeglasses_remove")
    model = load_model(args.model)
    find, size = finder(model), model.config.size
    candidates = input_set(pack, spec)
    candidates = candidates[~pack.column("Wearing_Hat")[candidates]]  # a brim's shadow changes too
    rows: list[int] = []
    cuts: list[U8] = []
    for start in tqdm(range(0, len(candidates), args.batch), desc="cutting"):
        some = candidates[start : start + args.batch].tolist()
        points = [rescaled(pack.points68[row], pack.size, size) for row in some]
        found = find(np.stack([resized(pack.crops[row], size) for row in some]), points)
        for row, coarse in zip(some, found, strict=True):
            cut = _cut_out(pack, row, coarse)
            if COVER[0] <= (cut > 127).mean() <= COVER[1]:
                rows.append(row)
                cuts.append(cut)
    if not rows:
        sys.exit(f"cut_glasses: {args.model} changes no glasses of {args.pack} enough to cut any out.")
    save_borrowed(args.output, pack, rows, np.stack(cuts))
    shown = [
        (np.asarray(pack.crops[r]), np.repeat(c[..., None], 3, 2)) for r, c in zip(rows[:SHOWN], cuts, strict=False)
    ]
    save_image(args.output.with_suffix(".png"), contact_sheet(shown, columns=8))
    print(f"{args.output}: {len(rows)} pairs of glasses out of {len(candidates)} photographs.")


def finder(model: Model) -> Finder:
    """What finds glasses: a T by what it changes, a network with heads by what it says must be replaced."""
    if model.config.heads != RGB:
        return partial(_replaced, FieldEngine(model))
    return partial(_changed, load_networks(model)[0])


def _changed(transform: TransformNetwork, crops: U8, points: list[NDArray[np.float32]]) -> list[U8]:
    images, size, spec = to_tensor(crops), crops.shape[1], attribute_spec("eyeglasses_remove")
    with torch.inference_mode():
        changes = (transform(images) - images).abs().amax(1).mul(127.5).numpy()
    return [
        changed_glasses(change, of_face, attribute_mask(spec, of_face, size))
        for change, of_face in zip(changes, points, strict=True)
    ]


def _replaced(engine: FieldEngine, crops: U8, points: list[NDArray[np.float32]]) -> list[U8]:
    size = crops.shape[1]
    left, top, right, bottom = (side * size // CROP_SIZE for side in engine.heads.window)
    found = np.zeros(crops.shape[:3], np.uint8)
    windows = np.ascontiguousarray(crops[:, top:bottom, left:right])
    for cut, fields in zip(found, engine.fields(windows), strict=True):
        logit = cv2.resize(fields.named_maps["alpha"], (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)
        cut[top:bottom, left:right] = np.rint(255 / (1 + np.exp(-np.clip(logit, -30, 30))))
    return list(found)


def _cut_out(pack: Pack, row: int, coarse: U8) -> U8:
    crop = np.asarray(pack.crops[row])
    fitted = np.asarray(cv2.resize(coarse, (pack.size, pack.size), interpolation=cv2.INTER_LINEAR), np.uint8)
    return rims_and_dark_lenses(crop, fitted, pack.points68[row], pack.size / CROP_SIZE)


if __name__ == "__main__":
    run_command(main)
