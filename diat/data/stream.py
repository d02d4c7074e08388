"""Batches straight from a data set as it is read, for those who have no disk for a pack: one pass, nothing kept.

The stream is cut into windows of consecutive records. Each is detected, cropped and held in memory as a small pack, and
gives some batches as `diat.data.batches` makes them; then the next takes its place, made by a thread beside the steps.
The batch of a step is a function of seed, step and process alone, so that a stopped run goes on with the same ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path

from tqdm import tqdm

from diat.attributes import AttributeSpec
from diat.data.batches import Batch, BatchSettings, TransferBatches
from diat.data.celeba import Record, stream_records
from diat.data.cost import DETECTED_A_SECOND, size_of
from diat.data.pack import Pack
from diat.data.packing import Maker, new_detector
from diat.errors import TrainingStopped

APART = 1_000_003  # between the seeds of two windows


def window_of(dataset: str, records: list[Record], split: str, size: int, first: int = 0) -> Pack:
    """Some records as a pack in memory.

    Args:
        dataset: where they come from.
        records: as streamed; those that cannot be decoded are left out.
        split: of the data set.
        size: side of a crop in pixels.
        first: number of the first of them.
    """
    maker = Maker(dataset, size, None, None, Path(), new_detector())
    arrays = maker.pack_records(records, split, first, tqdm(disable=True))
    return Pack(
        crops=arrays["crops"],
        attributes=arrays["attributes"].astype(bool),
        identity=arrays["identity"],
        split=arrays["split"],
        points5=arrays["points5"],
        points68=arrays["points68"],
    )


class StreamedBatches:
    """The stream of batches of one attribute, read from a data set on the way.

    A window gives as many batches as hold its records once, half of each batch of the guided and half of the input set.

    Args:
        dataset: Hub id, or a folder of parquet files.
        spec: the attribute.
        settings: see `BatchSettings`.
        side: of the crops in pixels, a multiple of the settings' size.
        window: records in a window.
        steps: batches that will be asked for.
        rank: number of this process.
        world: how many there are; each reads its own part of the records.
    """

    def __init__(
        self, dataset: str, spec: AttributeSpec, settings: BatchSettings, side: int, window: int, steps: int,
        rank: int = 0, world: int = 1,
    ) -> None:  # fmt: skip
        self._dataset, self._spec, self._settings = dataset, spec, settings
        self._side, self._size, self._rank, self._world = side, window, rank, world
        self._steps, self.steps_a_window = steps, max(1, window // (2 * settings.batch))
        self._windows = -(-steps // self.steps_a_window)
        # All below belongs to the process that reads, which may be a worker of the loader: nothing is opened before.
        self._batches: TransferBatches | None = None
        self._number = -1  # of the window that they are of
        self._records: Iterator[Record] = iter(())
        self._position = -1  # the window that `_records` stand at
        self._thread: ThreadPoolExecutor | None = None
        self._next: Future[Pack] | None = None  # the window after this one

    def check(self) -> str:
        """What it will cost, in one sentence.

        Raises:
            TrainingStopped: the data set says that it has not so many records.
        """
        needed = self._windows * self._size * self._world
        size = size_of(self._dataset, (self._settings.split,))
        if size.images is not None and needed > size.images:
            most = size.images // (self._size * self._world) * self.steps_a_window
            raise TrainingStopped(
                f"{self._dataset} is read once and has {size.images} records, and {self._steps} steps take {needed}: "
                f"make at most {most} steps, or a pack (train/prepare.py), which can be read many times."
            )
        minutes = self._windows * self._size / DETECTED_A_SECOND / 60
        return (
            f"{needed} records are streamed from {self._dataset}, with about {minutes:.0f} min of detection on a core "
            "beside the training; nothing is kept, and another run streams them again."
        )

    def __getitem__(self, step: int) -> Batch:
        number, place = divmod(step, self.steps_a_window)
        if self._batches is None or number != self._number:
            self._batches, self._number = self._made(number), number
        return self._batches[place]

    def _made(self, number: int) -> TransferBatches:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1)
        if self._next is None or number != self._number + 1:
            if self._next is not None:
                self._next.exception()  # it reads the same records: let it end
            self._next = self._thread.submit(self._read, number)
        pack = self._next.result()
        self._next = self._thread.submit(self._read, number + 1) if number + 1 < self._windows else None
        settings = replace(self._settings, seed=self._settings.seed + APART * (number * self._world + self._rank + 1))
        try:
            return TransferBatches(pack, self._spec, settings)
        except TrainingStopped as error:
            raise TrainingStopped(
                f"Of the {self._size} records in memory: {error} A larger --window serves too."
            ) from None

    def _read(self, number: int) -> Pack:
        if number != self._position:
            first = number * self._size
            self._records = stream_records(self._dataset, self._settings.split, first, self._rank, self._world)
        records = list(islice(self._records, self._size))
        self._position = number + 1
        if len(records) < self._size:
            raise TrainingStopped(
                f"{self._dataset} ends after {number * self._size + len(records)} records of this process, and a "
                "stream is read once: make fewer steps, or a pack (train/prepare.py), which can be read many times."
            )
        return window_of(self._dataset, records, self._settings.split, self._side, number * self._size)


def held_out_pack(dataset: str, size: int, count: int) -> Pack:
    """The first records of the validation part, for the sheets of samples."""
    records = list(islice(stream_records(dataset, "valid"), count))
    if not records:
        raise TrainingStopped(f"{dataset} has no validation part: give a data set that has one.")
    return window_of(dataset, records, "valid", size)
