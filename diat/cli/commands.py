"""The commands and their options; what each does is in the file that it names.

Nothing heavy is imported before it is needed, so that `diat --help` answers at once.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from diat.attributes import ATTRIBUTES, MAX_STRENGTH
from diat.errors import DiatError, explain_import_error

DESCRIPTION = "Change one attribute of a face in photographs and videos, and keep the person."
EXAMPLES = """\
examples:
  diat edit portrait.jpg -o closed.png --attribute mouth_close
  diat edit photos/*.jpg holiday/ -o edited/ --attribute eyeglasses_remove --recursive --skip-existing
  diat edit group.jpg -o out.jpg --attribute older_to_younger --faces 1,3 --strength 0.8
  diat video talk.mp4 -o closed.mp4 --attribute mouth_close --start 3 --end 9.5 --before-after
  diat faces group.jpg --json
  diat verify closed.png
  diat demo
  eval "$(diat completion bash)"

exit codes: 0 everything worked, 1 something did not (see stderr), or has no mark (verify), 2 wrong usage,
130 stopped with Ctrl-C
"""
MAX_QUALITY = 100
SHELLS = ("bash", "zsh", "tcsh")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit code is 0 when everything worked."""
    given = sys.argv[1:] if arguments is None else arguments
    if given[:1] == ["demo"]:  # whose options are the server's own
        return _demo(given[1:])
    parser, _ = _parser()
    args, unknown = parser.parse_known_args(given)
    if unknown:  # argparse would show the usage of all commands
        args.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    try:
        module, function = args.run
        code: int = getattr(importlib.import_module(f"diat.cli.{module}"), function)(args)
        return code
    except DiatError as error:
        print(f"diat: {error}", file=sys.stderr)
    except ImportError as error:
        print(f"diat: {explain_import_error(error)}", file=sys.stderr)
    except BrokenPipeError:  # whoever read our output has enough
        sys.stderr.close()
    except KeyboardInterrupt:
        print("diat: stopped.", file=sys.stderr)
        return 130
    return 1


def _demo(arguments: list[str]) -> int:
    try:
        from diat.pages.server import main as serve

        serve(arguments)
    except ImportError as error:
        print(f"diat: {explain_import_error(error)} The demo needs `pip install diat[app]`.", file=sys.stderr)
        return 1
    return 0


class _Version(argparse.Action):
    """Prints the version; its import waits until it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from diat import __version__

        print(f"diat {__version__}")
        parser.exit()


def _parser() -> tuple[argparse.ArgumentParser, list[argparse.ArgumentParser]]:
    """The parser, and those of the commands that it parses itself."""
    parser = argparse.ArgumentParser(
        prog="diat", description=DESCRIPTION, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_edit(commands)
    _add_video(commands)

    faces = commands.add_parser("faces", help="list the faces of photographs, largest first")
    faces.set_defaults(run=("listing", "list_faces"))
    _add_photos(faces)
    _add_output_style(faces)

    verify = commands.add_parser("verify", help="say what marks of having been edited pictures and films carry")
    verify.set_defaults(run=("verify", "verify_files"))
    verify.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        type=Path,
        help="pictures and films; of a film, 16 frames spread over all of it",
    )
    _add_output_style(verify)

    attributes = commands.add_parser("attributes", help="list the attributes")
    attributes.set_defaults(run=("listing", "list_attributes"))
    attributes.add_argument("--json", action="store_true", help="one JSON object per attribute")

    completion = commands.add_parser("completion", help="print a script that completes commands in a shell")
    completion.set_defaults(run=("commands", "print_completion"))
    completion.add_argument("shell", choices=SHELLS)

    parsers = list(commands.choices.values())
    for command in parsers:
        command.set_defaults(parser=command)
    commands.add_parser("demo", help="serve the demo's pages; see diat demo --help", add_help=False)
    return parser, parsers


def print_completion(args: argparse.Namespace) -> int:
    """Print what a shell needs to complete commands and options.

    Raises:
        DiatError: the library that writes it is missing.
    """
    try:
        import shtab
    except ImportError:
        raise DiatError("Completion needs shtab: run `pip install shtab`.") from None
    parser, commands = _parser()
    for command in commands:
        for action in command._actions:
            if action.dest in ("photos", "video", "output", "model"):
                action.complete = shtab.FILE  # type: ignore[attr-defined]
            elif action.dest == "attribute":
                action.choices = list(ATTRIBUTES)
    print(shtab.complete(parser, args.shell))
    return 0


def _add_edit(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    edit = commands.add_parser("edit", help="change an attribute in photographs")
    edit.set_defaults(run=("photos", "edit_photos"))
    _add_photos(edit)
    edit.add_argument(
        "-o", "--output", required=True,
        help="the result: a .png, .jpg or .webp file for one photograph, - for stdout, or a folder, which keeps the "
        "names, sub-folders and formats",
    )  # fmt: skip
    _add_change(edit)
    edit.add_argument("--faces", default="largest", help='"largest", "all", or numbers such as 1,3 (default largest)')
    edit.add_argument(
        "--identity", type=float, metavar="SIMILARITY",
        help="lower the strength until a recogniser sees this much of the person, 0 to 1, such as 0.8",
    )  # fmt: skip
    edit.add_argument("--format", choices=("png", "jpg", "webp"), help="of all results (default: each as its original)")
    edit.add_argument("--quality", type=_quality, default=95, help=f"of JPEG results, 1 to {MAX_QUALITY} (default 95)")
    edit.add_argument(
        "--full-size", action="store_true",
        help="keep photographs of more than 50 megapixels at their size, which takes 2 GB of memory for 108; else they "
        "are reduced",
    )  # fmt: skip
    existing = edit.add_mutually_exclusive_group()
    existing.add_argument("--overwrite", action="store_true", help="replace results that exist already")
    existing.add_argument("--skip-existing", action="store_true", help="leave photographs out whose result exists")
    _add_output_style(edit)


def _add_video(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    video = commands.add_parser("video", help="change an attribute in a video")
    video.set_defaults(run=("films", "edit_film"))
    video.add_argument("video", type=Path)
    video.add_argument("-o", "--output", type=Path, required=True, help="the result: an .mp4, .mov or .m4v file")
    _add_change(video)
    video.add_argument(
        "--faces", default="largest",
        help='"largest", "all", or the number of a person in the first frame that shows a face, 1 for the largest',
    )  # fmt: skip
    video.add_argument(
        "--start", type=float, default=0.0, metavar="SECONDS", help="cut off what comes before (default 0)"
    )
    video.add_argument("--end", type=float, metavar="SECONDS", help="cut off what comes after (default: nothing)")
    video.add_argument("--before-after", action="store_true", help="show the original at the left of the result")
    video.add_argument("--identity", type=float, help=argparse.SUPPRESS)  # refused by a sentence
    video.add_argument("--overwrite", action="store_true", help="replace a result that exists already")
    _add_output_style(video)


def _add_photos(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "photos",
        nargs="+",
        metavar="PHOTO",
        help="photographs, folders, patterns such as '*.jpg', or - (stdin)",
    )
    parser.add_argument("-r", "--recursive", action="store_true", help="look into sub-folders too")


def _add_change(parser: argparse.ArgumentParser) -> None:
    """What to change, how much, and by which model."""
    parser.add_argument(
        "--attribute", metavar="NAME", type=_attribute, help=f"one of {', '.join(ATTRIBUTES)}; or as the model says"
    )
    parser.add_argument("--model", help="a folder or Hub repository instead of the embedded weights")
    parser.add_argument("--revision", help="branch, tag or commit of a Hub repository")
    parser.add_argument("--strength", type=float, default=1.0, help=f"0 to {MAX_STRENGTH} (default 1)")
    parser.add_argument("--apply-anyway", action="store_true", help="also change faces that have the attribute already")
    parser.add_argument("--label", action="store_true", help='write "Edited with AI" into the corner')
    parser.add_argument("--device", help='"cpu", "cuda", or as torch names it (default: a GPU if there is one)')


def _add_output_style(parser: argparse.ArgumentParser) -> None:
    style = parser.add_mutually_exclusive_group()
    style.add_argument("--json", action="store_true", help="one JSON object per result on stdout")
    style.add_argument("-q", "--quiet", action="store_true", help="print nothing but errors")


def _attribute(text: str) -> str:
    """An attribute's name out of whatever its user calls it: "Mouth closed", "mouth-close"."""
    titles = {spec.title.lower(): spec.name for spec in ATTRIBUTES.values()}
    name = text.lower().replace("-", "_").replace(" ", "_")
    return titles.get(text.lower()) or (name if name in ATTRIBUTES else text)


def _quality(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= MAX_QUALITY:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to {MAX_QUALITY}, not {text!r}")
    return int(text)
