"""Training through the real launcher: it learns, it resumes bit for bit, and what cannot be is one sentence."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from PIL import Image
from safetensors.torch import load_file
from scripts import ROOT

from diat.data.batches import TransferBatches
from diat.hub import load_model
from diat.training.adversarial import new_networks, train_transfer
from diat.training.recipes import transfer_config
from diat.training.run import Schedule
from diat.training.trackers import BAR

QUICK = ["--size", "64", "--batch", "4", "--log-every", "2", "--sample-every", "4", "--save-every", "3"]
QUICK += ["--d-warmup", "2"]


def train(pack: Path, output: Path, *more: object, check: bool = True) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "accelerate.commands.launch", "--num_processes", "1", "--mixed_precision", "no"]
    command += ["--cpu", str(ROOT / "train" / "diat_a.py"), "--attribute", "eyeglasses_remove", "--pack", str(pack)]
    command += ["--output", str(output), *QUICK, *map(str, more)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if check and done.returncode:
        pytest.fail(done.stderr[-4000:])
    return done


@pytest.fixture(scope="module")
def run(tiny_pack, tmp_path_factory) -> Path:
    output = tmp_path_factory.mktemp("runs") / "whole"
    train(tiny_pack, output, "--steps", 8)
    return output


def test_a_run_leaves_a_log_samples_checkpoints_and_a_model_that_loads(run):
    lines = [json.loads(line) for line in (run / "stats.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 4, 6, 8]
    assert {"D/loss", "D/guided", "D/transformed", "D/source", "T/attribute", "T/identity"} <= lines[-1].keys()
    assert sorted(path.name for path in (run / "samples").iterdir()) == ["000004.png", "000008.png"]
    assert sorted(path.name for path in (run / "checkpoints").iterdir()) == ["step-0000006", "step-0000008"]
    model = load_model(run / "model", attribute="eyeglasses_remove")
    assert model.config.size == 64


def test_tensorboard_shows_the_figures_and_the_samples_under_their_caption(run):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    # The settings lie in a file of their own.
    events = max((run / "tensorboard").rglob("events.out.tfevents.*"), key=lambda path: path.stat().st_size)
    board = EventAccumulator(str(events), {"images": 0}).Reload()
    assert {"D/loss", "T/identity"} <= set(board.Tags()["scalars"])
    assert board.Tags()["images"] == ["samples"]
    shown = [Image.open(io.BytesIO(image.encoded_image_string)) for image in board.Images("samples")]
    sheets = [Image.open(path) for path in sorted((run / "samples").iterdir())]
    assert [image.size for image in shown] == [sheet.size for sheet in sheets]
    caption = np.asarray(sheets[0].convert("L"))[:BAR]
    assert caption.min() < 100 and caption[:, -1].min() == 255  # letters, which end before the border


def test_a_resumed_run_is_bit_equal_to_an_uninterrupted_one(run, tiny_pack, tmp_path):
    import shutil

    half = tmp_path / "half"
    shutil.copytree(run, half)
    shutil.rmtree(half / "checkpoints" / "step-0000008")
    train(tiny_pack, half, "--steps", 8, "--resume")
    expected, found = (load_file(path / "checkpoints" / "step-0000008" / "state.safetensors") for path in (run, half))
    assert expected.keys() == found.keys()
    assert all((expected[key] == found[key]).all() for key in expected)
    expected, found = ((path / "model" / "model.safetensors").read_bytes() for path in (run, half))
    assert expected == found


SENTENCES = [
    (["--resume"], "No checkpoint in"),
    (["--batch", "64"], "holds 48 images"),
    (["--size", "96"], "64, 128, 192, 256 pixels, not 96"),
    (["--size", "256"], "not a multiple of 256"),
    (["--colour", "red"], "--colour"),
    (["--output", "/etc/hostname/run"], "cannot be written"),
    (["--attribute", "mouth_opne"], "mouth_open"),
    (["--steps", "0"], "at least 1"),
    (["--steps", "abc"], "--steps takes a whole number, not 'abc'"),
    (["--mixed-precision", "fp16"], "fp16"),
]


@pytest.mark.parametrize(("arguments", "sentence"), SENTENCES, ids=[" ".join(pair[0]) for pair in SENTENCES])
def test_what_cannot_be_trained_is_refused_before_the_first_step(tiny_pack, tmp_path, arguments, sentence):
    command = [sys.executable, str(ROOT / "train" / "diat_a.py"), "--attribute", "eyeglasses_remove"]
    command += ["--pack", str(tiny_pack), "--output", str(tmp_path / "run"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run" / "stats.jsonl").exists()


@pytest.mark.parametrize("accumulate", [1, 3])
def test_a_step_moves_both_networks_and_sees_every_batch_once(tiny_pack, tmp_path, monkeypatch, accumulate):
    settings = dict(size=64, batch=4, steps=2, d_warmup=0, accumulate=accumulate)
    config = transfer_config("mouth_close", tiny_pack, tmp_path / "run", "DIAT-A", "release", **settings)
    networks, fresh = new_networks(config), new_networks(config)
    seen, make = [], TransferBatches.__getitem__
    monkeypatch.setattr(TransferBatches, "__getitem__", lambda self, step: seen.append(step) or make(self, step))
    train_transfer(
        config, networks, Schedule(log_every=1, sample_every=100, save_every=100, workers=0), Accelerator(cpu=True)
    )
    for name in ("transform", "discriminator"):
        moved = zip(getattr(networks, name).parameters(), getattr(fresh, name).parameters(), strict=True)
        assert any(not torch.equal(new, old) for new, old in moved), name
    assert seen[1:] == list(range(2 * accumulate))  # the first is the held-out faces


def test_a_run_is_not_overwritten(run, tiny_pack):
    done = train(tiny_pack, run, "--steps", 8, check=False)
    assert done.returncode == 1
    assert "holds a run already" in done.stderr


def test_resuming_with_other_settings_is_refused(run, tiny_pack):
    done = train(tiny_pack, run, "--steps", 9, "--resume", check=False)
    assert done.returncode == 1
    assert "another config" in done.stderr


def test_a_dry_run_says_what_would_be_trained(tiny_pack, tmp_path):
    done = train(tiny_pack, tmp_path / "dry", "--dry-run")
    assert "input set 48 images, guided set 48" in done.stdout
    assert not (tmp_path / "dry").exists()


def test_a_dry_run_looks_at_what_the_run_would_start_from(tiny_pack, tmp_path):
    done = train(tiny_pack, tmp_path / "dry", "--dry-run", "--init", tmp_path / "nowhere", check=False)
    assert done.returncode == 1
    assert "No whole checkpoint" in done.stderr


def test_a_dry_run_on_a_fresh_clone_says_that_the_dataset_would_be_packed(tiny_celeba, tmp_path):
    done = train(tmp_path / "new.pack", tmp_path / "dry", "--dataset", tiny_celeba, "--dry-run")
    assert f"There is no {tmp_path / 'new.pack'} yet: {tiny_celeba} would be packed into it first." in done.stdout
    assert list(tmp_path.iterdir()) == []
    done = train(tmp_path / "new.pack", tmp_path / "dry", "--dataset", tmp_path, "--dry-run", check=False)
    assert "No train-*.parquet" in done.stderr


def test_the_dataset_is_packed_when_there_is_no_pack(tiny_celeba, tmp_path):
    pack = tmp_path / "new.pack"
    train(pack, tmp_path / "run", "--dataset", tiny_celeba, "--steps", 1)
    assert pack.exists()
    assert (tmp_path / "run" / "model" / "model.safetensors").exists()
