"""``diat video``: a video in, the edited video out."""

from __future__ import annotations

import argparse
from contextlib import nullcontext
from dataclasses import asdict
from typing import Any

from diat.cli.shared import Reporter, check_change, load_editor
from diat.errors import DiatError, InvalidArgument
from diat.faces import parse_choice


def edit_film(args: argparse.Namespace) -> int:
    """Edit the video that the options name."""
    check_change(args)
    if args.identity is not None:
        raise InvalidArgument("--identity is for photographs: all frames of a video get one --strength, so lower that.")
    if not args.video.is_file():
        raise InvalidArgument(f"There is no {args.video}: give a video.")
    if args.output.exists():
        if args.output.samefile(args.video):
            raise DiatError("The output is the video itself: choose another name, or it would be overwritten.")
        if not args.overwrite:
            raise DiatError(f"{args.output} exists already: use --overwrite.")
    choice = parse_choice(args.faces, "--faces")
    if not isinstance(choice, (str, int)) and len(choice) > 1:
        raise InvalidArgument('--faces of a video takes "largest", "all" or one number.')
    faces = choice if isinstance(choice, (str, int)) else choice[0]

    from tqdm import tqdm

    from diat.video.film import edit_video
    from diat.video.report import Progress

    reporter, editor = Reporter(args), load_editor(args)
    bar: Any = tqdm(unit="frame", dynamic_ncols=True, mininterval=1, delay=1) if reporter.shows_progress else None

    def show(progress: Progress) -> bool:
        if bar is not None:
            bar.total = progress.total or None
            bar.update(progress.done - bar.n)
        return True

    with nullcontext() if bar is None else bar:
        report = edit_video(
            args.video,
            args.output,
            editor,
            faces,
            args.strength,
            show,
            apply_anyway=args.apply_anyway,
            label=args.label,
            start=args.start,
            end=args.end,
            before_after=args.before_after,
        )
    missing = f", {report.damaged} damaged frames left out" if report.damaged else ""
    changed = f"{report.changed} of {report.frames} frames changed{missing}"
    reporter.say(f"{args.output}: {changed}, {report.seconds:.0f} s")
    if left := report.sentence_of_left(editor.spec, args.apply_anyway):
        reporter.say(f"{left} Use --apply-anyway to change them, too." if report.would_change else left)
    reporter.record({"input": str(args.video), "output": str(args.output), **asdict(report)})
    return 0
