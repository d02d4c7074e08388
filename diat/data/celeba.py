"""CelebA, from the Hub or the same schema on disk, as records; and the order in which training visits them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from diat.align import CROP_SIZE, transform_points
from diat.attributes import COLUMNS
from diat.errors import TrainingStopped
from diat.pixels import F32, U8

Rows = NDArray[np.int64]  # indices of records

DEFAULT_DATASET = "flwrlabs/celeba"
SPLITS = ("train", "valid")
HUB_SECONDS = 10.0  # for the Hub to answer
MASK = "mask"  # a column that some data sets of the schema have: parsing of the photograph

# Section 5.1: "we sample the central part of each image and resize it". Aligned CelebA is 178 wide and 218 high.
IMAGE_WIDTH, IMAGE_HEIGHT = 178, 218
CROP_TOP = (IMAGE_HEIGHT - IMAGE_WIDTH) // 2


@dataclass(frozen=True, eq=False)
class Record:
    """One photograph of CelebA, or of another data set with its columns."""

    jpeg: bytes
    identity: int  # celeb_id
    attributes: NDArray[np.bool_]  # (40,) in the order of `COLUMNS`
    mask: bytes | None = None  # parsing of it, an image file, where the data set has any


def stream_records(dataset: str, split: str, skip: int = 0, rank: int = 0, world: int = 1) -> Iterator[Record]:
    """Records of a split in their published order, without decoding an image.

    Args:
        dataset: a Hub id, or a folder of parquet files named ``<split>-*.parquet``.
        split: ``"train"`` or ``"valid"``.
        skip: how many records of this rank to pass over, for resuming.
        rank: number of this process out of ``world``; each gets its own part of the records: whole files where they
            can be shared out evenly, else every ``world``-th record.

    Raises:
        TrainingStopped: the folder holds no such files, the Hub does not give the data set, or the columns are not
            CelebA's.
    """
    from datasets import Image, load_dataset
    from datasets.distributed import split_dataset_by_node

    source: Any
    if Path(dataset).is_dir():
        files = sorted(str(path) for path in Path(dataset).glob(f"{split}-*.parquet"))
        if not files:
            raise TrainingStopped(
                f"No {split}-*.parquet in {dataset}: give a folder in CelebA's Hub schema or a Hub id."
            )
        source = load_dataset("parquet", data_files={split: files}, split=split, streaming=True)
    else:
        try:
            reach_hub(dataset)
            source = load_dataset(dataset, split=split, streaming=True)
        except Exception as error:  # noqa: BLE001 - the clients let whatever their transport raises through
            why = (str(error).splitlines() or [type(error).__name__])[0]
            raise TrainingStopped(
                f"{dataset} is neither a folder here nor a data set that the Hub gives ({why}): "
                "check the name and the network, or give a folder in CelebA's Hub schema."
            ) from error
    columns = ["image", "celeb_id", *COLUMNS]
    if source.features is not None:
        missing = [name for name in columns if name not in source.features]
        if missing:
            raise TrainingStopped(
                f"{dataset} lacks the columns {', '.join(missing[:5])}: expected CelebA's Hub schema."
            )
    parsed = source.features is not None and MASK in source.features
    source = source.select_columns([*columns, *[MASK] * parsed])
    for name in ("image", *[MASK] * parsed):
        source = source.cast_column(name, Image(decode=False))
    if world > 1:
        source = split_dataset_by_node(source, rank, world)
    for table in source.with_format("arrow").iter(64):
        jpegs = table["image"].combine_chunks().field("bytes")
        attributes = np.stack([table[name].to_numpy() for name in COLUMNS], axis=1).astype(bool)
        identities = table["celeb_id"].to_numpy()
        masks = table[MASK].combine_chunks().field("bytes") if parsed else None
        # IterableDataset.skip() passes over the records of all ranks where they are shared out one by one.
        passed, skip = min(skip, len(table)), max(0, skip - len(table))
        for row in range(passed, len(table)):
            mask = None if masks is None else masks[row].as_py()
            yield Record(jpegs[row].as_py(), int(identities[row]), attributes[row], mask)


def reach_hub(dataset: str) -> None:
    """Fail at once where there is no network: `load_dataset` would try five times, for half a minute."""
    from huggingface_hub import HfApi, constants
    from huggingface_hub.errors import HfHubHTTPError

    if constants.HF_HUB_OFFLINE:
        return  # it may be here already
    try:
        HfApi().dataset_info(dataset, timeout=HUB_SECONDS)
    except HfHubHTTPError:
        pass  # the Hub is there: `load_dataset` says what is wrong, or tries again


def centre_crop(image: U8, size: int = CROP_SIZE) -> U8:
    """Section 5.1's crop: the central 178x178 of (218, 178, 3), resized by area averaging to (size, size, 3)."""
    square = image[CROP_TOP : CROP_TOP + IMAGE_WIDTH]
    crop: U8 = cv2.resize(square, (size, size), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    return crop


def as_published(image: U8) -> bool:
    """Whether an image, (H, W, 3), is of the size of aligned CelebA, whose crop is its central part."""
    return image.shape[:2] == (IMAGE_HEIGHT, IMAGE_WIDTH)


def photo_to_centre_crop(size: int = CROP_SIZE) -> F32:
    """The 2x3 matrix that takes pixel coordinates of the published image to those of `centre_crop`."""
    scale = size / IMAGE_WIDTH
    # A pixel's centre lies at its integer coordinate, so halves move by half a pixel of each grid.
    shift = 0.5 * scale - 0.5
    return np.array([[scale, 0, shift], [0, scale, shift - CROP_TOP * scale]], np.float32)


def to_crop(points: F32, size: int = CROP_SIZE) -> F32:
    """Points of the published image, (N, 2), in the coordinates of `centre_crop`."""
    return transform_points(points, photo_to_centre_crop(size))
