"""What the tests share. Real CelebA comes from --celeba or DIAT_CELEBA; tests that need it skip without it."""

from __future__ import annotations

# ruff: noqa: E402 - OpenMP reads its settings once, when OpenCV or torch loads it
import os
from pathlib import Path
from typing import Any

# Threads that wait sleep, here and in what the tests start: spinning doubled the CPU time of a tiny training.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import cv2
import numpy as np
import pytest
import torch
from scripts import ROOT, run_script

from diat.align import photo_to_crop_matrix, transform_points, warp_to_crop
from diat.attributes import attribute_spec
from diat.detector import InsightFaceDetector
from diat.editor import FaceEditor
from diat.faces import Face
from diat.photo import open_photo

# What takes ten seconds or more and whose parts quicker tests look at too: `bash .ci/run nightly` runs them.
NIGHTLY = {
    "test_a_small_run_leaves_a_model_of_each_variant",
    "test_the_notebook_trains_an_attribute_and_uses_it",
    "test_the_commands_train_a_prior_resume_it_and_fill_faces",
    "test_a_dry_run_on_a_fresh_clone_says_that_the_dataset_would_be_packed",
    "test_a_webp_pack_holds_nearly_the_same_in_a_fraction_of_the_space",
    "test_an_enhanced_model_edits_photographs[male_to_female]",
    "test_machines_without_a_disk_in_common_each_make_a_pack_and_resume_what_the_first_one_has",
    *(f"test_each_variant_trains_from_the_pretrained_networks_by_the_papers_recipe[{v}]" for v in ("DIAT1", "DIAT2")),
}
# Folders whose tests one process runs, whatever others do: they share a server and a browser, or start many processes.
TOGETHER = ("app", "faults")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--screenshots", help="folder for screenshots of the demo")
    parser.addoption("--celeba", default=os.environ.get("DIAT_CELEBA"), help="folder with CelebA in the Hub's schema")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """How `pytest -n 2` shares the tests out: by file, and by folder those `TOGETHER`."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return next((folder for folder in TOGETHER if file.startswith(f"tests/{folder}/")), file)

    return Scheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what takes long, so that `pytest -m "not slow and not browser"` is a loop of about two minutes."""
    for item in items:
        if item.name in NIGHTLY and not os.environ.get("NIGHTLY"):
            item.add_marker(pytest.mark.skip(reason="takes ten seconds or more: NIGHTLY=1"))
        fixtures = set(getattr(item, "fixturenames", ()))
        if "tests/app/" in item.path.as_posix():
            item.add_marker("browser")  # a real server, most with a real browser
        elif "tests/faults/" in item.path.as_posix() or fixtures & {"tiny_pack", "celeba"}:
            item.add_marker("slow")  # runs scripts, kills them, or reads real data


@pytest.fixture(scope="session")
def celeba(pytestconfig: pytest.Config) -> Path:
    folder = pytestconfig.getoption("celeba")
    if not folder:
        pytest.skip("needs real CelebA: give its folder with --celeba or DIAT_CELEBA")
    return Path(folder)


@pytest.fixture(scope="session")
def detector() -> InsightFaceDetector:
    return InsightFaceDetector()


@pytest.fixture(scope="session")
def collins_path() -> Path:
    return ROOT / "examples" / "eileen_collins.jpg"


@pytest.fixture(scope="session")
def hopper_path() -> Path:
    return ROOT / "examples" / "grace_hopper.jpg"


@pytest.fixture(scope="session")
def collins(collins_path: Path) -> np.ndarray:
    return open_photo(collins_path).pixels


@pytest.fixture(scope="session")
def hopper(hopper_path: Path) -> np.ndarray:
    return open_photo(hopper_path).pixels


@pytest.fixture(scope="session")
def collins_face(detector: InsightFaceDetector, collins: np.ndarray) -> Face:
    return detector.detect(collins)[0]


@pytest.fixture(scope="session")
def laughing(collins: np.ndarray, collins_face: Face) -> tuple[np.ndarray, np.ndarray]:
    """Collins' crop, in which teeth show, and its 68 points."""
    matrix = photo_to_crop_matrix(collins_face.points5)
    return warp_to_crop(collins, matrix), transform_points(collins_face.points68, matrix)


