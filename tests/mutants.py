"""Mutants of the modules that take in what strangers send: how many of them their quick tests notice.

pip install mutmut==3.8.1              # Linux
python tests/mutants.py 120            # a random sample of so many; 0 takes all, which takes hours

It writes into `mutants/` and says which mutants live; `mutmut show NAME` shows one. `[tool.mutmut]` in pyproject.toml
names the modules and the tests.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

MUTANTS = Path("mutants")
ANY = "diat.photo.x_is_photo__mutmut_1"  # asked for alone, so that all are made and every test is timed
KILLED = (1, 3)  # pytest's exit codes: tests failed, or could not run
TIMES_OUT = (-24, 24, 36, 152, 255)  # as mutmut counts them: the tests noticed, too


def mutmut(names: list[str]) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}  # teams of threads do not live through a fork
    subprocess.run([sys.executable, "-m", "mutmut", "run", "--max-children", "2", *names], check=True, env=environment)


def results() -> dict[str, int | None]:
    """By mutant, how its tests ended; None where they have not run."""
    found: dict[str, int | None] = {}
    for path in sorted(MUTANTS.rglob("*.meta")):
        found |= json.loads(path.read_text())["exit_code_by_key"]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int, help="how many mutants; 0 takes all")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    args = parser.parse_args()
    mutmut([ANY])
    names = sorted(results())
    chosen = random.Random(args.seed).sample(names, args.count) if args.count else names
    mutmut(chosen)
    codes = {name: results()[name] for name in chosen}
    noticed = {name for name, code in codes.items() if code in KILLED + TIMES_OUT}
    print(f"{len(noticed)} of {len(chosen)} mutants are noticed, of {len(names)} in all")
    for module, count in sorted(Counter(name.partition(".x")[0] for name in chosen).items()):
        print(f"  {module}: {sum(name.startswith(module + '.x') for name in noticed)} of {count}")
    print("living:", *sorted(set(chosen) - noticed), sep="\n  ")


if __name__ == "__main__":
    main()
