"""Lay out a Hugging Face Space that shows the demo: the files that it runs, and a card that names models and picture.

python train/space.py --space ORG/diat --output space/
hf upload ORG/diat space/ . --repo-type space
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
from pathlib import Path

import yaml
from commandline import OptionsHelp, run_command

from diat.attributes import ATTRIBUTES
from diat.errors import InvalidArgument
from diat.hub import repository_of

ROOT = Path(__file__).parents[1]
PICTURE = "docs/before_after.jpg"
RUNS = ("app.py", "packages.txt", "requirements.txt", "LICENSE", "NOTICE", "diat", "examples", PICTURE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=OptionsHelp)
    parser.add_argument("--space", required=True, metavar="ORG/NAME", help="the Space's repository")
    parser.add_argument("--organisation", help="whose models its card names (default: the Space's)")
    parser.add_argument("--output", type=Path, required=True, help="a new folder")
    args = parser.parse_args()
    if args.space.count("/") != 1:
        raise InvalidArgument(f"--space is ORG/NAME, not {args.space!r}.")
    if args.output.exists():
        raise InvalidArgument(f"{args.output} exists already: name a new folder.")
    lay_out(args.output, args.space, args.organisation or args.space.split("/")[0])
    print(f"hf upload {args.space} {args.output} . --repo-type space")


def lay_out(folder: Path, space: str, organisation: str) -> None:
    """Write the Space's folder."""
    for name in tracked():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    (folder / "README.md").write_text(card(space, organisation))


def tracked() -> list[str]:
    """The files of `RUNS` that git knows."""
    command = ["git", "-C", str(ROOT), "ls-files", *RUNS]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def card(space: str, organisation: str) -> str:
    """The README, whose head names the models and, by its address in the Space, the picture."""
    _, front, text = (ROOT / "README.md").read_text().split("---\n", 2)
    head = yaml.safe_load(front)
    head["thumbnail"] = f"https://huggingface.co/spaces/{space}/resolve/main/{PICTURE}"
    head["models"] = [repository_of(organisation, attribute) for attribute in ATTRIBUTES]
    return f"---\n{yaml.safe_dump(head, allow_unicode=True, sort_keys=False)}---\n{text}"


if __name__ == "__main__":
    run_command(main)
