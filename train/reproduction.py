"""What `train/reproduce.py` does: the commands of section 5, in an order in which each finds what it needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Literal

from diat.attributes import attribute_spec
from diat.baselines.pictures import ABOUT
from diat.data.celeba import DEFAULT_DATASET
from diat.models import CONFIG
from diat.training.recipes import ENHANCED, PAPER_ADAPTIVE, VARIANTS, trained_variant

ROOT = Path(__file__).parents[1]
# Steps of the other networks as a share of the trainings' ...
SHARES = {"enhancer": 0.5, "dcgan": 4.0, "pretraining": 8.0}
# ... and of those beforehand. D's cost a tenth of T's, and Eq. (13) is nothing while D's own features hardly differ.
BEFOREHAND = {"transform": 0.5, "discriminator": 1.0, "reconstruction": 0.125, "denoiser": 0.25}
# What the variants need besides the printed recipe, the same for all: at rates that move T in a short run D is at
# chance after 50 steps without it, and T's pictures fall apart (docs/paper.md). D learns faster than T, with the
# release recipe's gradient penalty, and for some steps before it; Eq. (13) is divided by the size of D's features.
STEADY = {"--penalty": 0.05, "--d-warmup": 80}
STEADY_ADAPTIVE = {"--scale-identity": "yes", "--lambda-id": 1.0}
D_FASTER = 3.0
LOOKS = 8  # models of a training that are kept for its time to a success
SLOW = "DIAT-A-slow"  # DIAT-A as printed, at section 4.2's own rate, where all others learn faster

Part = Literal["data", "pretraining", "variants", "baselines", "evaluation", "time", "photographs"]


@dataclass(frozen=True)
class ReproduceSettings:
    """What of section 5 is made, and at what size."""

    what: Literal["all", "data", "pretraining", "variants", "baselines", "evaluation", "time", "photographs"] = (
        "all"  # everything, or one part of it
    )
    dataset: str = DEFAULT_DATASET  # Hub id, or a folder of its parquet files
    output: Path = Path("runs/paper")  # everything goes here
    attributes: tuple[str, ...] = ("eyeglasses_remove", "male_to_female")  # section 5.5's two tasks
    variants: tuple[str, ...] = tuple(VARIANTS)  # of section 5.1, in the order in which they are trained
    size: int = 64  # side of the images in pixels; the paper has 128
    batch: int = 16  # images a step
    steps: int = 4000  # of T and D in each training; the other networks' follow from it
    pretraining_steps: int | None = None  # of D beforehand, and half of it of T; None: eight times as many
    learning_rate: float = 1e-4  # of all trainings, where 1e-5 does not move DIAT-A in the time there is
    pretraining_rate: float = 1e-4  # of T (Eq. 8), g and f, which the paper has converge; D's is 1e-4
    mixed_precision: Literal["no", "bf16"] = "no"  # of all trainings; bf16 halves the time where the device has it
    steady: bool = True  # hold D and Eq. (13) as docs/paper.md says; no: the variants as printed
    seeds: tuple[int, ...] = (0,)  # every training once for each
    subset: Literal["frontal", "clusters"] = "clusters"  # which faces train: section 5.1's
    judge: Path | None = None  # judge.safetensors; None: trained here
    judge_epochs: int = 16  # passes over the train part, where it is trained
    faces: int | None = None  # of each task that are edited and judged; None: all of the validation part
    baseline_faces: int = 64  # faces for each baseline: they take seconds to minutes each
    photographs: Path | None = None  # a folder of other photographs, such as LFW (section 5.4)
    threads: int | None = None  # of the processor; None: as many as the libraries take
    workers: int = 2  # processes that make batches ahead, 0 for none
    only: tuple[str, ...] = ()  # the steps of these names alone, as --dry-run lists them; two calls can share an output
    resume: bool = False  # go on where an earlier call was stopped
    dry_run: bool = False  # list the commands, and stop


@dataclass(frozen=True)
class Step:
    """One command."""

    part: Part
    name: str
    script: str  # below the repository's root
    arguments: tuple[object, ...]
    run: Path | None = None  # the folder of its `diat.training.run.Run`, whose checkpoint it can go on from
    begins_with: tuple[Path, Path] | None = None  # a folder that is copied first, and where to
    leaves: tuple[Path, Path] | None = None  # likewise, when it is done
    of: Path | None = None  # the models that it measures: when there are more, it is done again
    pictures: tuple[Path, ...] = ()  # baselines' pictures that it measures too, as far as they are there
    prints: Path | None = None  # where what it prints is kept

    @property
    def command(self) -> list[str]:
        """The script and its arguments."""
        return [self.script, *map(str, self.arguments)]

    def there(self) -> list[Path]:
        """The pictures that it measures, as far as they are there."""
        return [folder for folder in self.pictures if (folder / ABOUT).is_file()]

    def measured(self) -> list[str]:
        """Names of the models and pictures that it measures, as far as they are there."""
        models = [] if self.of is None else sorted(path.parent.name for path in self.of.glob(f"*/{CONFIG}"))
        return models + [f"{folder.name} {len(list(folder.glob('*.png')))}" for folder in self.there()]


def plan(s: ReproduceSettings) -> Iterator[Step]:
    """Every step, in an order in which each finds what it needs."""
    pack, judge = s.output / "celeba.pack", s.judge or s.output / "judge" / "judge.safetensors"
    yield Step("data", "pack", "train/prepare.py", ("--dataset", s.dataset, "--output", pack))
    yield from pretraining(s, pack)
    for attribute in s.attributes:
        for seed in s.seeds:
            yield from trainings(s, attribute, seed, pack)
    if s.judge is None:
        options = ("--pack", pack, "--output", judge.parent, "--epochs", s.judge_epochs)
        yield Step("data", "judge", "train/attribute_classifier.py", options, judge.parent)
    yield from baselines(s, pack)
    for attribute in s.attributes:
        yield evaluation(s, attribute, judge)
        yield from times(s, attribute, judge, pack)
        if s.photographs is not None:
            yield evaluation(s, attribute, judge, s.photographs)


def pretraining(s: ReproduceSettings, pack: Path) -> Iterator[Step]:
    """Once for all variants; D for each attribute, and f for those that have Eq. (6)."""
    folder = s.output / "pretrained"
    before = s.pretraining_steps or share(s, "pretraining")
    whats = ["transform", *(f"discriminator-{attribute}" for attribute in s.attributes)]
    if any("gamma" in VARIANTS[variant] for variant in s.variants):
        whats += ["reconstruction", "denoiser"]
    for label in whats:
        what, _, attribute = label.partition("-")
        steps = max(1, round(before * BEFOREHAND[what]))
        options: list[object] = ["--what", what, "--steps", steps, "--size", s.size, "--batch", s.batch]
        options += [
            "--pack",
            pack,
            "--output",
            folder,
            "--subset",
            s.subset,
            *(["--attribute", attribute] if attribute else ["--learning-rate", s.pretraining_rate]),
            *("--mixed-precision", s.mixed_precision),
        ]
        yield Step("pretraining", label, "train/pretrain.py", (*options, *rhythm(steps)), folder / label)


def trainings(s: ReproduceSettings, attribute: str, seed: int, pack: Path) -> Iterator[Step]:
    """T of every training that the variants need, and E where they have one, by one rate; DIAT-A by its own, too."""
    folder, ending = s.output / attribute, f"-seed{seed}" if seed else ""
    common = ("--attribute", attribute, "--pack", pack, "--size", s.size, "--batch", s.batch, "--steps", s.steps,
              "--seed", seed, *rhythm(s.steps, "--sample-every"), "--keep-models", "yes",
              "--mixed-precision", s.mixed_precision)  # fmt: skip
    papers = ("--recipe", "paper", "--pretrained", s.output / "pretrained", "--subset", s.subset)
    rates = dict.fromkeys(dict.fromkeys(map(trained_variant, s.variants)), s.learning_rate)
    own = PAPER_ADAPTIVE["learning_rate"]
    if "DIAT-A" in s.variants and own != s.learning_rate:
        rates[SLOW] = own
    for name, rate in rates.items():
        variant = trained_variant("DIAT-A") if name == SLOW else name
        script = "diat_a.py" if variant.startswith("DIAT-A") else "diat_vgg.py"
        steady = s.steady and name != SLOW
        options = (*common, *papers, "--variant", variant, "--learning-rate", rate,
                   "--learning-rate-d", f"{D_FASTER * rate:g}" if steady else rate)  # fmt: skip
        if steady:
            held = STEADY | (STEADY_ADAPTIVE if variant.startswith("DIAT-A") else {})
            options += tuple(chain.from_iterable(held.items()))
        yield training(s, attribute, name + ending, script, options)
        enhanced = ENHANCED.get(variant)
        if name != SLOW and enhanced in s.variants:
            run, models = folder / "runs" / (enhanced + ending), folder / "models"
            steps = share(s, "enhancer")
            options = ("--transform", run / "model", "--pack", pack, "--output", run / "enhancer", "--batch", s.batch,
                       "--steps", steps, "--seed", seed, *rhythm(steps),
                       "--mixed-precision", s.mixed_precision)  # fmt: skip
            yield Step(
                "variants", f"{attribute}/{enhanced}{ending}", "train/enhance.py", options, run / "enhancer",
                (models / (name + ending), run / "model"), (run / "model", models / (enhanced + ending)),
            )  # fmt: skip
    yield training(s, attribute, "release" + ending, "diat_a.py", common)


def training(s: ReproduceSettings, attribute: str, name: str, script: str, options: tuple[object, ...]) -> Step:
    run = s.output / attribute / "runs" / name
    leaves = run / "model", s.output / attribute / "models" / name
    return Step("variants", f"{attribute}/{name}", f"train/{script}", (*options, "--output", run), run, leaves=leaves)


def baselines(s: ReproduceSettings, pack: Path) -> Iterator[Step]:
    """CNIA's pictures for every attribute (Fig. 6), and inpainted ones for local attributes (Fig. 7)."""
    local = [attribute for attribute in s.attributes if attribute_spec(attribute).scope == "local"]
    common = ("--pack", pack, "--faces", s.baseline_faces)
    options: tuple[object, ...]
    for attribute in s.attributes:
        options = ("--attribute", attribute, "--size", s.size, "--output", s.output / attribute / "cnia", *common)
        yield Step("baselines", f"{attribute}/cnia", "train/cnia.py", options)
    if local:
        steps, gan = share(s, "dcgan"), s.output / "dcgan"
        options = ("--what", "dcgan", "--pack", pack, "--output", gan, "--steps", steps, *rhythm(steps),
                   "--batch", s.batch, "--mixed-precision", s.mixed_precision)  # fmt: skip
        yield Step("baselines", "dcgan", "train/inpainting.py", options, gan)
    for attribute in local:
        output = s.output / attribute / "inpainting"
        options = ("--what", "pictures", "--attribute", attribute, "--dcgan", s.output / "dcgan", "--output", output)
        yield Step("baselines", f"{attribute}/inpainting", "train/inpainting.py", (*options, *common))


