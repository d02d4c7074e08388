"""Send models to the Hub: one repository an attribute, weights, manifest, card and samples in one commit.

    python train/push.py --organisation ORG                               # says what it would send, and stops
    python train/push.py --organisation ORG --push                        # sends it; needs `hf auth login` or HF_TOKEN
    python train/push.py --organisation ORG --models runs/mouth_close/model --evaluation runs/evaluation/evaluation.json

What is there already is not sent again: without a change no commit is made.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
from pathlib import Path

import cv2
import numpy as np
from card import Sample, card_text, model_card, of_these_weights
from commandline import OptionsHelp, run_command

from diat.detector import InsightFaceDetector
from diat.editor import FaceEditor
from diat.evaluation.results import read_report
from diat.hub import EMBEDDED, FILES, load_model, repository_of
from diat.models import MANIFEST, model_folders
from diat.pixels import contact_sheet, save_image
from diat.upload import push_folder

EXAMPLES = Path(__file__).parents[1] / "examples"
COMMIT_MESSAGE = "Update the model, its card and its samples"
REPORT = Path(__file__).parents[1] / "docs" / "evaluation.json"
SAMPLE_HEIGHT = 384  # pixels of a sample on the card


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=OptionsHelp)
    parser.add_argument("--organisation", required=True, help="of the Hub, or your user name there")
    parser.add_argument("--models", type=Path, default=EMBEDDED, help="a model's folder, or a folder of models")
    parser.add_argument("--evaluation", type=Path, help=f"evaluate.py's report (default {REPORT.name}, if there)")
    parser.add_argument("--push", action="store_true", help="send it; without, nothing leaves this machine")
    parser.add_argument("--private", action="store_true", help="make new repositories private")
    args = parser.parse_args()
    report = args.evaluation or (REPORT if REPORT.is_file() else None)
    detector = InsightFaceDetector()
    for folder in model_folders(args.models):
        with tempfile.TemporaryDirectory() as staging:
            repository = stage(folder, args.organisation, report, detector, Path(staging))
            listed(repository, Path(staging))
            if args.push:
                commit = push_folder(repository, Path(staging), private=args.private, commit_message=COMMIT_MESSAGE)
                print(f"{repository} is at {commit}")
    if not args.push:
        print("Nothing was sent: --push sends it.")


def stage(folder: Path, organisation: str, report: Path | None, detector: InsightFaceDetector, staging: Path) -> str:
    """Lay out in ``staging`` what the repository of a model shall hold, and return the repository's name.

    Raises:
        ModelRejected: the model is not whole; nothing unverified is sent.
    """
    model = load_model(folder)
    repository = repository_of(organisation, model.config.attribute)
    for name in FILES:
        (staging / name).write_bytes((folder / name).read_bytes())
    editor = FaceEditor(model, detector=detector)
    samples = [before_and_after(editor, name, staging) for name in card_text(model.config.attribute).samples]
    manifest = json.loads((folder / MANIFEST).read_text())
    measured = of_these_weights(read_report(report), manifest) if report else None
    card = model_card(model, repository, samples, measured)
    card.save(staging / "README.md")
    return repository


def before_and_after(editor: FaceEditor, name: str, staging: Path) -> Sample:
    """A public-domain portrait before and after, as a file of ``staging``."""
    result = editor.edit(EXAMPLES / name)
    scale = SAMPLE_HEIGHT / result.original.shape[0]
    sides = (result.original, result.photo)
    before, after = (np.asarray(cv2.resize(side, None, fx=scale, fy=scale), np.uint8) for side in sides)
    file = f"samples/{Path(name).stem}.jpg"
    save_image(staging / file, contact_sheet([(before, after)], columns=1))
    who = Path(name).stem.replace("_", " ").title()
    return Sample(file, f"{who}, before and after")


def listed(repository: str, staging: Path) -> None:
    """Print what a repository shall hold."""
    print(repository)
    for path in contents(staging):
        data = path.read_bytes()
        print(f"  {len(data):>9,} bytes  {hashlib.sha256(data).hexdigest()[:12]}  {path.relative_to(staging)}")


def contents(staging: Path) -> list[Path]:
    return sorted(path for path in staging.rglob("*") if path.is_file())


if __name__ == "__main__":
    run_command(main)
