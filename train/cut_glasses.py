"""Cut the glasses out of the training photographs that show some, for the pairs of eyeglasses_remove.

    python train/cut_glasses.py --model diat/weights/eyeglasses_remove --pack data/celeba.pack
    python train/diat_a.py --attribute eyeglasses_remove --borrowed data/glasses.safetensors

Where a trained T changes a face, glasses are. T learns from them on other faces, whose own eyes are known, and leaves
fewer behind; a T so trained cuts better.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
import torch
from commandline import OptionsHelp, run_command
from tqdm import tqdm

from diat.align import rescaled, resized
from diat.attributes import attribute_spec
from diat.data.glasses import save_borrowed
from diat.data.pack import open_pack
from diat.data.sets import input_set
from diat.hub import load_model
from diat.masks import attribute_mask, interocular
from diat.models import load_networks
from diat.pixels import F32, U8, contact_sheet, save_image
from diat.tensors import to_tensor

# Set by eye, on the contact sheet that the script leaves.
CHANGED = 14  # levels of 255 from which a pixel counts as changed
INSIDE = 0.02  # of the region's mask, from which it counts
SMOOTHING, SOFTENING = 0.7, 0.8  # standard deviations, in pixels, of the blur before and after
SMALLEST = 25  # pixels of a part that is kept
COVER = (0.012, 0.14)  # share of the crop that glasses cover; less is half a pair, more a hat as well
SHOWN = 64  # pairs of glasses on the contact sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=OptionsHelp)
    parser.add_argument("--model", type=Path, default=Path("diat/weights/eyeglasses_remove"), help="takes them off")
    parser.add_argument("--pack", type=Path, default=Path("data/celeba.pack"), help="the data, from prepare.py")
    parser.add_argument("--output", type=Path, default=Path("data/glasses.safetensors"), help="the glasses")
    parser.add_argument("--batch", type=int, default=16, help="images at a time")
    args = parser.parse_args()
    pack, spec = open_pack(args.pack), attribute_spec("eyeglasses_remove")
    model = load_model(args.model)
    transform, _ = load_networks(model)
    size = model.config.size
    candidates = input_set(pack, spec)
    candidates = candidates[~pack.column("Wearing_Hat")[candidates]]  # a brim's shadow changes too
    rows: list[int] = []
    cuts: list[U8] = []
    for start in tqdm(range(0, len(candidates), args.batch), desc="cutting"):
        some = candidates[start : start + args.batch]
        images = to_tensor(np.stack([resized(pack.crops[row], size) for row in some]))
        with torch.inference_mode():
            change = (transform(images) - images).abs().amax(1).mul(127.5).numpy()
        for row, moved in zip(some.tolist(), change, strict=True):
            points = rescaled(pack.points68[row], pack.size, size)
            cut = cut_out(moved, points, attribute_mask(spec, points, size))
            cut = np.asarray(cv2.resize(cut, (pack.size, pack.size), interpolation=cv2.INTER_LINEAR), np.uint8)
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


def cut_out(change: F32, points68: F32, mask: F32) -> U8:
    """Where the glasses are, (S, S) 0 to 255, from how far T moved each pixel."""
    changed = (cv2.GaussianBlur(change.astype(np.float32), (0, 0), SMOOTHING) > CHANGED) & (mask > INSIDE)
    core = cv2.morphologyEx(changed.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    core = cv2.dilate(core, np.ones((3, 3), np.uint8))
    # What lies wholly above the brows or below the eyes is hair or a cheek.
    eyes = points68[36:48, 1]
    reach = interocular(points68) / 2
    count, labels, stats, _ = cv2.connectedComponentsWithStats(core)
    for part in range(1, count):
        top, height, area = stats[part, [cv2.CC_STAT_TOP, cv2.CC_STAT_HEIGHT, cv2.CC_STAT_AREA]]
        if area < SMALLEST or top + height < eyes.min() - reach / 2 or top > eyes.max() + reach:
            core[labels == part] = 0
    return np.rint(255 * cv2.GaussianBlur(core.astype(np.float32), (0, 0), SOFTENING)).astype(np.uint8)


if __name__ == "__main__":
    run_command(main)
