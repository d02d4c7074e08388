"""How good the models are: every figure of the cards, taken on photographs that no training saw.

    pip install --no-deps -r train/judges.txt
    python train/evaluate.py --models diat/weights --dataset flwrlabs/celeba --split valid --output runs/evaluation
    python train/evaluate.py --models runs/mouth_close/model --dataset /data/celeba --limit 300 --no-realism
    python train/evaluate.py --models diat/weights --dataset lfw/   # no labels: the judge's word stands for them
    python train/evaluate.py --models runs/mouth_close/model --pictures runs/cnia --dataset flwrlabs/celeba

Each photograph goes through the same path as a user's: detection, alignment, network, paste-back at its own size. The
networks' own pictures, T(x) and E(T(x)), are judged on the crop beside it. Beside every figure stand its count, a 95 %
interval, and two controls: the photograph as it was, and real photographs that have the attribute. A baseline's
pictures are of few faces, so that the models' own pictures of those faces are judged beside them. OUTPUT holds
evaluation.json, Markdown tables, for each run contact sheets of random, worst, median and best cases, and where several
models have one attribute a sheet of the same faces through all of them. Models whose figures are in OUTPUT already are
not measured again, and those of models that are not asked for this time stay: start an interrupted run once more.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from commandline import OptionsHelp, run_command

from diat.attributes import attribute_spec
from diat.baselines.pictures import read_method
from diat.detector import InsightFaceDetector
from diat.editor import FaceEditor
from diat.evaluation.evaluation import Evaluation
from diat.evaluation.judges import Judges
from diat.evaluation.photographs import Quota, read_photographs
from diat.evaluation.report import as_markdown
from diat.evaluation.results import ModelFigures, Report, read_report, run_names, to_json, together
from diat.heads import RGB
from diat.hub import load_model
from diat.models import Model, model_folders


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=OptionsHelp)
    parser.add_argument("--models", type=Path, nargs="+", required=True, help="models' folders, or folders of models")
    parser.add_argument(
        "--dataset", required=True, help="Hub id, folder in CelebA's schema, or photographs, in folders or not"
    )
    parser.add_argument(
        "--pictures",
        type=Path,
        nargs="*",
        default=[],
        help="folders of baselines' pictures (cnia.py, inpainting.py)",
    )
    parser.add_argument("--split", default="valid", help="part of a data set in CelebA's schema")
    parser.add_argument(
        "--judge", type=Path, default=Path("runs/judge/judge.safetensors"), help="see attribute_classifier.py"
    )
    parser.add_argument("--output", type=Path, default=Path("runs/evaluation"), help="figures and sheets go here")
    parser.add_argument("--limit", type=int, help="at most this many photographs")
    parser.add_argument("--faces", type=int, help="read and edit at most this many faces of each attribute")
    parser.add_argument("--strengths", type=float, nargs="*", default=[], help="others than 1, for the curve")
    parser.add_argument("--no-realism", action="store_true", help="leave out FID and KID, the slowest")
    args = parser.parse_args()
    folders = [folder for path in args.models for folder in model_folders(path)]
    judges, detector = Judges(args.judge), InsightFaceDetector()
    models = [load_model(folder) for folder in folders]
    specs = [attribute_spec(model.config.attribute, model.config.region) for model in models]
    quota = Quota(specs, args.faces) if args.faces else None
    photographs = read_photographs(args.dataset, args.split, args.limit, detector, quota)
    evaluation = Evaluation(photographs, judges, detector, not args.no_realism, args.faces)
    path = args.output / "evaluation.json"
    report = Report(
        dataset=Path(args.dataset).name,
        split=args.split,
        photographs=len(photographs.pixels),
        left_out=photographs.left_out,
        judge=judges.accuracy,
    )
    done = finished(path, report)
    args.output.mkdir(parents=True, exist_ok=True)
    measured: list[ModelFigures] = []
    names = run_names(folders)
    for folder, run in zip(folders, names, strict=True):
        conditions = evaluation.conditions(folder, args.strengths)
        figures = next((one for one in done if (one.run, one.conditions) == (run, conditions)), None)
        if figures is None:
            editor = FaceEditor.from_pretrained(folder, detector=detector)
            figures = evaluation.measure(editor, run, conditions, args.output)
        measured.append(figures)
        report = replace(report, models=together(done, measured))
        path.write_text(to_json(report))
        path.with_suffix(".md").write_text(as_markdown(report))
    for folder in args.pictures:
        beside = evaluation.baseline(folder, folder.name, dict(zip(names, models, strict=True)))
        report = replace(report, baselines=(*report.baselines, beside))
    path.write_text(to_json(report))
    path.with_suffix(".md").write_text(as_markdown(report))
    print(as_markdown(report), end="")
    write_comparisons(args.output, evaluation, measured, models, args.pictures)


def write_comparisons(
    output: Path,
    evaluation: Evaluation,
    measured: Sequence[ModelFigures],
    models: Sequence[Model],
    pictures: Sequence[Path],
) -> None:
    """Of each attribute a sheet of the same faces through all of its models, and by the baselines."""
    for attribute in {figures.attribute for figures in measured}:
        same = [n for n, figures in enumerate(measured) if figures.attribute == attribute]
        sheet = output / f"{attribute}.png"
        others = [folder for folder in pictures if read_method(folder).attribute == attribute]
        if len(same) + len(others) > 1 and evaluation.compare([models[n] for n in same], sheet, others):
            shown = [measured[n].run for n in same if models[n].config.heads == RGB]
            print(f"{sheet} shows the same faces: as they are, {', '.join([*shown, *(o.name for o in others)])}.")


def finished(path: Path, report: Report) -> tuple[ModelFigures, ...]:
    """Figures that an earlier run took of the same photographs by the same judges."""
    if not path.is_file():
        return ()
    earlier = read_report(path)
    return earlier.models if replace(earlier, models=(), baselines=()) == report else ()


if __name__ == "__main__":
    run_command(main)
