"""The command line.

diat edit photo.jpg -o out.png --attribute eyeglasses_remove --strength 0.8 --faces all
diat edit photos/ -o changed/ --attribute mouth_close
diat video film.mp4 -o out.mp4 --attribute mouth_close --faces 1
diat faces photo.jpg
diat attributes
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from diat.attributes import ATTRIBUTES, MAX_STRENGTH
from diat.errors import DiatError, explain_import_error

if TYPE_CHECKING:
    from diat.results import EditResult

BATCH = 4  # photographs of a folder at a time: as many 25-megapixel pictures and their results are 600 MB


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit code is 0 when everything worked."""
    args = _parser().parse_args(arguments)
    # Pillow's word on pictures that are refused by a sentence of our own. Filters belong to the whole process, so the
    # library itself sets none.
    warnings.filterwarnings("ignore", message="Image size .* exceeds limit")
    try:
        code: int = args.run(args)
        return code
    except DiatError as error:
        print(f"diat: {error}", file=sys.stderr)
    except ImportError as error:
        print(f"diat: {explain_import_error(error)}", file=sys.stderr)
    except KeyboardInterrupt:
        print("diat: stopped.", file=sys.stderr)
        return 130
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="diat", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    edit = commands.add_parser("edit", help="change an attribute in a photograph or a folder of them")
    edit.set_defaults(run=_edit)
    edit.add_argument("photo", type=Path, help="a photograph, or a folder of photographs")
    edit.add_argument("-o", "--output", type=Path, required=True, help="the result: .png, .jpg or .webp, or a folder")
    _add_change(edit)
    edit.add_argument("--faces", default="largest", help='"largest", "all", or numbers such as 1,3 (default largest)')
    edit.add_argument("--apply-anyway", action="store_true", help="also change faces that have the attribute already")

    video = commands.add_parser("video", help="change an attribute in a video")
    video.set_defaults(run=_video)
    video.add_argument("video", type=Path)
    video.add_argument("-o", "--output", type=Path, required=True, help="the result, an .mp4 or .mov")
    _add_change(video)
    video.add_argument(
        "--faces", default="largest", help='"largest", "all", or the number of a person in the first frame with faces'
    )

    faces = commands.add_parser("faces", help="list the faces of a photograph, largest first")
    faces.set_defaults(run=_faces)
    faces.add_argument("photo", type=Path)

    attributes = commands.add_parser("attributes", help="list the attributes")
    attributes.set_defaults(run=_attributes)
    return parser


def _add_change(parser: argparse.ArgumentParser) -> None:
    """What to change, how much, and by which model."""
    parser.add_argument("--attribute", metavar="NAME", help=f"one of {', '.join(ATTRIBUTES)}; or as the model says")
    parser.add_argument("--model", help="a folder or Hub repository instead of the embedded weights")
    parser.add_argument("--revision", help="branch, tag or commit of a Hub repository")
    parser.add_argument("--strength", type=float, default=1.0, help="0 to 1.5 (default 1)")


def _attributes(args: argparse.Namespace) -> int:
    from diat.hub import EMBEDDED
    from diat.models import WEIGHTS

    for spec in ATTRIBUTES.values():
        where = "embedded weights" if (EMBEDDED / spec.name / WEIGHTS).is_file() else "no embedded weights"
        print(f"{spec.name:18} {spec.title:16} {spec.scope:7} {where}")
    return 0


def _faces(args: argparse.Namespace) -> int:
    from diat.detector import InsightFaceDetector
    from diat.faces import MAX_FACES_NOTICE, crop_side, face_fault
    from diat.photo import open_photo

    found = InsightFaceDetector().detect(open_photo(args.photo).pixels)
    for number, face in enumerate(found, start=1):
        left, top, right, bottom = (round(float(value)) for value in face.box)
        fault = face_fault(face)
        print(
            f"{number}: {crop_side(face):.0f} pixels across, box ({left}, {top}) to ({right}, {bottom}), "
            f"score {face.score:.2f}" + (f"; cannot be edited: {fault}" if fault else "")
        )
    if found.left_out:
        print(MAX_FACES_NOTICE)
    if not found:
        print("No face found.", file=sys.stderr)
    return 0 if found else 1


def _check_change(args: argparse.Namespace) -> None:
    if args.attribute is None and args.model is None:
        raise DiatError(f"Say what to change with --attribute: {', '.join(ATTRIBUTES)}.")
    if not 0 <= args.strength <= MAX_STRENGTH:
        raise DiatError(f"--strength takes 0 to {MAX_STRENGTH}, not {args.strength:g}.")