@pytest.fixture(scope="session")
def editors(detector: InsightFaceDetector):
    """Editors with the embedded weights, one per attribute, made when first asked for."""
    made: dict[str, FaceEditor] = {}

    def get(name: str) -> FaceEditor:
        if name not in made:
            made[name] = FaceEditor.from_pretrained(name, detector=detector)
        return made[name]

    return get


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory, detector: InsightFaceDetector):
    """Editors that draw the result by a T of random weights, whatever the embedded models are."""
    made: dict[str, FaceEditor] = {}

    def get(name: str) -> FaceEditor:
        if name not in made:
            from diat.models import ModelConfig, save_model
            from diat.networks import TransformNetwork

            torch.manual_seed(0)
            network = TransformNetwork(residual=True)
            torch.nn.init.normal_(network.deconv3.weight, std=0.02)
            torch.nn.init.constant_(network.deconv3.bias, 0.2)  # 50 levels lighter: what was there is replaced
            spec, folder = attribute_spec(name), tmp_path_factory.mktemp("drawn")
            training = {"variant": "DIAT-A0", "recipe": "release"}
            save_model(network, ModelConfig(name, spec.region, windowed=True), folder, training)
            made[name] = FaceEditor.from_pretrained(folder, detector=detector)
        return made[name]

    return get


@pytest.fixture(scope="session")
def crowd(collins: np.ndarray, hopper: np.ndarray) -> np.ndarray:
    """One photograph with both portraits, Hopper's face the larger."""
    small = cv2.resize(collins, (600, 600), interpolation=cv2.INTER_CUBIC)
    return np.concatenate([hopper, small[:, :512]], axis=1)


@pytest.fixture(scope="session")
def tiny_celeba(tmp_path_factory: pytest.TempPathFactory, collins: np.ndarray, hopper: np.ndarray) -> Path:
    """A folder in CelebA's Hub schema made of the two public-domain portraits, moved and tinted: 96 train, 24 valid."""
    from datasets import Dataset, Features, Image, Value

    from diat.align import similarity
    from diat.attributes import COLUMNS
    from diat.data.celeba import IMAGE_HEIGHT, IMAGE_WIDTH

    folder = tmp_path_factory.mktemp("celeba")
    eyes = {0: [[204, 100], [247, 104]], 1: [[226, 195], [306, 192]]}
    rng = np.random.default_rng(0)
    features = Features({"image": Image(), "celeb_id": Value("int64"), **{name: Value("bool") for name in COLUMNS}})
    for split, count in (("train", 96), ("valid", 24)):
        rows: dict[str, list] = {name: [] for name in features}
        for number in range(count):
            who = number % 2
            target = np.array([[69, 111], [108, 111]]) + rng.normal(0, 2, (2, 2))
            matrix = similarity(np.array(eyes[who], np.float32), target.astype(np.float32))
            image = cv2.warpAffine((collins, hopper)[who], matrix, (IMAGE_WIDTH, IMAGE_HEIGHT), borderMode=1)
            image = np.clip(image * rng.uniform(0.8, 1.2, 3), 0, 255).astype(np.uint8)
            jpeg = cv2.imencode(".jpg", image[..., ::-1])[1].tobytes()
            rows["image"].append({"bytes": jpeg, "path": None})
            rows["celeb_id"].append(who)
            for name in COLUMNS:
                value = who == 0 if name in ("Mouth_Slightly_Open", "Smiling", "Young") else bool(rng.integers(2))
                rows[name].append(who == 1 if name == "Eyeglasses" else value)
        Dataset.from_dict(rows, features).to_parquet(str(folder / f"{split}-00000-of-00001.parquet"))
    return folder


@pytest.fixture(scope="session")
def tiny_pack(tmp_path_factory: pytest.TempPathFactory, tiny_celeba: Path) -> Path:
    """The pack of `tiny_celeba`, made by the real script."""
    path = tmp_path_factory.mktemp("pack") / "tiny.pack"
    run_script("train/prepare.py", "--dataset", tiny_celeba, "--output", path)
    return path
