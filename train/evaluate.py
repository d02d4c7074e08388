"""How good the models are: every figure of the cards, taken on photographs that no training saw.

    pip install --no-deps -r train/judges.txt
    python train/evaluate.py --models diat/weights --dataset flwrlabs/celeba --split valid --output runs/evaluation
    python train/evaluate.py --models runs/mouth_close/model --dataset /data/celeba --limit 300 --no-realism
    python train/evaluate.py --models diat/weights --dataset my_photos/   # no labels: the judge's word stands for them

Each photograph goes through the same path as a user's: detection, alignment, network, paste-back at its own size.
Beside every figure stand its count, a 95 % interval, and two controls: the photograph as it was, and real photographs
that have the attribute. OUTPUT holds evaluation.json, a Markdown table, and contact sheets of random, worst, median and
best cases. Models whose figures are in OUTPUT already are not measured again: start an interrupted run once more.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from diat.detector import InsightFaceDetector
from diat.editor import FaceEditor
from diat.errors import DiatError
from diat.evaluation.evaluation import Evaluation
from diat.evaluation.judges import Judges
from diat.evaluation.photographs import read
from diat.evaluation.report import as_json, from_json, table
from diat.models import MANIFEST, model_folders


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, required=True, help="a model's folder, or a folder of models")
    parser.add_argument("--dataset", required=True, help="Hub id, folder in CelebA's schema, or folder of photographs")
    parser.add_argument("--split", default="valid")
    parser.add_argument("--judge", type=Path, default=Path("runs/judge/judge.safetensors"))
    parser.add_argument("--output", type=Path, default=Path("runs/evaluation"))
    parser.add_argument("--limit", type=int, help="at most this many photographs")
    parser.add_argument("--strengths", type=float, nargs="*", default=[], help="others than 1, for the curve")
    parser.add_argument("--no-realism", action="store_true", help="leave out FID and KID, the slowest")
    args = parser.parse_args()
    folders = model_folders(args.models)
    judges, detector = Judges(args.judge), InsightFaceDetector()
    photographs = read(args.dataset, args.split, args.limit, detector)
    evaluation = Evaluation(photographs, judges, detector, not args.no_realism)
    path = args.output / "evaluation.json"
    report: dict[str, Any] = {
        "dataset": Path(args.dataset).name,
        "split": args.split,
        "photographs": len(photographs.pixels),
        "left_out": photographs.left_out,
        "judge": judges.accuracy,
    }
    done = finished(path, report)
    results = []
    for folder in folders:
        how = {
            "manifest": json.loads((folder / MANIFEST).read_text()),
            "strengths": args.strengths,
            "realism": evaluation.realism,
        }
        figures = next((figures for figures in done if figures["how"] == how), None)
        if figures is None:
            editor = FaceEditor.from_pretrained(folder, detector=detector)
            figures = {"how": how, **evaluation.model(editor, args.strengths, args.output)}
        results.append(figures)
        args.output.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({**report, "models": as_json(results)}, indent=1))
        (args.output / "evaluation.md").write_text(table(results) + "\n")
    print(table(results))
    print(f"{len(photographs.pixels)} photographs, {photographs.left_out} left out for want of a usable face.")


def finished(path: Path, report: dict[str, Any]) -> list[dict[str, Any]]:
    """Figures that an earlier run took of the same photographs by the same judge."""
    if not path.is_file():
        return []
    earlier = json.loads(path.read_text())
    return from_json(earlier["models"]) if all(earlier.get(key) == value for key, value in report.items()) else []


if __name__ == "__main__":
    try:
        main()
    except DiatError as error:
        sys.exit(f"evaluate: {error}")
