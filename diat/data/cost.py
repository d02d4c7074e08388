"""What it costs to make a pack: time, disk and network, said before it begins."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from diat.data.celeba import reach_hub
from diat.errors import TrainingStopped

DETECTED_A_SECOND = 28  # images, on one core of a 2.5 GHz server processor (CelebA, faces at 320 pixels)
WEBP_SHARE = 0.08  # of a raw crop, at quality 70 to 90
LABELS = 700  # bytes of an image beside its crop: 40 attributes, identity, 73 points


@dataclass(frozen=True)
class Size:
    """How much a data set holds; None where it does not say."""

    images: int | None
    bytes: int | None  # of its files, which are fetched where they are not here
    local: bool


def size_of(dataset: str, splits: Sequence[str], limit: int | None = None) -> Size:
    """Look at a data set without reading an image.

    Args:
        dataset: Hub id, or a folder of parquet files named ``<split>-*.parquet``.
        splits: which of its parts.
        limit: at most this many images of each.
    """
    if Path(dataset).is_dir():
        from pyarrow import ArrowInvalid
        from pyarrow.parquet import ParquetFile

        counts, total = [], 0
        for split in splits:
            files = sorted(Path(dataset).glob(f"{split}-*.parquet"))
            try:
                rows = sum(int(ParquetFile(path).metadata.num_rows) for path in files)
            except ArrowInvalid:  # whoever reads it says what is wrong with it
                return Size(None, None, True)
            counts.append(rows)
            total += sum(path.stat().st_size for path in files)
        return Size(sum(min(rows, limit or rows) for rows in counts), total, True)
    from datasets import load_dataset_builder

    try:
        reach_hub(dataset)
        info = load_dataset_builder(dataset).info
    except Exception:  # noqa: BLE001 - likewise; the clients let whatever their transport raises through
        return Size(None, None, False)
    known = [info.splits[split] for split in splits if info.splits and split in info.splits]
    images = sum(min(part.num_examples, limit or part.num_examples) for part in known) if known else None
    return Size(images, info.download_size, False)


def cost(size: Size, output: Path, side: int, webp: bool, processes: int) -> str:
    """What making the pack will take, in one sentence.

    Args:
        size: of the data set.
        output: the pack.
        side: of a crop in pixels.
        webp: whether crops are stored as WebP.
        processes: that share the images out.

    Raises:
        TrainingStopped: the disk has not enough room.
    """
    network = ""
    if not size.local:
        network = "all of the data set's files" if size.bytes is None else f"about {size.bytes / 2**30:.1f} GiB"
        network = f", {network} from the network"
    if size.images is None:
        return (
            f"{output} will take a detection for each image, {DETECTED_A_SECOND} a second on a core, and "
            f"{side**2 * 3 / 2**10:.0f} KiB of disk each{network}."
        )
    crop = side**2 * 3 * (WEBP_SHARE if webp else 1)
    disk = size.images * (crop + LABELS)
    minutes = size.images / DETECTED_A_SECOND / processes / 60
    existing = next(folder for folder in output.absolute().parents if folder.exists())
    free = shutil.disk_usage(existing).free
    # Finished shards lie beside the pack until it is whole.
    if free < 2 * disk:
        raise TrainingStopped(
            f"{existing} has {free / 2**30:.1f} GiB free, and a pack of {size.images} images takes twice "
            f"{disk / 2**30:.1f} GiB while it is made: make room, or take another --output, a smaller --size or --webp."
        )
    return (
        f"{output} will hold {size.images} images: about {minutes:.0f} min of detection on {processes} core(s), "
        f"{disk / 2**30:.2f} GiB of disk (twice that while it is made){network}."
    )
