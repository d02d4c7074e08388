"""The table that the paper lacks: its six variants, by the paper's recipe, on the same faces (section 5.5).

    python train/ablation.py --pack data/celeba.pack --dataset flwrlabs/celeba --output runs/ablation

For each attribute: pre-training (Eq. 4, 5, 8, 9), T of the four trainings that the six variants share, their
enhancement networks, and evaluate.py on all six, by the networks' own pictures and by what a user would get. DIAT-A is
DIAT-A0 with E, and DIAT is DIAT3 with E. What is there already is not made again, so an interrupted run goes on where
it was.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from commandline import run_command

TRAIN = Path(__file__).parent
TRAININGS = {"DIAT-A0": "diat_a.py", "DIAT1": "diat_vgg.py", "DIAT2": "diat_vgg.py", "DIAT3": "diat_vgg.py"}
ENHANCED = {"DIAT-A": "DIAT-A0", "DIAT": "DIAT3"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--attributes", nargs="+", default=["eyeglasses_remove", "male_to_female"])
    parser.add_argument("--pack", type=Path, default=Path("data/celeba.pack"))
    parser.add_argument("--dataset", help="what evaluate.py measures on; without, the models are trained only")
    parser.add_argument("--limit", type=int, help="at most this many photographs of it")
    parser.add_argument("--judge", type=Path, default=Path("runs/judge/judge.safetensors"), help="trained if not there")
    parser.add_argument("--output", type=Path, default=Path("runs/ablation"))
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=400, help="of T and D in each training")
    parser.add_argument("--pretrain-steps", type=int, default=1200, help="of T's auto-encoder, Eq. (8)")
    parser.add_argument("--feature-steps", type=int, default=200, help="of D's, g's and f's pre-training and of E")
    args = parser.parse_args()

    pretrained = args.output / "pretrained"
    shared = ["--pack", args.pack, "--output", pretrained, "--size", args.size, "--batch", args.batch]
    for what, steps in (
        ("transform", args.pretrain_steps),
        ("reconstruction", args.feature_steps),
        ("denoiser", args.feature_steps),
    ):
        if not (pretrained / f"{what}.safetensors").exists():
            launch("pretrain.py", "--what", what, "--steps", steps, *shared)
    for attribute in args.attributes:
        if not (pretrained / f"discriminator-{attribute}.safetensors").exists():
            of = ["--what", "discriminator", "--attribute", attribute, "--steps", args.feature_steps]
            launch("pretrain.py", *of, *shared)
        models = args.output / attribute / "models"
        for variant, script in TRAININGS.items():
            run = args.output / attribute / variant
            if not (models / variant).exists():
                launch(script, "--attribute", attribute, "--variant", variant, "--recipe", "paper", "--pack", args.pack,
                       "--output", run, "--size", args.size, "--batch", args.batch, "--steps", args.steps,
                       "--pretrained", pretrained, "--log-every", 10, "--sample-every", 100)  # fmt: skip
                shutil.copytree(run / "model", models / variant)
        for variant, base in ENHANCED.items():
            run = args.output / attribute / variant
            if not (models / variant).exists():
                shutil.copytree(models / base, run / "model", dirs_exist_ok=True)
                launch("enhance.py", "--transform", run / "model", "--pack", args.pack, "--output", run / "enhancer",
                       "--batch", args.batch, "--steps", args.feature_steps, "--log-every", 10)  # fmt: skip
                shutil.copytree(run / "model", models / variant)
        if args.dataset:
            if not args.judge.exists():
                launch("attribute_classifier.py", "--pack", args.pack, "--output", args.judge.parent)
            limit = ["--limit", args.limit] if args.limit else []
            call(sys.executable, TRAIN / "evaluate.py", "--models", models, "--dataset", args.dataset,
                 "--judge", args.judge, "--output", args.output / attribute / "evaluation", *limit)  # fmt: skip


def launch(script: str, *arguments: object) -> None:
    """Run a training script by Accelerate, as a user would; a new process each, so that none shares state."""
    call("accelerate", "launch", "--num_processes", 1, TRAIN / script, *arguments)


def call(*command: object) -> None:
    print("$", *command, flush=True)
    code = subprocess.run([str(part) for part in command], check=False).returncode
    if code:
        sys.exit(f"ablation: {command[0]} ended with {code}; what was made before is kept. Start again to go on.")


if __name__ == "__main__":
    run_command(main)
