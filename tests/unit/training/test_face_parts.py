"""One set of layers tells the parts of a face for all models; all else that a model says stays to the bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from scripts import run_script

from diat.data.skin_faces import UNKNOWN
from diat.field_network import FieldNetwork
from diat.heads import HEADS, PARTS
from diat.training.parts import SIDE, SIZE, STORED, ParsedFaces, PartsConfig, logits, overlap, train_parts, weights_of

HEAD_SET = HEADS["skin"]
CONFIG = PartsConfig(steps=40, batch=8, seed=1)
SKIN, HAIR, OTHER = (PARTS.index(part) for part in ("skin", "hair", "other"))


@pytest.fixture(scope="module")
def faces() -> ParsedFaces:
    """Twelve bright faces under dark hair before a green wall; what lies above row 40 is not known."""
    rng = np.random.default_rng(0)
    parts = np.full((12, STORED, STORED), OTHER, np.uint8)
    parts[:, 50:130, 40:120], parts[:, 20:50, 30:130], parts[:, :20] = SKIN, HAIR, UNKNOWN
    colours = np.zeros((256, 3), np.uint8)
    colours[[SKIN, HAIR, OTHER, UNKNOWN]] = (220, 180, 160), (50, 40, 30), (40, 160, 60), (40, 160, 60)
    crops = np.clip(colours[parts].astype(int) + rng.integers(-15, 15, (12, STORED, STORED, 1)), 0, 255)
    return ParsedFaces(crops.astype(np.uint8), parts, np.arange(12) < 2)


def test_batches_are_functions_of_their_number(faces):
    images, shares = faces.batch(CONFIG, 3)
    assert images.shape == (8, 3, SIZE, SIZE) and images.abs().max() <= 1
    assert shares.shape == (8, len(PARTS), SIDE, SIDE) and shares.sum(1).max() <= 1 + 1e-5
    assert all(torch.equal(one, again) for one, again in zip((images, shares), faces.batch(CONFIG, 3), strict=True))
    assert not torch.equal(images, faces.batch(CONFIG, 4)[0])


def test_every_place_is_known_at_times_and_what_is_unknown_counts_nowhere(faces):
    known = torch.cat([faces.batch(CONFIG, number)[1].sum(1) for number in range(20)])
    assert known.amax(0).min() > 0.99 and known.amin() == 0


def test_images_and_parts_move_alike(faces):
    images, shares = faces.batch(CONFIG, 5)
    bright = torch.nn.functional.avg_pool2d(images, 2)[:, 0]
    assert bright[shares[:, SKIN] > 0.99].mean() > bright[shares[:, HAIR] > 0.99].mean() + 0.4


def test_what_it_learns_is_what_a_model_says(faces, tmp_path):
    layers = train_parts(faces, CONFIG, tmp_path / "run", False, Accelerator()).eval()
    assert overlap(layers, faces, "skin") > 0.7 and overlap(layers, faces, "hair") > 0.7
    assert np.isnan(overlap(layers, faces, "neck"))
    network = FieldNetwork(HEAD_SET).eval()
    network.load_state_dict({k: torch.from_numpy(v) for k, v in weights_of(layers).items()}, strict=False)
    images = faces.batch(CONFIG, 0)[0]
    with torch.no_grad():
        assert torch.allclose(network(images)[0][:, : len(PARTS)], logits(layers, images), atol=1e-4)


def test_a_model_without_parts_of_its_own_is_refused(tmp_path):
    arguments = ["--dataset", tmp_path, "--models", "diat/weights/mouth_open", "--output", tmp_path / "run"]
    done = run_script("train/parts.py", *arguments, check=False)
    assert done.returncode == 1 and "does not tell the parts" in done.stderr and len(done.stderr.splitlines()) == 1
