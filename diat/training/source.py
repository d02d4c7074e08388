"""Where a run's batches come from: a pack, or a data set as it is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from accelerate import Accelerator

from diat.align import CROP_SIZE
from diat.data.batches import Batch, BatchSettings, TransferBatches
from diat.data.pack import Pack, open_pack
from diat.data.sets import guided_set, input_set
from diat.data.stream import StreamedBatches, held_out_pack
from diat.training.recipes import TransferConfig

HELD_OUT_RECORDS = 256  # of a stream's validation part, among which the faces of the sheets are found


@dataclass(frozen=True, eq=False)
class TrainingData:
    """The data of a run that trains T."""

    batches: TransferBatches | StreamedBatches
    held_out: Batch  # the same faces of the validation part at every look
    digest: str  # identifies the data
    inputs: int | None  # how many images the input set holds; None where it is streamed
    most_workers: int | None = None  # of the loader; a stream is read by one process, or each would read all of it


def training_data(config: TransferConfig, accelerator: Accelerator) -> TrainingData:
    """What a run's settings say: the pack, or the stream.

    Raises:
        TrainingStopped: the data cannot serve.
    """
    if config.stream is None:
        pack = open_pack(config.pack)
        batches = transfer_batches(pack, config, "train", config.batch, accelerator)
        return TrainingData(batches, held_out_faces(pack, config), pack.digest, len(batches.inputs))
    side = max(CROP_SIZE, config.size)
    streamed = StreamedBatches(
        config.stream, config.spec, batch_settings(config, "train", config.batch), side, config.window,
        config.steps * config.accumulate, accelerator.process_index, accelerator.num_processes,
    )  # fmt: skip
    accelerator.print(streamed.check())
    held_out = held_out_faces(held_out_pack(config.stream, side, HELD_OUT_RECORDS), config)
    return TrainingData(streamed, held_out, f"stream of {config.stream}", None, most_workers=1)


def batch_settings(config: TransferConfig, split: str, batch: int) -> BatchSettings:
    """How batches are made, by a run's settings: of training images, or of held-out faces as they are."""
    train = split == "train"
    return BatchSettings(
        size=config.size,
        batch=batch,
        seed=config.seed if train else 1,
        num_inputs=config.num_inputs if train else None,
        matched=config.matched and train,
        shift=config.shift * config.size // 128 if train else 0,
        degraded=config.degraded if train else 0.0,
        paired=config.lambda_pair > 0 and train,
        borrowed=Path(config.borrowed) if config.borrowed else None,
        windowed=config.windowed and train,  # T is convolutional: what it learnt in a window it does to whole faces
        split=split,
        subset=config.subset,
    )


def transfer_batches(
    pack: Pack, config: TransferConfig, split: str, batch: int, accelerator: Accelerator | None = None
) -> TransferBatches:
    """The run's stream of training batches, or of fixed held-out faces."""
    settings = batch_settings(config, split, batch)
    if accelerator is None:
        return TransferBatches(pack, config.spec, settings)
    return TransferBatches(pack, config.spec, settings, accelerator.process_index, accelerator.num_processes)


def held_out_faces(pack: Pack, config: TransferConfig, count: int = 16) -> Batch:
    """The same faces of the validation part at every look, as many as there are up to ``count``."""
    sets = (
        input_set(pack, config.spec, "valid", subset=config.subset),
        guided_set(pack, config.spec, "valid", config.subset),
    )
    there = min(map(len, sets))
    return transfer_batches(pack, config, "valid", max(1, min(count, there)))[0]
