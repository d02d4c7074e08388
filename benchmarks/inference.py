"""Inference: each runtime against eager torch, and the whole path stage by stage, in one run.

    python benchmarks/inference.py
    python benchmarks/inference.py --model runs/mouth_close/model --batches 1 16

T alone (T and E where the model has one) on crops, interleaved, best of the rounds: other work on the machine only
slows. Eager torch is the networks as they are written, NCHW, in full precision. The rate of a plain matrix product says
how fast the processor is at that moment; T takes 2.094 GMAC a crop. Then the path of a photograph of 1280x720 with one
face: decode, detect, align, network, paste, encode. Last, in a new process, the start of `diat edit`: seconds to the
first result, and whether torch was imported. And what an edit takes of a face of 512 and of 1,024 pixels, network and
all that is done with the photograph's own pixels, by each embedded model and, beside it, by a T that draws the result.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from common import PORTRAIT, option_parser, portrait, shortest

from diat.attributes import ATTRIBUTES, attribute_spec
from diat.detector import InsightFaceDetector
from diat.editor import FaceEditor
from diat.faces import crop_side
from diat.heads import RGB
from diat.hub import load_model
from diat.models import Model, ModelConfig, load_networks
from diat.networks import TransformNetwork
from diat.pixels import F32, U8, compressed
from diat.provenance import edited_by, encode
from diat.runtime.engine import Engine
from diat.runtime.threads import available_threads
from diat.tensors import to_tensor

MACS = 2.094e9  # multiply-adds of T at 128x128, counted over Table 1
PHOTO_WIDTH, PHOTO_HEIGHT = 1280, 720
FACE_SIDES = (512, 1024)  # pixels of the square around the face

START = """
import sys, time
start = time.perf_counter()
from diat.cli import main
code = main(["edit", sys.argv[1], "-o", sys.argv[2], "--attribute", "mouth_close"])
print(code, round(time.perf_counter() - start, 2), "torch" in sys.modules)
"""


def runtimes(model: Model) -> dict[str, Callable[[U8], F32]]:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    transform, enhancer = load_networks(model)

    @torch.inference_mode()
    def eager(crops: U8) -> F32:
        source = to_tensor(crops).contiguous().to(device)
        made = transform.to(device)(source)
        if enhancer is not None:
            made = enhancer.to(device)(*((source, made) if model.config.enhancer == "local" else (made,)))
        change: F32 = (made - source).mul_(127.5).cpu().numpy()
        return change

    return {"eager torch": eager, "engine": Engine(model, device).change}


def sgemm(budget: float) -> float:
    """GFLOP/s of a product of the shape of T's residual blocks."""
    a, b = torch.rand(16384, 1152), torch.rand(1152, 128)
    return 2 * a.shape[0] * a.shape[1] * b.shape[1] / shortest(lambda: a @ b, budget) / 1e9


def networks(model: Model, batches: list[int], rounds: int, budget: float) -> dict[str, dict[str, float]]:
    """Milliseconds a crop by runtime and batch, and what share of the matrix product's rate that is."""
    rng = np.random.default_rng(0)
    run = runtimes(model)
    table: dict[str, dict[str, float]] = {}
    for batch in batches:
        crops = rng.integers(0, 256, (batch, model.config.size, model.config.size, 3), np.uint8)
        best = dict.fromkeys(run, float("inf"))
        peak = 0.0
        for _ in range(rounds):
            peak = max(peak, sgemm(budget / 2))
            for name, change in run.items():
                best[name] = min(best[name], shortest(lambda: change(crops), budget))  # noqa: B023 - run at once
        work = 2 * MACS * (model.config.size / 128) ** 2 * batch / 1e9
        row = {f"{name}, ms a crop": 1000 * took / batch for name, took in best.items()}
        row["times eager"] = best["eager torch"] / best["engine"]
        row["of sgemm"] = work / best["engine"] / peak
        row["sgemm, GFLOP/s"] = peak
        table[str(batch)] = {name: round(value, 2) for name, value in row.items()}
        print(f"batch {batch:3}: " + ", ".join(f"{name} {value:.2f}" for name, value in row.items()))
    return table


