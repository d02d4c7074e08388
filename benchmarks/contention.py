"""Each attribute's network beside other work: p50 and p90 with 0, 1 and 2 busy processes, in one run.

    python benchmarks/contention.py
    python benchmarks/contention.py --runs 400 --output contention.json

A network shares its work among some threads, and each layer waits for the slowest. Threads that spin while they wait
take the processor from the one they wait for, and the time grows tens of times: they sleep, and there are half as many
as processors (`diat.runtime.threads`). The aim is a p90 beside one busy process of at most 2.5 times the idle p50.

The networks and the numbers of busy processes take turns, so that whatever else the machine does falls on all alike;
the load average says how much that was.
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
from common import option_parser

from diat.attributes import ATTRIBUTES, attribute_spec
from diat.heads import HEADS, RGB
from diat.hub import load_model
from diat.runtime.engine import Engine, FieldEngine
from diat.runtime.threads import network_threads

BUSY = (0, 1, 2)
AIM = 2.5  # p90 beside one busy process / idle p50
ROUND = 10  # runs of a network before the next one's turn
WARM_UP = 3  # runs
# A busy process; it ends with this one, however that ends.
SPINNER = "import os; parent = os.getppid()\nwhile os.getppid() == parent: pass"


def network(attribute: str) -> Callable[[], object]:
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


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """So many processes that do nothing but take a processor each."""
    others = [subprocess.Popen([sys.executable, "-c", SPINNER]) for _ in range(processes)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def timed(run: Callable[[], object], runs: int) -> list[float]:
    """Milliseconds of each run."""
    times = []
    for number in range(WARM_UP + runs):
        start = time.perf_counter()
        run()
        if number >= WARM_UP:
            times.append(1000 * (time.perf_counter() - start))
    return times


def measured(runs: int) -> dict[str, dict[str, dict[str, float]]]:
    """By attribute and number of busy processes: p50 and p90 in milliseconds."""
    networks = {attribute: network(attribute) for attribute in ATTRIBUTES}
    times: dict[tuple[str, int], list[float]] = {(name, others): [] for name in networks for others in BUSY}
    for _ in range(-(-runs // ROUND)):
        for others in BUSY:
            with busy(others):
                for name, run in networks.items():
                    times[name, others] += timed(run, ROUND)
    return {
        name: {
            str(others): {f"p{p}": round(float(np.percentile(times[name, others], p)), 1) for p in (50, 90)}
            for others in BUSY
        }
        for name in networks
    }


def main() -> None:
    parser = option_parser(__doc__)
    parser.add_argument("--runs", type=int, default=100, help="of each network beside each number of busy processes")
    parser.add_argument("--output", type=Path, help="write the figures as JSON")
    args = parser.parse_args()
    before = os.getloadavg()[0]
    table = measured(args.runs)
    print(f"{network_threads()} threads; load {before:.1f} before, {os.getloadavg()[0]:.1f} after; ms, p50 / p90")
    print(f"{'':18} {'idle':>15} {'1 busy':>15} {'2 busy':>15}   p90 beside 1 / idle p50")
    for name, row in table.items():
        cells = " ".join(f"{row[str(others)]['p50']:6.1f} /{row[str(others)]['p90']:7.1f}" for others in BUSY)
        ratio = row["1"]["p90"] / row["0"]["p50"]
        print(f"{name:18} {cells}   {ratio:.1f}{'' if ratio <= AIM else f', more than {AIM}'}")
    if args.output:
        args.output.write_text(json.dumps({"load": before, "milliseconds": table}, indent=2) + "\n")


if __name__ == "__main__":
    main()
