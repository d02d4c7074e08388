"""``diat verify``: what marks of having been edited pictures and films carry."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from diat.cli.shared import Reporter
from diat.errors import DiatError


def verify_files(args: argparse.Namespace) -> int:
    """Say it of each file; 1 if one carries no mark, or cannot be read."""
    from diat.marks import read_marks

    reporter, without = Reporter(args), 0
    for path in args.files:
        try:
            marks = read_marks(path)
        except DiatError as error:
            without += 1
            reporter.record({"input": str(path), "error": str(error)})
            reporter.fail(f"diat: {path}: {error}")
            continue
        without += not marks.edited
        reporter.say(*(f"{path}: {sentence}" for sentence in marks.sentences))
        reporter.record({"input": str(path), "edited": marks.edited, "invisible": marks.invisible, **asdict(marks)})
    return 1 if without else 0
