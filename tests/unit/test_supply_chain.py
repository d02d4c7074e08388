"""What the project is made of is known by its digests, and nothing reads a pickle."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys

import pytest
from scripts import ROOT

from diat import hub
from diat.attributes import ATTRIBUTES
from diat.errors import ModelRejected
from diat.evaluation import judges
from diat.hub import EMBEDDED, load_model
from diat.models import CONFIG, MANIFEST, WEIGHTS, write_model
from diat.released import MANIFEST_SHA256

CLOSURES = ["cpu.txt", "cuda.txt"]

UNPICKLED = """
import sys
found = []
sys.addaudithook(lambda event, arguments: found.append(arguments) if event == "pickle.find_class" else None)
import numpy, diat
from diat.models import load_networks, load_folder
from diat.hub import EMBEDDED
editor = diat.FaceEditor.from_pretrained("eyeglasses_remove")
result = editor.edit(sys.argv[1])
assert (result.photo != result.original).any()
result.save(sys.argv[2])
editor.save_pretrained(sys.argv[2] + "-model")
diat.FaceEditor.from_pretrained(sys.argv[2] + "-model", device="cpu").edit(sys.argv[1])
print("unpickled:", found)
"""


def test_the_table_of_digests_is_of_the_released_weights():
    found = {name: hashlib.sha256((EMBEDDED / name / MANIFEST).read_bytes()).hexdigest() for name in ATTRIBUTES}
    assert found == MANIFEST_SHA256, "run `python train/digests.py` when a model was released anew"


def test_who_changes_a_model_and_its_manifest_is_found_out(tmp_path, monkeypatch):
    model = load_model("mouth_close")
    shutil.copytree(EMBEDDED / "mouth_close", tmp_path / "mouth_close")
    first = min(model.weights)
    write_model(
        tmp_path / "mouth_close", model.config, {**model.weights, first: model.weights[first] + 1}, model.training
    )
    monkeypatch.setattr(hub, "EMBEDDED", tmp_path)
    with pytest.raises(ModelRejected, match="'mouth_close' is not the released one"):
        load_model("mouth_close")
    assert load_model(tmp_path / "mouth_close").config.attribute == "mouth_close"  # a folder is anybody's


@pytest.mark.parametrize("name", CLOSURES)
def test_the_whole_closure_is_pinned_with_hashes(name):
    text = (ROOT / "requirements" / name).read_text()
    entries = re.split(r"\n(?=\S)", text.strip())
    assert len(entries) > 80
    assert all(re.match(r"[\w.\-\[\]]+==\S+", entry) and "--hash=sha256:" in entry for entry in entries)
    locked = {re.split(r"[=\[]", entry)[0].lower().replace("_", "-"): entry.split()[0] for entry in entries}
    lines = [line for path in ("", "train/") for line in (ROOT / f"{path}requirements.txt").read_text().splitlines()]
    for line in lines:
        if line and not line.startswith(("#", "-r")):
            package, version = line.split("==")
            pinned = locked[package.lower().replace("_", "-")].split("==")[1]
            assert pinned.split("+")[0] == version, f"run .ci/lock: {package} is {pinned} in requirements/{name}"


def test_the_judges_wheels_are_taken_by_their_hashes():
    lines = [
        line for line in (ROOT / "train" / "judges.txt").read_text().splitlines() if line and not line.startswith("#")
    ]
    assert len(lines) == 4
    assert all(re.fullmatch(r"[\w-]+==[\d.]+ --hash=sha256:[0-9a-f]{64}", line) for line in lines)


def test_a_judge_that_is_another_file_is_refused(tmp_path, monkeypatch):
    (tmp_path / "judge").mkdir()
    (tmp_path / "judge" / "__init__.py").touch()
    (tmp_path / "judge" / "default_1.pt").write_bytes(b"a program")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModelRejected, match="default_1.pt of judge is not the file that was measured with"):
        judges._file("judge", "default_1.pt")
    monkeypatch.setitem(judges.SHA256, "default_1.pt", hashlib.sha256(b"a program").hexdigest())
    assert judges._file("judge", "default_1.pt").is_file()


def test_nothing_is_unpickled_on_the_way_of_a_photograph(hopper_path, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", UNPICKLED, str(hopper_path), str(tmp_path / "out.png")],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("unpickled: []")


def test_a_manifest_names_every_file_that_is_read():
    for name in ATTRIBUTES:
        assert json.loads((EMBEDDED / name / MANIFEST).read_text()).keys() == {CONFIG, WEIGHTS}