def path(model: Model, budget: float) -> dict[str, float]:
    """Milliseconds of each stage for a photograph of 1280x720."""
    side = (PHOTO_WIDTH - PHOTO_HEIGHT) // 2
    square = cv2.resize(portrait(), (PHOTO_HEIGHT, PHOTO_HEIGHT))
    photo = np.asarray(cv2.copyMakeBorder(square, 0, 0, side, side, cv2.BORDER_REFLECT), np.uint8)
    jpeg = compressed(photo, ".jpg", quality=92)
    editor = FaceEditor(model)
    stages: dict[str, float] = {}
    start = time.perf_counter()
    while time.perf_counter() - start < 4 * budget or not stages:
        result = editor.edit(jpeg)
        for name, value in result.milliseconds.items():
            stages[name] = min(stages.get(name, float("inf")), value)
    stages["encode (PNG)"] = 1000 * shortest(lambda: encode(result.photo, edited_by("benchmark", 1.0)), budget)
    stages["encode (JPEG)"] = 1000 * shortest(lambda: encode(result.photo, edited_by("benchmark", 1.0), "JPEG"), budget)
    stages["JPEG to JPEG"] = 1000 * shortest(lambda: editor.edit(jpeg).to_bytes("JPEG"), 2 * budget)
    stages["before and after the network"] = stages["align"] + stages["paste"]
    print("1280x720, ms: " + ", ".join(f"{name} {value:.1f}" for name, value in stages.items()))
    return {name: round(value, 2) for name, value in stages.items()}


def faces(attributes: list[str], budget: float) -> dict[str, dict[str, float]]:
    """Milliseconds for a face of each of `FACE_SIDES`, by attribute and method: the crop, the network, and the rest."""
    detector = InsightFaceDetector()
    found = detector.detect(portrait())[0]
    table: dict[str, dict[str, float]] = {}
    for side in FACE_SIDES:
        size = round(portrait().shape[0] * side / crop_side(found))
        photo = np.asarray(cv2.resize(portrait(), (size, size), interpolation=cv2.INTER_CUBIC), np.uint8)
        face = detector.detect(photo)[0]
        for attribute in attributes:
            for model in (load_model(attribute), drawing(attribute)):
                editor = FaceEditor(model, detector)
                aligned = editor.aligned(photo, face)
                (change,) = editor.changes([aligned])
                row = {
                    "crop": 1000 * shortest(lambda: editor.aligned(photo, face), budget),  # noqa: B023 - run at once
                    "network": 1000 * shortest(lambda: editor.changes([aligned]), budget),  # noqa: B023
                    "photograph": 1000 * shortest(lambda: editor.pasted(photo, [aligned], [change], 1.0, True), budget),  # noqa: B023
                }
                row["together"] = sum(row.values())
                name = f"{attribute}, {model.config.heads}, {side} pixels"
                table[name] = {part: round(took, 1) for part, took in row.items()}
                print(f"{name}, ms: " + ", ".join(f"{part} {took:.1f}" for part, took in row.items()))
    return table


def drawing(attribute: str) -> Model:
    """A model of the attribute that draws the result, of random weights: what it takes does not depend on them."""
    torch.manual_seed(0)
    weights = {key: value.numpy() for key, value in TransformNetwork(residual=True).state_dict().items()}
    region = attribute_spec(attribute).region
    return Model(ModelConfig(attribute, region, windowed=True), weights, {}, "random weights")


def start(folder: Path) -> dict[str, object]:
    command = [sys.executable, "-c", START, str(PORTRAIT), str(folder / "result.png")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    code, took, torch_imported = done.stdout.split()[-3:]
    print(f"diat edit: first result after {took} s, torch imported: {torch_imported}")
    return {"exit code": int(code), "seconds": float(took), "torch imported": torch_imported == "True"}


def main() -> None:
    parser = option_parser(__doc__)
    parser.add_argument("--model", default="mouth_open", help="attribute, folder or Hub repository")
    parser.add_argument("--batches", type=int, nargs="*", default=[1, 4, 16, 64])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--faces", nargs="*", default=list(ATTRIBUTES), help="attributes to time at large faces")
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measurement")
    args = parser.parse_args()
    torch.set_num_threads(available_threads())
    model = load_model(args.model)
    with tempfile.TemporaryDirectory() as folder:
        started = start(Path(folder))
    result = {
        "model": model.source,
        "enhancer": model.config.enhancer,
        "threads": available_threads(),
        "network": networks(model, args.batches, args.rounds, args.seconds) if model.config.heads == RGB else {},
        "path": path(model, args.seconds),
        "faces": faces(args.faces, args.seconds),
        "start": started,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
