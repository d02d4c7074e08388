"""From the photographs that a user names to the files to read, and from those to the files to write."""

from __future__ import annotations

import argparse
import glob
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from diat.errors import InvalidArgument

STDIN = STDOUT = "-"
OUTPUTS = (".png", ".jpg", ".jpeg", ".webp")


@dataclass(frozen=True)
class Named:
    """A photograph that was named, or found in a folder that was."""

    path: Path | None  # None is stdin
    place: Path  # where its result goes below the output folder, with the original's ending

    def __str__(self) -> str:
        return STDIN if self.path is None else str(self.path)


@dataclass(frozen=True)
class Job:
    """One photograph to edit, and where its result goes."""

    photo: Named
    output: Path | None  # None is stdout


def find_photos(names: list[str], recursive: bool) -> list[Named]:
    """Files, files in folders, what patterns match, and stdin, each once.

    Raises:
        InvalidArgument: there is no such file, or no photograph in a folder.
    """
    found: list[Named] = []
    for name in names:
        if name == STDIN:
            found.append(Named(None, Path("stdin")))
            continue
        paths = [Path(name)]
        if not paths[0].exists():
            paths = [Path(match) for match in sorted(glob.glob(name, recursive=True))]
        if not paths:
            raise InvalidArgument(f"There is no {name}: give photographs, folders or patterns.")
        for path in paths:
            found.extend(_in_folder(path, recursive) if path.is_dir() else [Named(path, Path(path.name))])
    return list({photo.path: photo for photo in found}.values())


def _in_folder(folder: Path, recursive: bool) -> list[Named]:
    from diat.formats import SUFFIXES

    paths = folder.rglob("*") if recursive else folder.iterdir()
    photos = sorted(path for path in paths if path.is_file() and path.suffix.lower() in SUFFIXES)
    if not photos:
        hint = "" if recursive else " --recursive looks into sub-folders too."
        raise InvalidArgument(f"{folder} holds no photographs ({', '.join(SUFFIXES)}).{hint}")
    return [Named(path, path.relative_to(folder)) for path in photos]


def plan(args: argparse.Namespace) -> list[Job]:
    """What to read and where to write it.

    Raises:
        InvalidArgument: the output does not fit the photographs.
    """
    photos = find_photos(args.photos, args.recursive)
    alone = len(args.photos) == 1 and len(photos) == 1 and not (photos[0].path and Path(args.photos[0]).is_dir())
    if args.output == STDOUT:
        if not alone:
            raise InvalidArgument("Only one photograph can go to stdout: give a folder as the output.")
        return [Job(photos[0], None)]
    output = Path(args.output)
    if alone and output.suffix and not output.is_dir():
        return [Job(photos[0], _checked_file(output))]
    if not output.is_dir() and (output.exists() or output.suffix.lower() in OUTPUTS):
        raise InvalidArgument(f"{output} is a file: for several photographs, the output is a folder.")
    places = _places([photo.place for photo in photos], args.format)
    jobs = [Job(photo, output / place) for photo, place in zip(photos, places, strict=True)]
    for job in jobs:
        if job.photo.path and job.output and job.photo.path.resolve() == job.output.resolve():
            raise InvalidArgument(f"{job.output} is the photograph itself: give another folder as the output.")
    return jobs


def _checked_file(output: Path) -> Path:
    if output.suffix.lower() not in OUTPUTS:
        raise InvalidArgument(f"The output must end in {', '.join(OUTPUTS)}, or be a folder; not {output.name!r}.")
    return output


def _ending(original: str) -> str:
    """Of a result whose original ends so: the same, or that of the nearest format that can be written."""
    from diat.formats import SUFFIXES
    from diat.provenance import WRITTEN_AS

    return original if original in OUTPUTS else WRITTEN_AS[SUFFIXES.get(original, "PNG")]


def _places(originals: list[Path], kind: str | None) -> list[Path]:
    """Where results go below the output folder. Two that would share a name keep their original's ending as well."""
    endings = [f".{kind}" if kind else _ending(place.suffix.lower()) for place in originals]
    places = [place.with_suffix(ending) for place, ending in zip(originals, endings, strict=True)]
    shared = Counter(places)
    unique: list[Path] = []
    for original, place in zip(originals, places, strict=True):
        if shared[place] > 1:
            place = original.with_name(original.name + place.suffix)
        number = 2
        while place in unique:  # of one name, from two folders
            place, number = original.with_name(f"{original.stem}-{number}{place.suffix}"), number + 1
        unique.append(place)
    return unique
