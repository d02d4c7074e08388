"""Makes a pack: reads records, finds the landmarks, crops, and writes one file; on several processes at once."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import PartialState
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file
from tqdm import tqdm

from diat.align import CROP_SIZE
from diat.attributes import COLUMNS
from diat.data.alignment import aligned
from diat.data.celeba import SPLITS, Record, as_published, stream_records
from diat.data.clusters import write_sheets
from diat.data.cost import cost, size_of
from diat.data.pack import FORMAT, open_pack
from diat.data.sets import usable
from diat.data.sharing import one_disk, share_of_processors
from diat.detector import InsightFaceDetector
from diat.errors import TrainingStopped
from diat.pixels import F32, compressed, decompressed

Array = NDArray[Any]

SHARD = 1024  # records in a shard: half a minute's work, which is what a stop loses at the most
MAX_BAD_SHARE = 0.001  # of images that cannot be decoded; CelebA as published has none
POLL_S = 0.5  # between two looks at what the other processes have finished
CELEBA_TRAIN = 162_770  # images of CelebA's train partition, which come before the validation partition's


def prepare(
    dataset: str,
    output: Path,
    size: int = CROP_SIZE,
    webp: int | None = None,
    limit: int | None = None,
    landmarks: Path | None = None,
) -> None:
    """Make a pack of a data set, going on where an earlier call was stopped, and say what it holds.

    Args:
        dataset: Hub id, or a folder with CelebA's parquet files.
        output: the pack to write; finished shards lie beside it, in OUTPUT.partial/.
        size: side of a crop in pixels.
        webp: quality at which crops are stored as WebP; None stores them raw.
        limit: at most this many records of each split.
        landmarks: CelebA's list_landmarks_align_celeba.txt, instead of detection.

    Several processes share the records out and meet in OUTPUT.partial/: no collective is asked for at the end, whose
    time would run out while the first process joins 9 GB. Where machines have no disk in common, each makes a pack of
    its own, by its own processes.

    Raises:
        TrainingStopped: the data set cannot be read, holds too many bad images, or the disk too little room.
    """
    processes = PartialState(cpu=not torch.cuda.is_available())  # the images are cropped on the processor all the same
    on_this_machine = processes.local_process_index, int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    given = None if landmarks is None else read_landmarks(landmarks)
    if given is not None and processes.num_processes > 1:
        raise TrainingStopped("The landmarks are listed in CelebA's own order: prepare with them in one process.")
    partial = output.with_name(output.name + ".partial")
    rank, world = processes.process_index, processes.num_processes
    if world > on_this_machine[1] and not one_disk(partial, processes):
        rank, world = on_this_machine
    bad_lines = partial / f"bad-{rank:03d}.txt"
    bad = bad_lines.read_text().splitlines() if bad_lines.exists() else []
    if rank == 0:
        tqdm.write(cost(size_of(dataset, SPLITS, limit), output, size, webp is not None, world))
    with share_of_processors(*on_this_machine):
        maker = Maker(dataset, size, webp, limit, partial, new_detector(), given, rank, world, bad)
        for split in SPLITS:
            maker.pack_split(split)
    partial.mkdir(parents=True, exist_ok=True)
    done = [partial / f"done-{number:03d}" for number in range(world)]
    done[rank].touch()
    if rank:
        while done[rank].exists():  # until the first process has written the pack and cleared up
            time.sleep(POLL_S)
        return
    while not all(path.exists() for path in done):
        time.sleep(POLL_S)
    shards = [shard for split in SPLITS for shard in sorted(partial.glob(f"{split}-*.safetensors"))]
    write_pack(output, shards, size)
    bad = [line for path in sorted(partial.glob("bad-*.txt")) for line in path.read_text().splitlines()]
    shutil.rmtree(partial)
    tqdm.write(report(output, bad))


def new_detector() -> InsightFaceDetector:
    """The detector for CelebA's images.

    They are small and their faces large: 320 finds them and is four times as fast as the app's 640. Every image shows a
    face, so that a low score is one all the same.
    """
    return InsightFaceDetector(threshold=0.5, detection_sizes=(320, 640))


@dataclass
class Maker:
    """Makes the shards of a pack, going on from those that are finished."""

    dataset: str
    size: int
    webp: int | None
    limit: int | None
    partial: Path
    detector: InsightFaceDetector
    landmarks: F32 | None = None  # (N, 5, 2) of the published images, train then valid, instead of detected ones
    rank: int = 0  # of `world` processes that share the records out
    world: int = 1
    bad: list[str] = field(default_factory=list)  # a line for every image that could not be decoded

    def pack_split(self, split: str) -> None:
        """Write the shards of a split that are not there yet."""
        share = f"{self.rank:03d}-of-{self.world:03d}"
        if begun := [path for path in self.partial.glob("*.safetensors") if f"-of-{self.world:03d}-" not in path.name]:
            raise TrainingStopped(
                f"{begun[0]} was made by another number of processes than {self.world}: go on with as many, or delete "
                f"{self.partial}."
            )
        done = sorted(self.partial.glob(f"{split}-{share}-*.safetensors"))
        seen = SHARD * len(done)
        records = stream_records(self.dataset, split, seen, self.rank, self.world)
        if self.limit is not None:
            mine = self.limit // self.world + (self.rank < self.limit % self.world)
            records = islice(records, max(0, mine - seen))
        with tqdm(
            desc=split, unit=" images", initial=seen, dynamic_ncols=True, mininterval=1, disable=self.rank > 0
        ) as bar:
            while batch := list(islice(records, SHARD)):
                path = self.partial / f"{split}-{share}-{len(done):05d}.safetensors"
                arrays = self.pack_records(batch, split, seen, bar)
                seen += len(batch)
                if len(self.bad) > max(1, MAX_BAD_SHARE * seen):
                    examples = "; ".join(self.bad[:5])
                    raise TrainingStopped(
                        f"{len(self.bad)} of {seen} images cannot be decoded, over 0.1 %: {examples}."
                    )
                self.partial.mkdir(parents=True, exist_ok=True)
                save_file(arrays, path.with_suffix(".tmp"))
                path.with_suffix(".tmp").replace(path)
                done.append(path)
                (self.partial / f"bad-{self.rank:03d}.txt").write_text("\n".join(self.bad))

    def pack_records(self, records: list[Record], split: str, first: int, bar: Any) -> dict[str, Array]:
        """Arrays of a shard: crops, labels and landmarks. ``first``: the first record's number in its split."""
        rows: dict[str, list[Any]] = {key: [] for key in ("crops", "attributes", "identity", "points5", "points68")}
        for number, record in enumerate(records, start=first):
            bar.update()
            try:
                image = decompressed(record.jpeg)
            except ValueError as error:
                self.bad.append(f"{split} record {number}: {error}")
                continue
            if self.landmarks is not None and not as_published(image):
                self.bad.append(f"{split} record {number}: not of the size that the file of landmarks is for")
                continue
            given = self.given(split, number) if self.landmarks is not None else None
            crop, points5, points68 = aligned(image, self.detector, self.size, given)
            rows["crops"].append(crop)
            rows["attributes"].append(record.attributes)
            rows["identity"].append(record.identity)
            rows["points5"].append(points5)
            rows["points68"].append(points68)
        arrays: dict[str, Array] = {
            "attributes": np.array(rows["attributes"], bool).astype(np.uint8),
            "identity": np.array(rows["identity"], np.int32),
            "points5": np.array(rows["points5"], np.float32),
            "points68": np.array(rows["points68"], np.float32),
            "split": np.full(len(rows["crops"]), SPLITS.index(split), np.uint8),
        }
        if self.webp is None:
            return {**arrays, "crops": np.stack(rows["crops"])}
        encoded = [np.frombuffer(compressed(crop, ".webp", self.webp), np.uint8) for crop in rows["crops"]]
        ends = np.cumsum([code.size for code in encoded]).astype(np.int64)
        return {**arrays, "webp": np.concatenate(encoded), "webp_ends": ends}

    def given(self, split: str, number: int) -> F32:
        """The landmarks of a record from the file, which lists CelebA's images in order: train, then valid."""
        place = number + (CELEBA_TRAIN if split == "valid" else 0)
        if self.landmarks is None or place >= len(self.landmarks):
            raise TrainingStopped(f"The landmarks have no line for {split} record {number}: give CelebA's own file.")
        landmarks: F32 = self.landmarks[place]
        return landmarks


