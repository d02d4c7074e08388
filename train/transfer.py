"""Change an attribute in a whole data set: images in, parquet with the changed images out, on any number of processes.

    python train/transfer.py --dataset ORG/DATASET --attribute mouth_close --output changed/
    torchrun --nproc_per_node 8 train/transfer.py --dataset photos.parquet --attribute mouth_open --output changed/

Reads any data set with an image column through `datasets`, a part on each process. Each shard of OUTPUT is whole or
absent, and a run that was stopped goes on with those that are missing. An image without a usable face stays in, with
null for its result and the reason beside it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from accelerate import PartialState
from tqdm import tqdm

from diat.attributes import MAX_STRENGTH
from diat.editor import FaceEditor
from diat.errors import DiatError, PhotoRejected

SCHEMA = pa.schema(
    {
        "row": pa.int64(),
        "image": pa.struct({"bytes": pa.binary(), "path": pa.string()}),
        "identity_similarity": pa.float32(),
        "left_out": pa.string(),
    }
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", required=True, help="Hub id, a parquet file, or a folder of them")
    parser.add_argument("--split", default="train")
    parser.add_argument("--column", default="image", help="that holds the images")
    parser.add_argument("--attribute", required=True)
    parser.add_argument("--model", help="a folder or Hub repository instead of the embedded weights")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--faces", choices=("largest", "all"), default="largest")
    parser.add_argument("--strength", type=float, default=1.0)
    parser.add_argument("--shard", type=int, default=512, help="images in a shard")
    args = parser.parse_args()
    if not 0 <= args.strength <= MAX_STRENGTH or args.shard < 1:
        raise DiatError(f"--strength takes 0 to {MAX_STRENGTH} and --shard at least 1.")
    processes = PartialState(cpu=not torch.cuda.is_available())
    transfer(args, processes.process_index, processes.num_processes)
    processes.wait_for_everyone()
    if processes.is_main_process:
        print(f"The shards are in {args.output}: load_dataset('parquet', data_files='{args.output}/*.parquet').")


def transfer(args: argparse.Namespace, rank: int, world: int) -> None:
    """Write the shards of one process that are missing."""
    args.output.mkdir(parents=True, exist_ok=True)
    other = [path.name for path in args.output.glob("*.parquet") if f"-of-{world:03d}-" not in path.name]
    if other:
        raise DiatError(f"{args.output} was begun by another number of processes ({other[0]}): go on with as many.")
    editor = FaceEditor.from_pretrained(args.model or args.attribute, attribute=args.attribute)
    rows = images(args.dataset, args.split, args.column, rank, world)
    with tqdm(desc=args.attribute, unit=" images", dynamic_ncols=True, mininterval=1, disable=rank > 0) as bar:
        for number in range(1 << 30):
            batch = list(islice(rows, args.shard))
            if not batch:
                return
            path = args.output / f"{rank:03d}-of-{world:03d}-{number:05d}.parquet"
            if not path.exists():
                table = pa.Table.from_pylist([changed(editor, row, data, args) for row, data in batch], SCHEMA)
                pq.write_table(table, path.with_suffix(".writing"))
                path.with_suffix(".writing").replace(path)
            bar.update(len(batch))


def images(dataset: str, split: str, column: str, rank: int, world: int) -> Iterator[tuple[int, bytes | None]]:
    """The images of a process, each with its number among them, undecoded."""
    from datasets import Image, load_dataset
    from datasets.distributed import split_dataset_by_node

    source: Any
    if Path(dataset).exists():
        folder = Path(dataset)
        files = [str(folder)] if folder.is_file() else sorted(map(str, folder.glob(f"{split}-*.parquet")))
        files = files or sorted(map(str, folder.glob("*.parquet")))
        if not files:
            raise DiatError(f"{dataset} holds no parquet files: give a file, a folder of them, or a Hub id.")
        source = load_dataset("parquet", data_files={split: files}, split=split, streaming=True)
    else:
        source = load_dataset(dataset, split=split, streaming=True)
    if source.features is None or column not in source.features:
        raise DiatError(f"{dataset} has no column {column!r}: name the images' with --column.")
    source = source.select_columns([column]).cast_column(column, Image(decode=False))
    if world > 1:
        source = split_dataset_by_node(source, rank, world)
    for number, entry in enumerate(source):
        yield number, (entry[column] or {}).get("bytes")


def changed(editor: FaceEditor, row: int, data: bytes | None, args: argparse.Namespace) -> dict[str, Any]:
    """One row of the result."""
    try:
        if data is None:
            raise PhotoRejected("The data set holds no picture here.")
        result = editor.edit(data, args.faces, args.strength)
    except PhotoRejected as error:
        return {"row": row, "image": None, "identity_similarity": None, "left_out": str(error)}
    png = result.to_bytes()
    similarity = min(face.identity_similarity for face in result.edited)
    return {"row": row, "image": {"bytes": png, "path": None}, "identity_similarity": similarity, "left_out": None}


if __name__ == "__main__":
    try:
        main()
    except DiatError as error:
        sys.exit(f"transfer: {error}")
