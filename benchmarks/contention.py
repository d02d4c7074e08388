"""Each attribute's network and whole edit beside other work: p50 and p90 with 0, 1 and 2 busy processes, in one run.

    python benchmarks/contention.py
    python benchmarks/contention.py --runs 400 --output contention.json

A network shares its work among some threads, and each layer waits for the slowest. Threads that spin while they wait
take the processor from the one they wait for, and the time grows tens of times: they sleep, and there are half as many
as processors (`diat.runtime.threads`). The aim is a p90 beside one busy process of at most 2.5 times the idle p50. The
edit is what a film or a webcam asks for of one face that was found before: aligned, run, and applied.

What is run and the numbers of busy processes take turns, so that whatever else the machine does falls on all alike; the
load average says how much that was. Where others work on the machine and cannot be stopped, this leaves a hundredth of
it to them for its minute (as root, on Linux, where it groups processes by session):

    setsid -w sh -c 'echo -20 > /proc/self/autogroup; exec nice -n -20 python benchmarks/contention.py'
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from common import option_parser, portrait

from diat.attributes import ATTRIBUTES, attribute_spec
from diat.detector import InsightFaceDetector
from diat.editor import FaceEditor
from diat.heads import HEADS, RGB
from diat.hub import load_model
from diat.runtime.engine import Engine, FieldEngine
from diat.runtime.threads import network_threads

BUSY = (0, 1, 2)
AIM = 2.5  # p90 beside one busy process / idle p50
ROUND = 10  # runs of one thing before the next one's turn
WARM_UP = 3  # runs
# A busy process; it says when it begins, and ends with this one, however that ends.
SPINNER = "import os; parent = os.getppid(); print(flush=True)\nwhile os.getppid() == parent: pass"

Run = Callable[[], object]


def network(attribute: str) -> Run:
    """One run of an attribute's network on the processor, on a crop of noise: its time does not depend on the face."""
    model = load_model(attribute)
    rng = np.random.default_rng(0)
    if model.config.heads != RGB:
        fields = FieldEngine(model, "cpu")
        seen = rng.integers(0, 256, (1, *HEADS[model.config.heads].input_shape, 3), np.uint8)
        return lambda: fields.fields(seen)
    engine, size = Engine(model, "cpu"), model.config.size
    left, top, right, bottom = attribute_spec(attribute, model.config.region).window(size, model.config.windowed)
    crop = rng.integers(0, 256, (1, bottom - top, right - left, 3), np.uint8)
    return lambda: engine.change(crop)


def edits() -> dict[str, Run]:
    """One edit of a face, by attribute; the face is changed though it may have the attribute already."""
    detector, photo = InsightFaceDetector(), portrait()
    faces = detector.detect(photo)[:1]

    def edit(editor: FaceEditor) -> Run:
        return lambda: editor.edit_frame(photo, faces, apply_anyway=True)

    return {name: edit(FaceEditor.from_pretrained(name, detector=detector, device="cpu")) for name in ATTRIBUTES}


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """So many processes that do nothing but take a processor each."""
    command = [sys.executable, "-c", SPINNER]
    others = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(processes)]
    try:
        for other in others:
            if other.stdout is not None:
                other.stdout.readline()
        yield
    finally:
        for other in others:
            other.kill()
            other.communicate()


def timed(run: Run) -> list[float]:
    """Milliseconds of each run of a round."""
    times = []
    for number in range(WARM_UP + ROUND):
        start = time.perf_counter()
        run()
        if number >= WARM_UP:
            times.append(1000 * (time.perf_counter() - start))
    return times


def measured(runs: dict[str, Run], count: int) -> dict[str, dict[str, dict[str, float]]]:
    """By name and number of busy processes: p50 and p90 in milliseconds."""
    times: dict[tuple[str, int], list[float]] = {(name, others): [] for name in runs for others in BUSY}
    names = list(runs)
    for turn in range(-(-count // ROUND)):
        # Another one comes first each time: the system takes a moment to spread new processes over the processors.
        first = turn % len(names)
        for others in BUSY:
            with busy(others):
                for name in names[first:] + names[:first]:
                    times[name, others] += timed(runs[name])
    return {
        name: {
            str(others): {f"p{p}": round(float(np.percentile(times[name, others], p)), 1) for p in (50, 90)}
            for others in BUSY
        }
        for name in names
    }


def show(title: str, table: dict[str, dict[str, dict[str, float]]]) -> None:
    print(f"\n{title:18} {'idle':>15} {'1 busy':>15} {'2 busy':>15}   p90 beside 1 / idle p50")
    for name, row in table.items():
        cells = " ".join(f"{row[str(others)]['p50']:6.1f} /{row[str(others)]['p90']:7.1f}" for others in BUSY)
        ratio = row["1"]["p90"] / row["0"]["p50"]
        print(f"{name:18} {cells}   {ratio:.1f}{'' if ratio <= AIM else f', more than {AIM}'}")


def main() -> None:
    parser = option_parser(__doc__)
    parser.add_argument("--runs", type=int, default=100, help="of each beside each number of busy processes")
    parser.add_argument("--output", type=Path, help="write the figures as JSON")
    args = parser.parse_args()
    before = os.getloadavg()[0]
    of_networks = measured({attribute: network(attribute) for attribute in ATTRIBUTES}, args.runs)
    of_edits = measured(edits(), args.runs)
    print(f"{network_threads()} threads; load {before:.1f} before, {os.getloadavg()[0]:.1f} after; ms, p50 / p90")
    show("network", of_networks)
    show("edit", of_edits)
    if args.output:
        told = {"load": before, "milliseconds": {"network": of_networks, "edit": of_edits}}
        args.output.write_text(json.dumps(told, indent=2) + "\n")


if __name__ == "__main__":
    main()
