"""Data speed: how fast CelebA is read and cropped against bare decoding, and how fast a pack feeds training.

    python benchmarks/data.py --dataset /data/celeba --pack data/celeba.pack

The bare path decodes JPEGs that lie in memory and resizes them, with OpenCV; the project's path reads the same
photographs through `datasets` as prepare.py does. Both without detection, on one thread, interleaved; the best of the
rounds counts.
"""

from __future__ import annotations

import json
import time
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from common import option_parser

from diat.data.celeba import CROP_TOP, IMAGE_WIDTH, centre_crop, stream_records
from diat.data.pack import open_pack
from diat.data.sets import order
from diat.pixels import decompressed


def bare(jpegs: list[bytes], size: int) -> float:
    start = time.perf_counter()
    for jpeg in jpegs:
        image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)
        if image is None:
            raise ValueError("an image of the data set cannot be decoded")
        cv2.resize(image[CROP_TOP : CROP_TOP + IMAGE_WIDTH], (size, size), interpolation=cv2.INTER_AREA)
    return len(jpegs) / (time.perf_counter() - start)


def packing(dataset: str, count: int, size: int) -> float:
    records = stream_records(dataset, "train")
    next(records)  # opening the files is paid once
    start = time.perf_counter()
    for record in islice(records, count):
        centre_crop(decompressed(record.jpeg), size)
    return count / (time.perf_counter() - start)


def feeding(path: Path, count: int, batch: int) -> float:
    pack = open_pack(path)
    start = time.perf_counter()
    for step in range(count // batch):
        rows = order(len(pack.crops), batch, 0, step)
        np.stack([pack.crops[row] for row in rows])
    return count / (time.perf_counter() - start)


def main() -> None:
    parser = option_parser(__doc__)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--count", type=int, default=4000)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=4)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    jpegs = [record.jpeg for record in islice(stream_records(args.dataset, "train"), args.count)]
    best = {"bare decode + resize": 0.0, "packing": 0.0, "pack feeding": 0.0}
    for _ in range(args.rounds):
        best["bare decode + resize"] = max(best["bare decode + resize"], bare(jpegs, 128))
        best["packing"] = max(best["packing"], packing(args.dataset, args.count, 128))
        best["pack feeding"] = max(best["pack feeding"], feeding(args.pack, 4 * args.count, args.batch))
    for name, value in best.items():
        print(f"{name:22} {value:9.0f} images/s  {value / best['bare decode + resize']:.2f} of bare")
    print(json.dumps({"count": args.count, "images_per_second": best}))


if __name__ == "__main__":
    main()
