"""train/set_strength.py: the folder holds the old model or the new one."""

import shutil

import numpy as np
import pytest
from scripts import run_script

from diat.hub import EMBEDDED, load_model


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(EMBEDDED / "mouth_close", tmp_path / "model")


def test_only_the_strength_changes(folder):
    before = load_model(folder)
    run_script("train/set_strength.py", folder, 2.5)
    after = load_model(folder)
    assert after.config.strength == 2.5
    assert after.training == before.training
    assert all(np.array_equal(after.weights[name], weight) for name, weight in before.weights.items())


@pytest.mark.parametrize("strength", ["0", "-1", "5", "much"])
def test_a_strength_that_cannot_be_is_one_sentence_and_changes_nothing(folder, strength):
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    done = run_script("train/set_strength.py", folder, "--", strength, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == files


def test_a_damaged_model_is_refused(folder):
    (folder / "model.safetensors").write_bytes(b"torn")
    done = run_script("train/set_strength.py", folder, 2, check=False)
    assert done.returncode == 1
    assert "differs from its manifest" in done.stderr
