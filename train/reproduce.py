"""Section 5 of the paper, made again by one command: its variants, its baselines, its times, other photographs.

    python train/reproduce.py --what all --dataset flwrlabs/celeba --output runs/paper --resume
    python train/reproduce.py --what variants --attributes eyeglasses_remove --variants DIAT-A DIAT DIAT1 --steps 400
    python train/reproduce.py --dry-run                      # the commands, in order

It runs the other commands of this folder, each in a process of its own at low priority: data and judge, pre-training
(Eq. 4, 5, 8, 9), T of every training that the variants share, their E, the release recipe beside them, both baselines,
and evaluate.py on all of them. DIAT-A is DIAT-A0 with E, and DIAT is DIAT3 with E. A finished step leaves its command
in OUTPUT/steps, and is not done again; with ``--resume`` a step that was stopped goes on from its newest checkpoint.
docs/paper.md says what came out.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

from commandline import parse, run_command
from reproduction import ROOT, ReproduceSettings, Step, plan

from diat.errors import TrainingStopped
from diat.files import write_file
from diat.training.checkpoint import checkpoints
from diat.training.run import CHECKPOINTS

LOWEST_PRIORITY = 19
INTERRUPTED = 130  # what a command says that Ctrl-C ended


def main() -> None:
    settings = parse(ReproduceSettings, __doc__)
    steps = chosen(settings)
    if settings.dry_run:
        print("\n".join(f"# {step.name}\n{shlex.join(['python', *step.command])}" for step in steps))
        return
    for number, step in enumerate(steps, start=1):
        do(step, settings, f"{number}/{len(steps)} {step.name}")


def chosen(s: ReproduceSettings) -> list[Step]:
    """The steps of the part, and of the names, that were asked for.

    Raises:
        TrainingStopped: a name is none of theirs.
    """
    steps = [step for step in plan(s) if s.what in ("all", step.part)]
    if unknown := set(s.only) - {step.name for step in steps}:
        raise TrainingStopped(f"There is no step {sorted(unknown)[0]!r} among these: --dry-run lists their names.")
    return [step for step in steps if not s.only or step.name in s.only]


def do(step: Step, s: ReproduceSettings, title: str) -> None:
    """Run a step unless it was done, and write down that it was.

    Raises:
        TrainingStopped: it was done by another command, or it ended badly.
    """
    done = s.output / "steps" / f"{step.name.replace('/', '-')}.json"
    if done.is_file():
        before = json.loads(done.read_text())
        if before["command"] != step.command:
            raise TrainingStopped(
                f"{step.name} was made by another command ({shlex.join(before['command'])}): choose another --output, "
                f"or delete {done} and what that command wrote."
            )
        if before["of"] == step.measured():
            print(f"{title}: there already", flush=True)
            return
    if step.begins_with is not None and not step.begins_with[1].exists():
        copy(*step.begins_with)
    resumable = step.run is not None and bool(checkpoints(step.run / CHECKPOINTS))
    if resumable and not s.resume:
        raise TrainingStopped(f"{step.name} was begun in {step.run}: go on with --resume, or choose another --output.")
    print(f"{title}: {shlex.join(step.command)}", flush=True)
    began = time.monotonic()
    # Neither changes what comes out, so that another call may go on with others.
    extra = ["--resume", "yes"] * resumable + ["--workers", str(s.workers)] * (step.part == "variants")
    if there := step.there():
        extra += ["--pictures", *map(str, there)]
    code = execute([*step.command, *extra], s.threads, step.prints)
    if code:
        if code == INTERRUPTED:
            raise KeyboardInterrupt
        raise TrainingStopped(f"{step.name} ended with {code}; what was made before is kept: go on with --resume.")
    if step.leaves is not None:
        copy(*step.leaves)
    seconds = round(time.monotonic() - began)
    told = {"command": step.command, "of": step.measured(), "seconds": seconds}
    write_file(done, json.dumps(told, indent=1).encode())


def execute(command: list[str], threads: int | None, prints: Path | None) -> int:
    """Run a command of the repository in a process of its own, and keep what it prints where it should be; its code."""
    limit = {} if threads is None else {"OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
    script, *arguments = command
    with contextlib.ExitStack() as stack:
        output = None if prints is None else stack.enter_context(prints.open("w"))
        return subprocess.run(
            [sys.executable, str(ROOT / script), *arguments],
            check=False,
            stdout=output,
            env={**os.environ, **limit},
            preexec_fn=lower_priority,  # noqa: PLW1509
        ).returncode


def lower_priority() -> None:
    os.nice(LOWEST_PRIORITY)


def copy(source: Path, target: Path) -> None:
    """Copy a folder aside and rename it into place."""
    aside = target.with_name(f".{target.name}.writing")
    for path in (aside, target):
        if path.exists():
            shutil.rmtree(path)
    aside.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(source, aside)
    aside.replace(target)


if __name__ == "__main__":
    run_command(main)