def evaluation(s: ReproduceSettings, attribute: str, judge: Path, photographs: Path | None = None) -> Step:
    """Figures and sheets of every model that is there, of the released one, and of the baselines' pictures.

    Args:
        photographs: a folder of others than CelebA's, of which the baselines have made no pictures.
    """
    folder, name = s.output / attribute, "evaluation" if photographs is None else "photographs"
    options: list[object] = ["--models", folder / "models", ROOT / "diat" / "weights" / attribute]
    options += ["--dataset", photographs or s.dataset, "--judge", judge, "--output", folder / name]
    options += ["--faces", s.faces] if s.faces else []
    pictures = () if photographs else (folder / "cnia", folder / "inpainting")
    return Step(
        "photographs" if photographs else "evaluation", f"{attribute}/{name}", "train/evaluate.py", tuple(options),
        of=folder / "models", pictures=pictures,
    )  # fmt: skip


def times(s: ReproduceSettings, attribute: str, judge: Path, pack: Path) -> Iterator[Step]:
    """Steps and seconds to a success of DIAT's and DIAT-A's T, and the time of an image (sections 5.2, 5.5)."""
    folder = s.output / attribute
    runs = [folder / "runs" / trained_variant(variant) for variant in ("DIAT-A", "DIAT") if variant in s.variants]
    if runs:
        options = ("--runs", *runs, "--pack", pack, "--judge", judge, "--output", folder / "training_time.json")
        yield Step("time", f"{attribute}/training_time", "train/training_time.py", options)
        model = folder / "models" / ("DIAT-A" if "DIAT-A" in s.variants else "DIAT")
        options = ("--model", model, "--batches", 1, 64, "--faces")
        prints = folder / "inference.json"
        yield Step("time", f"{attribute}/inference", "benchmarks/inference.py", options, prints=prints)


def share(s: ReproduceSettings, network: str) -> int:
    return max(1, round(s.steps * SHARES[network]))


def rhythm(steps: int, *also: str) -> tuple[object, ...]:
    """A line of the log often enough to see a short run move, a checkpoint for each of the looks at it."""
    every = max(1, steps // LOOKS)
    return (
        "--log-every",
        max(1, min(25, steps // 10)),
        "--save-every",
        every,
        *(o for name in also for o in (name, every)),
    )
