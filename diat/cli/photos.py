"""``diat edit``: photographs in, edited photographs out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

from diat.attributes import check_identity
from diat.cli.files import Job, plan
from diat.cli.shared import Reporter, check_change, load_editor, read_stdin
from diat.errors import DiatError
from diat.faces import parse_choice

if TYPE_CHECKING:
    from pathlib import Path

    from diat.editor import FaceEditor
    from diat.faces import FaceChoice
    from diat.results import EditResult

BATCH = 4  # photographs at a time: as many 12-megapixel pictures and their results are 300 MB, of 50 1.2 GB


def edit_photos(args: argparse.Namespace) -> int:
    """Edit what the options name; 1 if one of them could not be."""
    check_change(args)
    check_identity(args.identity)
    choice, jobs = parse_choice(args.faces, "--faces"), plan(args)
    reporter = Reporter(args, to_stderr=args.output == "-")
    present = [job for job in jobs if job.output is not None and job.output.exists()]
    for job in present:
        if job.photo.path is not None and job.output is not None and job.output.samefile(job.photo.path):
            raise DiatError("The output is the photograph itself: choose another name, or it would be overwritten.")
    if args.skip_existing:
        jobs = [job for job in jobs if job not in present]
    elif present and not args.overwrite:
        raise DiatError(f"{present[0].output} exists already: use --overwrite or --skip-existing.")
    failed, unchanged = _run(load_editor(args), jobs, choice, args, reporter) if jobs else (0, 0)
    if len(jobs) > 1 or present:
        skipped = f" {len(present)} skipped: their results exist." if args.skip_existing and present else ""
        left = f", {unchanged} left unchanged" if unchanged else ""
        edited = len(jobs) - failed - unchanged
        reporter.say(f"{edited} of {len(jobs)} photographs edited{left}, in {args.output}.{skipped}")
    return 1 if failed else 0


def _run(
    editor: FaceEditor, jobs: list[Job], choice: FaceChoice, args: argparse.Namespace, reporter: Reporter
) -> tuple[int, int]:
    """Edit and write them all; how many failed, and in how many nothing was changed."""
    from tqdm import tqdm

    failed = unchanged = 0
    edit = partial(
        editor.edit, faces=choice, strength=args.strength, apply_anyway=args.apply_anyway, identity=args.identity
    )
    bar: Any = nullcontext()
    if len(jobs) > 1 and reporter.shows_progress:
        bar = tqdm(total=len(jobs), unit="photo", dynamic_ncols=True)
    with bar as shown:
        for start in range(0, len(jobs), BATCH):
            for job, result in _edited(edit, jobs[start : start + BATCH], args.full_size):
                try:
                    if isinstance(result, DiatError):
                        raise result
                    _write(result, job, args)
                except DiatError as error:
                    failed += 1
                    if args.json:
                        reporter.record({"input": str(job.photo), "error": str(error)})
                    reporter.fail(f"diat: {error}" if len(jobs) == 1 else f"{job.photo} was skipped: {error}")
                else:
                    unchanged += result.unchanged
                    _report(result, job, result.notices_for(_kind(result, job, args)), reporter, alone=len(jobs) == 1)
                if shown is not None:
                    shown.update()
    return failed, unchanged


def _edited(edit: Callable[..., Any], jobs: list[Job], full_size: bool) -> Iterator[tuple[Job, EditResult | DiatError]]:
    """The photographs as one batch of the network; one by one where one of them cannot be used."""
    from diat.photo import open_photo

    sources: list[Path | bytes] = [read_stdin() if job.photo.path is None else job.photo.path for job in jobs]
    opened = partial(open_photo, full_size=full_size)
    try:
        results = edit(map(opened, sources))
    except Exception:  # noqa: BLE001 - said below, of the photograph that it was
        pass
    else:
        yield from zip(jobs, results, strict=True)
        return
    for job, source in zip(jobs, sources, strict=True):
        try:
            yield job, edit(opened(source))
        except DiatError as error:
            yield job, error
        except Exception as error:  # noqa: BLE001 - one photograph must not stop the others
            yield job, DiatError(f"Editing it failed ({type(error).__name__}: {error}): please report this.")


def _kind(result: EditResult, job: Job, args: argparse.Namespace) -> str:
    """Of the file to write."""
    from diat.provenance import KINDS

    if job.output is not None:
        return KINDS[job.output.suffix.lower()]
    return KINDS[f".{args.format}" if args.format else result.suffix]


def _write(result: EditResult, job: Job, args: argparse.Namespace) -> None:
    """Write one result, whole or not at all.

    Raises:
        DiatError: it cannot be written.
    """
    from diat.files import write_file

    if job.output is None:
        sys.stdout.buffer.write(result.to_bytes(_kind(result, job, args), args.quality, args.label))
        sys.stdout.buffer.flush()
        return
    try:
        write_file(job.output, result.to_bytes(_kind(result, job, args), args.quality, args.label))
    except OSError as error:
        raise DiatError(f"{job.output} cannot be written ({error.strerror}): choose another place.") from error


def _report(result: EditResult, job: Job, notices: tuple[str, ...], reporter: Reporter, alone: bool) -> None:
    output = "-" if job.output is None else str(job.output)
    if alone:
        reporter.say(*notices)
        for face in () if result.unchanged else result.edited:
            reporter.say(f"Face {face.number}: identity similarity {face.identity_similarity:.2f}")
        reporter.say(f"{output}: {sum(result.milliseconds.values()):.0f} ms")
    elif notices and not reporter.quiet:
        reporter.fail(f"{job.photo}: {' '.join(notices)}")
    reporter.record(
        {
            "input": str(job.photo),
            "output": output,
            "attribute": result.attribute,
            "strength": result.strength,
            "unchanged": result.unchanged,
            "faces_found": len(result.faces),
            "edited": [
                {
                    "face": face.number,
                    "strength": face.strength,
                    "identity_similarity": round(face.identity_similarity, 4),
                }
                for face in result.edited
            ],
            "notices": list(notices),
            "milliseconds": {stage: round(value, 1) for stage, value in result.milliseconds.items()},
        }
    )
