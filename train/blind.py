"""Which of two models makes the better pictures, chosen by somebody who does not know which is which.

    python train/blind.py --old runs/a/model --new runs/b/model --photographs portraits/ --output runs/blind
    python train/blind.py --output runs/blind --answers answers.txt      # a line a pair: 03 B, or 03 = for undecided

The first call writes a picture a pair (the photograph, A and B, at the photograph's own resolution) and key.json, which
is not to be opened before the answers. Photographs that neither model changes are left out.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from commandline import OptionsHelp, run_command
from tqdm import tqdm

from diat.detector import InsightFaceDetector
from diat.editor import FaceEditor
from diat.errors import InvalidArgument, PhotoRejected
from diat.evaluation.blind import face_picture, shuffled, tally, write_key, write_pair
from diat.formats import SUFFIXES
from diat.photo import open_photo
from diat.pixels import U8

Pictures = tuple[U8, U8, U8]  # the photograph, the old model's result, the new model's


def main() -> None:
    """Make pairs, or count answers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=OptionsHelp)
    parser.add_argument("--output", type=Path, required=True, help="folder of the pairs")
    parser.add_argument("--old", type=Path, help="a model's folder")
    parser.add_argument("--new", type=Path, help="a model's folder")
    parser.add_argument("--photographs", type=Path, help="folder of photographs")
    parser.add_argument("--names", type=Path, help="file with the names of those to take, a line each")
    parser.add_argument("--count", type=int, default=32, help="pairs, at most")
    parser.add_argument("--seed", type=int, default=0, help="of the choice and of the sides")
    parser.add_argument("--answers", type=Path, help="count these answers instead of making pairs")
    args = parser.parse_args()
    if args.answers is not None:
        result = tally(args.output, args.answers.read_text())
        share = result.taken / max(result.answered, 1)
        print(f"The new model was taken in {result.taken} of {result.answered} pairs ({share:.0%}, 95 % interval "
              f"{result.low:.0%} to {result.high:.0%}); {result.undecided} undecided.")  # fmt: skip
        return
    if None in (args.old, args.new, args.photographs):
        raise InvalidArgument("Give --old, --new and --photographs to make pairs, or --answers to count answers.")
    if args.output.exists() and any(args.output.iterdir()):
        raise InvalidArgument(f"{args.output} is not empty: choose another --output.")
    found = pictures(args)
    pairs = shuffled(list(found), args.seed)
    args.output.mkdir(parents=True, exist_ok=True)
    for pair in pairs:
        write_pair(args.output, pair, *found[pair.photograph])
    write_key(args.output, pairs)
    print(f"{len(pairs)} pairs are in {args.output}.")


def pictures(args: argparse.Namespace) -> dict[str, Pictures]:
    """The faces of photographs, and what both models make of them."""
    detector = InsightFaceDetector()
    old, new = (FaceEditor.from_pretrained(path, detector=detector) for path in (args.old, args.new))
    paths = sorted(path for path in args.photographs.iterdir() if path.suffix.lower() in SUFFIXES)
    if args.names is not None:
        wanted = set(args.names.read_text().split())
        paths = [path for path in paths if path.name in wanted]
    found: dict[str, Pictures] = {}
    bar = tqdm(total=args.count, desc="pairs")
    for place in np.random.default_rng(args.seed).permutation(len(paths)):
        if len(found) == args.count:
            break
        photo = open_photo(paths[place])
        try:
            before = old.edit(photo)
        except PhotoRejected:
            continue
        after = new.edit(photo, found=before.faces)
        face = before.faces[before.edited[0].index]
        source, *results = (face_picture(pixels, face) for pixels in (photo.pixels, before.photo, after.photo))
        if any((source != result).any() for result in results):
            found[paths[place].name] = (source, results[0], results[1])
            bar.update()
    if not found:
        raise PhotoRejected(f"{args.photographs} shows no face that either model changes.")
    return found


if __name__ == "__main__":
    run_command(main)
