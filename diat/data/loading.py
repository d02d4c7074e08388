"""Batches made ahead of their use, by torch's DataLoader: the same ones, however many workers make them."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

import cv2
import torch
from torch import Tensor
from torch.utils.data import DataLoader

AHEAD = 2  # batches that each worker makes before they are asked for; they lie in shared memory, often 64 MB


class Movable(Protocol):
    """A batch that can be moved to a device."""

    def to(self, device: torch.device) -> Movable:
        """The same batch on a device."""
        ...


BatchT_co = TypeVar("BatchT_co", bound=Movable, covariant=True)


class BatchesByStep(Protocol[BatchT_co]):
    """Batches that are a pure function of the step's number, as `diat.data.batches.TransferBatches`."""

    def __getitem__(self, step: int) -> BatchT_co:
        """The batch of a step, in main memory."""
        ...


@dataclass(frozen=True, eq=False)
class NamedTensors:
    """A batch of tensors by name."""

    tensors: Mapping[str, Tensor]

    def __getitem__(self, name: str) -> Tensor:
        return self.tensors[name]

    def to(self, device: torch.device) -> NamedTensors:
        """The same batch on a device."""
        return NamedTensors({name: tensor.to(device, non_blocking=True) for name, tensor in self.tensors.items()})

    def pin_memory(self) -> NamedTensors:
        """The same batch in page-locked memory, from which a GPU copies while the processor goes on."""
        return NamedTensors({name: tensor.pin_memory() for name, tensor in self.tensors.items()})


def batches_ahead(
    batches: BatchesByStep[BatchT_co], steps: range, device: torch.device, workers: int = 0
) -> Iterator[BatchT_co]:
    """The batches of ``steps``, in order and on the device, made by other processes while those before are used.

    Args:
        batches: from which the batch of any step can be had; what they hold is shared with the workers, not copied.
        steps: numbers of the batches.
        device: where they go.
        workers: processes that make them; 0 makes each when it is asked for, in this one.
    """
    # OpenCV's threads do not survive a fork, and are of no use to images of 128 pixels.
    cv2.setNumThreads(1)
    workers = min(workers, os.cpu_count() or 1)
    loader: DataLoader[BatchT_co] = DataLoader(
        batches,  # type: ignore[arg-type]  # only __getitem__ is asked for, since there is a sampler
        batch_size=None,
        sampler=steps,
        num_workers=workers,
        prefetch_factor=AHEAD if workers else None,
        # Forked, a worker shares the pack's pages; spawned, it would get a copy of all images.
        multiprocessing_context="fork" if workers else None,
        worker_init_fn=_ignore_interrupts if workers else None,
        pin_memory=device.type == "cuda",
    )
    for batch in loader:
        yield batch.to(device)


def _ignore_interrupts(_: int) -> None:
    """Leave Ctrl-C to the training process, which ends the workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
