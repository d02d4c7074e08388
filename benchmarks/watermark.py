"""How often the invisible mark is found, and how often where it is not: counts of photographs in a folder.

python benchmarks/watermark.py FOLDER [--limit 500]
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from diat.errors import PhotoRejected
from diat.formats import SUFFIXES
from diat.photo import open_photo
from diat.pixels import U8
from diat.watermark import THRESHOLD, score, watermarked


def jpeg(pixels: U8, quality: int) -> U8:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer), np.uint8)


def scaled(pixels: U8, factor: float, how: int) -> U8:
    size = [max(1, round(side * factor)) for side in pixels.shape[1::-1]]
    return np.asarray(cv2.resize(pixels, size, interpolation=how), np.uint8)


def trimmed(pixels: U8) -> U8:
    height, width = pixels.shape[:2]
    return pixels[height // 50 : -(height // 50), width // 50 : -(width // 50)]


WAYS: dict[str, Callable[[U8], U8]] = {
    "PNG": lambda pixels: pixels,
    "JPEG 75": lambda pixels: jpeg(pixels, 75),
    "halved": lambda pixels: scaled(pixels, 0.5, cv2.INTER_AREA),
    "halved, then JPEG 75": lambda pixels: jpeg(scaled(pixels, 0.5, cv2.INTER_AREA), 75),
    "a screenshot (73 %, JPEG 80)": lambda pixels: jpeg(scaled(pixels, 0.73, cv2.INTER_LINEAR), 80),
    "enlarged by half, JPEG 75": lambda pixels: jpeg(scaled(pixels, 1.5, cv2.INTER_CUBIC), 75),
    "2 % cut off each edge": trimmed,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--limit", type=int, default=500, help="photographs (default 500)")
    args = parser.parse_args()
    found: dict[str, list[float]] = {way: [] for way in WAYS}
    without: dict[str, list[float]] = {way: [] for way in WAYS}
    decibels = []
    for path in sorted(path for path in args.folder.rglob("*") if path.suffix.lower() in SUFFIXES)[: args.limit]:
        try:
            pixels = open_photo(path).pixels
        except PhotoRejected:
            continue
        marked = watermarked(pixels)
        error = float(np.mean((marked.astype(np.float32) - pixels) ** 2))
        decibels.append(10 * np.log10(255**2 / max(error, 1e-9)))
        for way, change in WAYS.items():
            found[way].append(score(change(marked)))
            without[way].append(score(change(pixels)))
    low, middle = np.percentile(decibels, [0, 50])
    print(f"{len(decibels)} photographs; PSNR of the mark: median {middle:.1f} dB, least {low:.1f} dB")
    print("| way | found | least and median score | found without a mark | mean, spread and most without |")
    print("|---|---|---|---|---|")
    for way in WAYS:
        yes, no = np.array(found[way]), np.array(without[way])
        print(
            f"| {way} | {(yes > THRESHOLD).sum()} of {len(yes)} | {yes.min():.1f}, {np.median(yes):.1f} | "
            f"{(no > THRESHOLD).sum()} of {len(no)} | {no.mean():.2f}, {no.std():.2f}, {no.max():.1f} |"
        )


if __name__ == "__main__":
    main()
