"""One training run in a folder of its own: start or resume, lock, identity, log, samples, checkpoints, progress."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.optim import Optimizer
from tqdm import tqdm

from diat.errors import TrainingStopped
from diat.pixels import U8, save_image
from diat.training.average import average_over_processes
from diat.training.checkpoint import checkpoints, newest_checkpoint, restore, save_checkpoint
from diat.training.identity import differences
from diat.training.log import Log
from diat.training.trackers import captioned, show_sheet, start_trackers

LOCK, IDENTITY, LOG, STOPPED = "run.lock", "config.json", "stats.jsonl", "stopped.json"
CHECKPOINTS, SAMPLES, BOARD = "checkpoints", "samples", "tensorboard"
# What a run that was killed before its first checkpoint may have left; such a folder starts anew without a question.
REMAINS = {LOCK, IDENTITY, LOG, STOPPED, CHECKPOINTS, SAMPLES, BOARD, LOG + ".writing", IDENTITY + ".writing"}
SHOWN = 3  # figures beside the progress bar


@dataclass(frozen=True)
class Schedule:
    """When a run writes, and whether it starts or goes on."""

    log_every: int = 25  # steps between two lines of stats.jsonl
    sample_every: int = 500  # steps between two sample sheets
    save_every: int = 500  # steps between two checkpoints
    resume: bool = False  # go on from the newest checkpoint of the output
    workers: int = 2  # processes that make batches ahead, 0 for none; the batches are the same
    keep_models: bool = False  # keep the model of every checkpoint too, in models/STEP

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            TrainingStopped: an interval is not at least one step.
        """
        for name in ("log_every", "sample_every", "save_every"):
            if getattr(self, name) < 1:
                raise TrainingStopped(f"{name} must be at least 1, not {getattr(self, name)}.")
        if self.workers < 0:
            raise TrainingStopped(f"workers must be at least 0, not {self.workers}.")


