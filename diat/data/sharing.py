"""How several processes that make one pack find out what they have in common, and share it."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from accelerate import PartialState
from accelerate.utils import broadcast_object_list, gather_object


def one_disk(folder: Path, processes: PartialState) -> bool:
    """Whether all processes see what the first one writes into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    # A name of this call's own: where there is no disk in common, an earlier call may have left one of its own there.
    [name] = broadcast_object_list([f"seen-{uuid.uuid4().hex}"])
    if processes.is_main_process:
        (folder / name).touch()
    processes.wait_for_everyone()
    seen = all(gather_object([(folder / name).exists()]))
    if processes.is_main_process:
        (folder / name).unlink()
    return seen


@contextmanager
def share_of_processors(rank: int, processes: int) -> Iterator[None]:
    """Run on this process's part of the machine's processors, or each of the processes would start a thread on all.

    Args:
        rank: of this process on this machine.
        processes: how many run on this machine.
    """
    if processes == 1 or not hasattr(os, "sched_setaffinity"):
        yield
        return
    everything = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, everything[rank % len(everything) :: processes])
    try:
        yield
    finally:
        os.sched_setaffinity(0, everything)
