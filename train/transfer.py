"""Change an attribute in a whole data set: images in, parquet with the changed images out, on any number of processes.

    python train/transfer.py --dataset ORG/DATASET --attribute mouth_close --output changed/
    torchrun --nproc_per_node 8 train/transfer.py --dataset photos.parquet --attribute mouth_open --output changed/
    python train/transfer.py --dataset photos.parquet --attribute mouth_open --output changed/ --keep id label

Reads any data set with an image column through `datasets`; each process takes every n-th image. ``row`` is the image's
number in the whole data set, and ``--keep`` carries columns over. Each shard of OUTPUT is whole or absent, and a run
that was stopped goes on with those that are missing. An image without a usable face stays in, with null for its result
and the reason beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from accelerate import PartialState
from commandline import parse, run_command
from tqdm import tqdm

from diat.attributes import MAX_STRENGTH
from diat.editor import FaceEditor
from diat.errors import DiatError, PhotoRejected
from diat.results import EditResult

COLUMNS = {
    "row": pa.int64(),  # number in the whole data set
    "image": pa.struct({"bytes": pa.binary(), "path": pa.string()}),
    "identity_similarity": pa.float32(),  # of the face that changed most
    "left_out": pa.string(),  # why there is no image
}
BATCH = 16  # photographs that are edited at once, and held in memory


@dataclass(frozen=True)
class TransferSettings:
    """What is changed in which data set."""

    dataset: str  # Hub id, a parquet file, or a folder of them
    attribute: str  # what is changed
    output: Path  # folder of the shards
    split: str = "train"  # of the data set
    column: str = "image"  # that holds the images
    keep: tuple[str, ...] = ()  # columns that are carried over beside the results
    model: str | None = None  # a folder or Hub repository instead of the embedded weights
    faces: Literal["largest", "all"] = "largest"  # whom to change in a photograph of several
    strength: float = 1.0  # of the change, 0 to 1.5
    shard: int = 512  # images in a file of the output


def main() -> None:
    settings = parse(TransferSettings, __doc__)
    if not 0 <= settings.strength <= MAX_STRENGTH or settings.shard < 1:
        raise DiatError(f"--strength takes 0 to {MAX_STRENGTH} and --shard at least 1.")
    if clash := sorted(set(settings.keep) & set(COLUMNS)):
        raise DiatError(f"--keep cannot carry {clash[0]!r} over, which is a column of the result: rename it before.")
    processes = PartialState(cpu=not torch.cuda.is_available())
    transfer(settings, processes.process_index, processes.num_processes)
    processes.wait_for_everyone()
    if processes.is_main_process:
        output = settings.output
        print(f"The shards are in {output}: load_dataset('parquet', data_files='{output}/*.parquet').")


def transfer(settings: TransferSettings, rank: int, world: int) -> None:
    """Write the shards of one process that are missing."""
    settings.output.mkdir(parents=True, exist_ok=True)
    other = [path.name for path in settings.output.glob("*.parquet") if f"-of-{world:03d}-" not in path.name]
    if other:
        raise DiatError(f"{settings.output} was begun by another number of processes ({other[0]}): go on with as many.")
    editor = FaceEditor.from_pretrained(settings.model or settings.attribute, attribute=settings.attribute)
    source = open_dataset(settings)
    kept = [pa.field(name, source.features.arrow_schema.field(name).type) for name in settings.keep]
    schema = pa.schema([*kept, *(pa.field(name, kind) for name, kind in COLUMNS.items())])
    rows = islice(enumerate(source), rank, None, world)
    with tqdm(desc=settings.attribute, unit=" images", dynamic_ncols=True, mininterval=1, disable=rank > 0) as bar:
        for number in range(1 << 30):
            shard = list(islice(rows, settings.shard))
            if not shard:
                return
            path = settings.output / f"{rank:03d}-of-{world:03d}-{number:05d}.parquet"
            if not path.exists():
                table = pa.Table.from_pylist(list(results(editor, shard, settings)), schema)
                pq.write_table(table, path.with_suffix(".writing"))
                path.with_suffix(".writing").replace(path)
            bar.update(len(shard))


def open_dataset(settings: TransferSettings) -> Any:
    """The data set as a stream of rows with the columns that are needed, images undecoded."""
    from datasets import Image, load_dataset

    place, split = Path(settings.dataset), settings.split
    if place.exists():
        files = [str(place)] if place.is_file() else sorted(map(str, place.glob(f"{split}-*.parquet")))
        files = files or sorted(map(str, place.glob("*.parquet")))
        if not files:
            raise DiatError(f"{place} holds no parquet files: give a file, a folder of them, or a Hub id.")
        source = load_dataset("parquet", data_files={split: files}, split=split, streaming=True)
    else:
        source = load_dataset(settings.dataset, split=split, streaming=True)
    for column, option in ((settings.column, "--column"), *((name, "--keep") for name in settings.keep)):
        if source.features is None or column not in source.features:
            raise DiatError(f"{settings.dataset} has no column {column!r}: name another with {option}.")
    return source.select_columns([settings.column, *settings.keep]).cast_column(settings.column, Image(decode=False))


def results(
    editor: FaceEditor, shard: list[tuple[int, dict[str, Any]]], settings: TransferSettings
) -> Iterator[dict[str, Any]]:
    """Rows of the result, for rows of the data set with their numbers."""
    for start in range(0, len(shard), BATCH):
        part = shard[start : start + BATCH]
        images = [(row[settings.column] or {}).get("bytes") for _, row in part]
        for (number, row), edited in zip(part, edit_all(editor, images, settings), strict=True):
            told = {name: row[name] for name in settings.keep} | {"row": number}
            if isinstance(edited, PhotoRejected):
                yield {**told, "image": None, "identity_similarity": None, "left_out": str(edited)}
                continue
            similarity = min(face.identity_similarity for face in edited.edited)
            image = {"bytes": edited.to_bytes(), "path": None}
            yield {**told, "image": image, "identity_similarity": similarity, "left_out": None}


def edit_all(
    editor: FaceEditor, images: list[bytes | None], settings: TransferSettings
) -> list[EditResult | PhotoRejected]:
    """All at once for the network; one by one where some cannot be used, to say of each why."""
    whole = [image for image in images if image is not None]
    try:
        if len(whole) == len(images):
            return list(editor.edit(whole, settings.faces, settings.strength))
    except PhotoRejected:
        pass
    found: list[EditResult | PhotoRejected] = []
    for image in images:
        try:
            if image is None:
                raise PhotoRejected("The data set holds no picture here.")
            found.append(editor.edit(image, settings.faces, settings.strength))
        except PhotoRejected as error:
            found.append(error)
    return found


if __name__ == "__main__":
    run_command(main)
