"""Steps and seconds that trainings took to one success (section 5.5: DIAT-A in a third of DIAT's time).

    python train/training_time.py --runs runs/paper/eyeglasses_remove/runs/DIAT-A0 runs/paper/.../DIAT3 \\
        --pack data/celeba.pack --judge runs/judge/judge.safetensors --output runs/paper/training_time.json

Looks at the models that the runs kept on their way (``--keep-models``): success is the share of T(x) that the attribute
judge takes for the attribute, of faces of the validation part without it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from commandline import parse, run_command

from diat.attributes import COLUMNS, attribute_spec
from diat.baselines.pictures import baseline_faces
from diat.data.pack import open_pack
from diat.evaluation import metrics
from diat.evaluation.classifier import load_classifier, predict
from diat.evaluation.crops import TRANSFORMED, network_images
from diat.evaluation.evaluation import CUT
from diat.evaluation.progress import Look, first_success, kept_models, seconds_at
from diat.evaluation.report import markdown_table, percent
from diat.files import write_file
from diat.hub import load_model


@dataclass(frozen=True)
class TrainingTimeSettings:
    """Which trainings are compared, and by what."""

    runs: tuple[Path, ...]  # folders of runs that kept their models, of one attribute
    output: Path  # a JSON file
    pack: Path = Path("data/celeba.pack")  # the data, from train/prepare.py
    judge: Path = Path("runs/judge/judge.safetensors")  # from train/attribute_classifier.py
    faces: int = 200  # of the validation part, without the attribute
    target: float = 0.5  # share of successes to which the time is taken


def main() -> None:
    settings = parse(TrainingTimeSettings, __doc__)
    pack, judge = open_pack(settings.pack), load_classifier(settings.judge)
    looks: dict[str, list[Look]] = {}
    for run in settings.runs:
        looks[run.name] = []
        for step, folder in kept_models(run).items():
            model = load_model(folder)
            spec = attribute_spec(model.config.attribute, model.config.region)
            crops = pack.crops[baseline_faces(pack, spec, settings.faces)]
            said = predict(judge, network_images(model, crops)[TRANSFORMED])[:, COLUMNS.index(spec.column)]
            success = metrics.share((said > CUT) == spec.wanted)
            looks[run.name].append(Look(step, seconds_at(run, step), success))
    told = {name: [asdict(look) for look in these] for name, these in looks.items()}
    write_file(settings.output, json.dumps({"target": settings.target, "runs": told}, indent=1).encode())
    rows = [(name, k.step, f"{k.seconds:.0f}", percent(k.success)) for name, these in looks.items() for k in these]
    print(markdown_table(("run", "step", "seconds", "success %"), rows))
    for name, these in looks.items():
        found = first_success(these, settings.target)
        when = "never" if found is None else f"at step {found.step}, {found.seconds:.0f} s"
        print(f"{name}: {100 * settings.target:.0f} % and above from then on {when}")


if __name__ == "__main__":
    run_command(main)