def read_landmarks(path: Path) -> F32:
    """CelebA's list_landmarks_align_celeba.txt: two lines of head, then a name and ten numbers a line. -> (N, 5, 2)."""
    try:
        table = np.loadtxt(path, skiprows=2, usecols=range(1, 11), dtype=np.float32, ndmin=2)
    except (OSError, ValueError) as error:
        raise TrainingStopped(
            f"{path} is not CelebA's file of landmarks ({error}): give list_landmarks_align_celeba.txt."
        ) from error
    return table.reshape(-1, 5, 2)


def tensors_of(path: Path, wanted: Callable[[str], bool]) -> dict[str, np.ndarray]:
    """The tensors of a shard that are wanted; the others are not read."""
    with safe_open(path, framework="numpy") as file:
        return {key: file.get_tensor(key) for key in file.keys() if wanted(key)}  # noqa: SIM118


def write_pack(output: Path, shards: list[Path], size: int) -> None:
    """Join the shards tensor by tensor: a pack of all of CelebA is larger than most memories."""
    tables = [tensors_of(path, lambda key: key != "crops") for path in shards]
    small = {key: np.concatenate([table[key] for table in tables]) for key in tables[0]}
    if "webp" in small:
        offsets = np.concatenate([[0], np.cumsum([table["webp"].size for table in tables])[:-1]])
        small["webp_ends"] = np.concatenate(
            [table["webp_ends"] + offset for table, offset in zip(tables, offsets, strict=True)]
        )
    header: dict[str, Any] = {"__metadata__": {"format": FORMAT, "size": str(size), "columns": json.dumps(COLUMNS)}}
    position = 0
    names = {"bool": "BOOL", "uint8": "U8", "int32": "I32", "int64": "I64", "float32": "F32"}
    for key, array in small.items():
        header[key] = {
            "dtype": names[str(array.dtype)],
            "shape": list(array.shape),
            "data_offsets": [position, position + array.nbytes],
        }
        position += array.nbytes
    raw = "webp" not in small
    if raw:
        shape = [len(small["identity"]), size, size, 3]
        header["crops"] = {"dtype": "U8", "shape": shape, "data_offsets": [position, position + int(np.prod(shape))]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    temporary = output.with_name(output.name + ".tmp")
    with temporary.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for array in small.values():
            file.write(np.ascontiguousarray(array).tobytes())
        if raw:
            for path in shards:
                file.write(tensors_of(path, lambda key: key == "crops")["crops"].tobytes())
    temporary.replace(output)


def report(output: Path, bad: list[str]) -> str:
    """What a new pack holds, for whoever made it; and a contact sheet of each landmark cluster beside the pack.

    Args:
        bad: a line for every image that could not be decoded.
    """
    pack = open_pack(output)
    found = pack.has_face
    template = pack.points5[found].mean(0)
    sheets = output.with_name(output.name + ".clusters")
    clusters = write_sheets(pack, sheets)
    left = usable(pack, "clusters").sum()
    return "\n".join(
        [
            f"{output}: {len(found)} crops of {pack.size}x{pack.size}, {output.stat().st_size / 2**20:.1f} MiB",
            f"faces found in {found.sum()} ({found.mean():.2%}); bad images: {len(bad)}",
            *(f"  {line}" for line in bad),
            "mean of the five points, in crop pixels (diat.align.CELEBA_TEMPLATE_128 at size 128):",
            np.array2string(template, precision=3, separator=", "),
            f"section 5.1's subset: {left} of {len(found)} faces; a sheet of each cluster in {sheets}",
            *(line for line in clusters if "dropped" in line),
        ]
    )