class Run:
    """A run of training, entered with ``with``; every training of the project is one.

    The folder is locked while the run lasts. A new run takes an empty folder (or one of a run that never reached a
    checkpoint), a resumed one the newest checkpoint of its own settings, data and number of processes. Killed at any
    moment it loses no more than what came after the last checkpoint, and ends in the weights of a run that was never
    killed. The first process alone writes.

        with Run(output, steps, identity, modules, optimizers, schedule, accelerator) as run:
            for step in run.steps(sample=sheet, save=write_model):
                run.update(loss, network, optimizer)
                run.record({"loss": loss})
                run.end_step(step, images=16)

    Args:
        folder: log, samples and checkpoints go here.
        total: steps of the whole run.
        identity: JSON-able settings and digests in which a resumed run must agree with the one that it goes on from.
        modules: networks whose state a checkpoint holds, by name.
        optimizers: likewise.
        schedule: how often to write, and whether to go on.
        accelerator: device, precision and processes.
        title: what the progress bar is called.
        seed: torch's generators start from it and the step's number, so that random layers resume too.
    """

    def __init__(
        self,
        folder: Path,
        total: int,
        identity: Mapping[str, Any],
        modules: Mapping[str, nn.Module],
        optimizers: Mapping[str, Optimizer],
        schedule: Schedule,
        accelerator: Accelerator,
        title: str = "",
        seed: int = 0,
    ) -> None:
        self.folder, self.total, self.schedule, self.accelerator = folder, total, schedule, accelerator
        self.first = 0  # the step that it starts from
        self.meta: Mapping[str, Any] = {}  # what the checkpoint that it goes on from says
        self._identity = json.loads(json.dumps({**identity, "processes": accelerator.num_processes}))
        self._modules, self._optimizers = modules, optimizers
        self._title, self._seed = title, seed
        self._lock: TextIO | None = None
        self._log: Log | None = None
        self._sample: Callable[[], U8] | None = None
        self._save: Callable[[int], None] | None = None
        self._legend = ""
        self._bar: Any = None
        self._step = 0  # the step that is being done
        self._losses: Tensor | None = None  # of the parts of an update so far

    def __enter__(self) -> Run:
        """Claim the folder and load the newest checkpoint, if it is to go on.

        Raises:
            TrainingStopped: the folder is in use, not empty, cannot be written, or holds nothing to resume.
        """
        if self.accelerator.is_main_process:
            if self.schedule.resume and not checkpoints(self.folder / CHECKPOINTS):
                raise TrainingStopped(
                    f"No checkpoint in {self.folder}: start without --resume, or give a run's --output."
                )
            self._claim()
        self.accelerator.wait_for_everyone()
        if self.schedule.resume:
            self.first = self._go_on()
        if self.accelerator.is_main_process:
            self._log = Log(self.folder / LOG, self.first)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Let the folder go."""
        if self._bar is not None:
            self._bar.close()
        if kind is None:
            self.accelerator.wait_for_everyone()
        if self._lock is not None:
            self._lock.close()

    def steps(
        self,
        sample: Callable[[], U8] | None = None,
        save: Callable[[int], None] | None = None,
        legend: str = "",
    ) -> Iterator[int]:
        """The numbers of the steps that are left, from `first`, with a progress bar.

        Args:
            sample: makes the sheet of samples, (H, W, 3) RGB uint8.
            save: writes the result, given how many steps are done: after every checkpoint, and first of all in a
                resumed run, which may have been killed between the two.
            legend: what a sheet shows, from left to right: ``"before | after"``.
        """
        main = self.accelerator.is_main_process
        self._sample, self._save, self._legend = sample, save, legend
        start_trackers(self.accelerator, f"{self._title} {self.folder.name}", self._identity.get("config", {}))
        if main and save is not None and self.first:
            save(self.first)
        self._bar = tqdm(
            range(self.first, self.total), initial=self.first, total=self.total, desc=self._title, disable=not main,
            dynamic_ncols=True,
        )  # fmt: skip
        for step in self._bar:
            self._step = step
            torch.manual_seed((self._seed * 1_000_003 + step) * 4099 + self.accelerator.process_index)
            yield step

    def update(
        self,
        loss: Tensor,
        network: nn.Module,
        optimizer: Optimizer,
        part: int = 0,
        parts: int = 1,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        """One step of an optimiser, or one part of a step whose gradient is the mean over its parts and the processes.

        Args:
            loss: scalar, of this part's batch.
            network: whose parameters ``optimizer`` moves.
            part: number of the part, from 0; the last one moves the weights.
            parts: how many there are.
            about: what `stopped.json` should say of the batch: scalars, tensors of one number, or lists.

        Raises:
            TrainingStopped: the loss or its gradient is not finite. The weights are as they were.
        """
        if part == 0:
            optimizer.zero_grad(set_to_none=True)
            self._losses = torch.zeros_like(loss)
        scaled = loss / parts if parts > 1 else loss
        self.accelerator.backward(scaled)
        self._losses = scaled.detach() if self._losses is None else self._losses + scaled.detach()
        if part < parts - 1:
            return
        average_over_processes(self.accelerator, network)
        gradients = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
        # One look at the device for loss and gradients together: each makes the processor wait for it.
        if not torch.isfinite(self._losses.float() + torch.nn.utils.get_total_norm(gradients)):
            self._stop(float(self._losses), about or {})
        optimizer.step()

    def record(self, values: Mapping[str, Tensor]) -> None:
        """Count scalars in for the log's next line."""
        if self._log is not None:
            self._log.add(values)

    def end_step(self, step: int, images: int, meta: Mapping[str, Any] | None = None) -> None:
        """Log, sample and save where it is time.

        Args:
            step: number of the step that was done, from 0.
            images: how many it took of each set, on this process.
            meta: what else the checkpoint should say.

        Raises:
            TrainingStopped: the disk is full or cannot be written; the checkpoints before are whole.
        """
        if self._log is None:
            return
        done, every = step + 1, self.schedule
        try:
            if self._due(done, every.log_every):
                means = self._log.write(done, images * self.accelerator.num_processes)
                self.accelerator.log(means, step=done)
                self._bar.set_postfix({n: f"{v:.3g}" for n, v in list(means.items())[:SHOWN]}, refresh=False)
            if self._sample is not None and self._due(done, every.sample_every):
                sheet = captioned(self._sample(), f"step {done}: {self._legend}".rstrip(": "))
                save_image(self.folder / SAMPLES / f"{done:06d}.png", sheet)
                show_sheet(self.accelerator, sheet, done)
            if self._due(done, every.save_every):
                told = {**(meta or {}), "identity": self._identity}
                save_checkpoint(self.folder / CHECKPOINTS, done, self._modules, self._optimizers, told)
                if self._save is not None:
                    self._save(done)
        except OSError as error:
            raise TrainingStopped(
                f"{self.folder} cannot be written ({error.strerror or error}): make room on the disk and resume."
            ) from error

    def _due(self, done: int, every: int) -> bool:
        return done == self.total or done % every == 0

    def _claim(self) -> None:
        """Make the folder, lock it, see that it may be used, and write down what runs in it."""
        folder = self.folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = (folder / LOCK).open("a")
            # A record lock, not flock: it ends with this process even if one that it forked lives on.
            fcntl.lockf(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise TrainingStopped(
                f"{folder} is in use by another run: wait until it ends, or choose another --output."
            ) from error
        except OSError as error:
            raise TrainingStopped(f"{folder} cannot be written ({error.strerror}): choose another --output.") from error
        if self.schedule.resume:
            return
        if checkpoints(folder / CHECKPOINTS):
            raise TrainingStopped(f"{folder} holds a run already: go on with --resume, or choose another --output.")
        if other := sorted(path.name for path in folder.iterdir() if path.name not in REMAINS):
            raise TrainingStopped(
                f"{folder} is not empty (it holds {', '.join(other[:3])}): choose another --output, or empty it."
            )
        aside = folder / f"{IDENTITY}.writing"
        aside.write_text(json.dumps(self._identity, indent=1) + "\n")
        aside.replace(folder / IDENTITY)

    def _go_on(self) -> int:
        """Take the newest checkpoint, which the first process alone needs to see, and return its step."""
        stored = newest_checkpoint(self.folder / CHECKPOINTS, self.accelerator)
        self._check_identity(stored.meta)
        restore(stored, self._modules, self._optimizers)
        self.meta = stored.meta
        return int(self.meta["step"])

    def _check_identity(self, meta: Mapping[str, Any]) -> None:
        before = meta.get("identity", {})
        if differing := differences(before, self._identity):
            raise TrainingStopped(
                f"{self.folder} was made with another {'; '.join(differing[:3])}: resume with the same, or start anew."
            )

    def _stop(self, loss: float, about: Mapping[str, Any]) -> None:
        told = {name: repr(v.item()) if isinstance(v, Tensor) else v for name, v in about.items()}
        path, step = self.folder / STOPPED, self._step
        if self.accelerator.is_main_process:
            path.write_text(json.dumps({"step": step, "loss": repr(loss), **told}, indent=1))
        what = f"loss at step {step} is {loss}"
        if torch.isfinite(torch.tensor(loss)):
            what = f"gradient at step {step} is not finite (the loss is {loss:.4g})"
        raise TrainingStopped(
            f"The {what}: training stopped. The last checkpoint is good, the batch is in {path}; lower the learning "
            "rate, or start anew with another --seed."
        )