def _video(args: argparse.Namespace) -> int:
    _check_change(args)
    if not args.video.is_file():
        raise DiatError(f"There is no {args.video}: give a video.")
    if args.output.exists() and args.output.samefile(args.video):
        raise DiatError("The output is the video itself: choose another name, or it would be overwritten.")
    from tqdm import tqdm

    from diat.editor import FaceEditor
    from diat.video.choice import FilmFaces
    from diat.video.film import Progress, edit_video

    choice = _face_choice(args.faces)
    faces: FilmFaces = choice if isinstance(choice, str) else choice[0]
    if not isinstance(choice, str) and len(choice) > 1:
        raise DiatError('--faces of a video takes "largest", "all" or one number.')
    editor = FaceEditor.from_pretrained(args.model or args.attribute, revision=args.revision, attribute=args.attribute)
    with tqdm(unit="frame", dynamic_ncols=True, mininterval=1, delay=1) as bar:

        def shown(progress: Progress) -> bool:
            bar.total = progress.total or None
            bar.update(progress.done - bar.n)
            return True

        report = edit_video(args.video, args.output, editor, faces, args.strength, shown)
    missing = f", {report.damaged} damaged frames left out" if report.damaged else ""
    edited = f"{report.changed} of {report.frames} frames with an edited face{missing}"
    print(f"{args.output}: {edited}, {report.seconds:.0f} s")
    return 0


def _edit(args: argparse.Namespace) -> int:
    _check_change(args)
    if not args.photo.exists():
        raise DiatError(f"There is no {args.photo}: give a photograph or a folder of photographs.")
    choice = _face_choice(args.faces)
    folder = args.photo.is_dir()
    if not folder:
        _check_output(args.photo, args.output)
    from diat.editor import FaceEditor

    editor = FaceEditor.from_pretrained(args.model or args.attribute, revision=args.revision, attribute=args.attribute)
    edit = partial(editor.edit, faces=choice, strength=args.strength, apply_anyway=args.apply_anyway)
    if folder:
        return _edit_folder(edit, args.photo, args.output)
    result = edit(args.photo)
    result.save(args.output)
    for notice in result.notices:
        print(notice)
    for face in result.edited:
        print(f"Face {face.number}: identity similarity {face.identity_similarity:.2f}")
    print(f"{args.output}: {sum(result.milliseconds.values()):.0f} ms")
    return 0


def _edit_folder(edit: Callable[..., Any], source: Path, target: Path) -> int:
    from tqdm import tqdm

    from diat.photo import SUFFIXES
    from diat.provenance import KINDS

    photos = sorted(path for path in source.iterdir() if path.is_file() and path.suffix.lower() in SUFFIXES)
    if not photos:
        raise DiatError(f"{source} holds no photograph ({', '.join(SUFFIXES)}): give another folder.")
    if target.resolve() == source.resolve():
        raise DiatError(
            "The output folder is the input folder: choose another, or the photographs would be overwritten."
        )
    if (target.exists() and not target.is_dir()) or target.suffix.lower() in KINDS:
        raise DiatError(f"{target} is a file: for a folder of photographs, the output is a folder too.")
    stems = [path.stem for path in photos]
    failed = []
    with tqdm(total=len(photos), unit="photo", dynamic_ncols=True) as bar:
        for start in range(0, len(photos), BATCH):
            for path, result in _edited(edit, photos[start : start + BATCH]):
                # Two photographs of one stem would overwrite each other.
                name = path.stem if stems.count(path.stem) == 1 else path.name
                try:
                    if isinstance(result, DiatError):
                        raise result
                    result.save(target / f"{name}.png")
                except DiatError as error:
                    failed.append(f"{path.name}: {error}")
                bar.update()
    print(f"{len(photos) - len(failed)} of {len(photos)} photographs changed, in {target}")
    for line in failed:
        print(f"left out {line}", file=sys.stderr)
    return 1 if failed else 0


def _edited(edit: Callable[..., Any], photos: list[Path]) -> Iterator[tuple[Path, EditResult | DiatError]]:
    """The photographs as one batch of the network; one by one where one of them cannot be used."""
    try:
        yield from zip(photos, edit(list(photos)), strict=True)
        return
    except DiatError as error:
        if len(photos) == 1:
            yield photos[0], error
            return
    for photo in photos:
        yield from _edited(edit, [photo])


def _check_output(photo: Path, output: Path) -> None:
    from diat.provenance import KINDS

    if output.suffix.lower() not in KINDS:
        raise DiatError(f"The output must end in {', '.join(KINDS)}, not {output.suffix or 'nothing'!r}.")
    if output.exists() and output.samefile(photo):
        raise DiatError("The output is the photograph itself: choose another name, or it would be overwritten.")


def _face_choice(text: str) -> Literal["largest", "all"] | list[int]:
    if text == "largest":
        return "largest"
    if text == "all":
        return "all"
    try:
        return [int(number) - 1 for number in text.split(",")]
    except ValueError:
        raise DiatError(f'--faces takes "largest", "all" or numbers such as 1,3, not {text!r}.') from None


if __name__ == "__main__":
    sys.exit(main())
