"""What pyproject.toml promises: every import is declared, and the wheel alone edits a photograph without torch."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from scripts import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
# What may use which extras beside the core dependencies: folders and files, the most special first.
ROOMS = {
    "diat/baselines": ["train"],
    "diat/evaluation": ["eval"],
    "diat/data": ["train"],
    "diat/training": ["train"],
    "diat/pages": ["app", "mcp"],
    "diat/video": ["video"],
    "diat/runtime/torch_runtime.py": ["gpu"],
    "diat/networks.py": ["gpu"],
    "diat/field_network.py": ["gpu"],
    "diat/tensors.py": ["gpu"],
    "diat/models.py": ["gpu"],
    "diat/runtime/devices.py": ["gpu"],
    "diat/cli": ["completion"],
    "diat/credentials.py": ["credentials"],
    "diat/formats.py": ["heic"],
    "diat": [],
    "app.py": ["app"],
    "train": ["eval"],
    "benchmarks": ["dev"],
    "tests/fuzz.py": ["dev", "fuzz"],
    "tests": ["dev"],
}
# Modules beside a script, which it imports by their bare names.
OWN = {path.stem for folder in ("train", "benchmarks", "tests") for path in (ROOT / folder).rglob("*.py")} | {
    "diat",
    "tests",
}
DISTRIBUTIONS = packages_distributions()


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", name.strip())[0]).lower()


def declared(extras: list[str]) -> set[str]:
    """Distributions of the core and of extras, with those that an extra takes in as ``diat[other,another]``."""
    found = {canonical(requirement) for requirement in PROJECT["dependencies"]}
    for extra in extras:
        for requirement in EXTRAS[extra]:
            others = re.fullmatch(r"diat\[(.*)\]", requirement)
            found |= declared(others[1].split(",")) if others else {canonical(requirement)}
    return found


def imported(path: Path) -> set[str]:
    """The packages outside this project and the standard library that a file imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) - OWN


def sources() -> list[Path]:
    return [
        ROOT / "app.py",
        *(path for room in ("diat", "train", "benchmarks", "tests") for path in (ROOT / room).rglob("*.py")),
    ]


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_import_is_declared_where_it_is_needed(path):
    name = path.relative_to(ROOT).as_posix()
    room = next(room for room in ROOMS if name == room or name.startswith(f"{room}/"))
    allowed = declared(ROOMS[room])
    for package in imported(path):
        by = {canonical(distribution) for distribution in DISTRIBUTIONS.get(package, [package])}
        assert by & allowed, f"{name} imports {package}, which neither the dependencies nor {ROOMS[room]} declare"


def test_requirements_pin_what_the_demo_needs_and_beside_it_what_training_does():
    demo, training = (
        [line for line in (ROOT / path).read_text().splitlines() if line and not line.startswith("#")]
        for path in ("requirements.txt", "train/requirements.txt")
    )
    assert training.pop(0) == "-r ../requirements.txt"
    assert all("==" in line for line in [*demo, *training])
    of_demo, of_training = ({canonical(line) for line in lines} for lines in (demo, training))
    assert declared(["app", "heic", "video"]) <= of_demo
    assert declared(["app", "train", "gpu", "video"]) <= of_demo | of_training
    assert not of_demo & {"torch", "datasets", "accelerate", "tensorboard"}


def run(*command: object, **options: object) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=900, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def without_torch(tmp_path_factory) -> Path:
    """A new virtual environment in which nothing but the wheel was installed. -> its Python."""
    folder = tmp_path_factory.mktemp("wheel")
    # Without a pip of its own, nor bytecode of what nobody imports, to save time.
    run(sys.executable, "-m", "venv", "--without-pip", folder / "venv")
    python = folder / "venv" / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python)
    # A copy, so that building leaves nothing in the checkout.
    files = run("git", "ls-files", "-z", cwd=ROOT).split("\0")
    for name in filter(None, files):
        (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "source" / name).write_bytes((ROOT / name).read_bytes())
    try:
        run(*pip, "wheel", "-q", "--no-deps", "-w", folder, folder / "source")
        run(*pip, "install", "-q", "--no-compile", next(folder.glob("*.whl")))
    except AssertionError as error:
        if re.search("Temporary failure in name resolution|Network is unreachable|Connection", str(error)):
            pytest.skip("needs PyPI")
        raise
    return python


ELSEWHERE = """
import importlib.util, json, sys
from importlib.metadata import version
import diat
from diat import FaceEditor
assert importlib.util.find_spec("torch") is None
assert diat.__version__ == version("diat")
result = FaceEditor.from_pretrained("mouth_close").edit(sys.argv[1])
result.save("edited.png")
from pathlib import Path
weights = sorted(path.name for path in (Path(diat.__file__).parent / "weights").glob("*.safetensors"))
print(json.dumps([diat.__file__, result.edited[0].identity_similarity, weights]))
"""


@pytest.mark.slow
def test_the_wheel_alone_edits_a_photograph_without_torch(without_torch, collins_path, tmp_path):
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    options = {"cwd": tmp_path, "env": environment}
    diat = without_torch.with_name("diat")
    run(diat, "edit", collins_path, "-o", tmp_path / "cli.png", "--attribute", "mouth_open", **options)
    assert (tmp_path / "cli.png").stat().st_size > 10_000
    home, similarity, weights = json.loads(run(without_torch, "-c", ELSEWHERE, collins_path, **options))
    assert not home.startswith(str(ROOT))
    assert similarity > 0.5
    assert weights == sorted(path.name for path in (ROOT / "diat" / "weights").glob("*.safetensors"))
    assert "vgg16_imagenet_to_conv3_1.safetensors" in weights
    assert (tmp_path / "edited.png").is_file()


FEATURES = """
import sys
import diat
sys.path += sys.argv[1:]  # torch, of the environment that tests
from diat.training.vgg_face import EMBEDDED, load_features
print(diat.__file__, EMBEDDED, sum(parameter.numel() for parameter in load_features().parameters()))
"""


@pytest.mark.slow
def test_the_wheel_loads_its_vgg_features(without_torch, tmp_path):
    torch = [path for path in sys.path if path.endswith("site-packages")]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    home, weights, count = run(without_torch, "-c", FEATURES, *torch, cwd=tmp_path, env=environment).split()
    assert str(without_torch.parents[1]) in home and str(without_torch.parents[1]) in weights
    # Conv 3x3 of 3, 64, 64, 128, 128 and 256 channels, with biases.
    sides = ((3, 64), (64, 64), (64, 128), (128, 128), (128, 256))
    assert int(count) == sum(9 * into * out + out for into, out in sides)


@pytest.mark.slow
def test_a_video_without_its_library_is_one_sentence(without_torch, tmp_path):
    (tmp_path / "film.mp4").write_bytes(b"")
    arguments = ["video", tmp_path / "film.mp4", "-o", tmp_path / "x.mp4", "--attribute", "mouth_open"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [str(part) for part in (without_torch.with_name("diat"), *arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("diat: ") and "pip install 'diat[video]'" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
