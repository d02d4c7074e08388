import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from diat.attributes import ATTRIBUTES
from diat.cli import BATCH, main
from diat.provenance import is_marked


def test_attributes_lists_the_five(capsys):
    assert main(["attributes"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(ATTRIBUTES)
    assert all("embedded weights" in line and "no embedded" not in line for line in lines)


def test_faces_are_listed_with_size_and_place(capsys, collins_path):
    assert main(["faces", str(collins_path)]) == 0
    assert re.match(
        r"1: \d+ pixels across, box \(\d+, \d+\) to \(\d+, \d+\), score 0\.\d\d\n$", capsys.readouterr().out
    )


def test_one_photograph(tmp_path, hopper_path, hopper, capsys):
    output = tmp_path / "deep" / "out.png"
    arguments = ["edit", str(hopper_path), "-o", str(output), "--attribute", "eyeglasses_remove", "--strength", "0.8"]
    assert main([*arguments, "--faces", "all"]) == 0
    assert "identity similarity" in capsys.readouterr().out
    pixels = np.asarray(Image.open(output))
    assert pixels.shape == hopper.shape
    assert (pixels != hopper).any()
    assert is_marked(output.read_bytes())
    assert [path.name for path in output.parent.iterdir()] == ["out.png"]


def test_a_folder_goes_on_past_bad_files_and_lists_them(tmp_path, collins_path, hopper_path, capsys):
    source, target = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    shutil.copy(collins_path, source / "a.jpg")
    shutil.copy(hopper_path, source / "c.jpg")
    Image.open(hopper_path).save(source / "c.png")
    (source / "b.jpg").write_bytes(b"no photograph")
    Image.new("RGB", (300, 300), "green").save(source / "d.png")
    (source / "notes.txt").write_text("not looked at")
    assert main(["edit", str(source), "-o", str(target), "--attribute", "mouth_close"]) == 1
    captured = capsys.readouterr()
    assert "3 of 5 photographs changed" in captured.out
    assert "left out b.jpg: not a JPEG" in captured.err
    assert "left out d.png: No face found" in captured.err
    assert sorted(path.name for path in target.iterdir()) == ["a.png", "c.jpg.png", "c.png.png"]


def test_a_folder_in_batches_gives_what_single_photographs_give(tmp_path, collins_path, hopper_path):
    source, target = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    for number in range(BATCH + 1):
        shutil.copy((collins_path, hopper_path)[number % 2], source / f"{number}.jpg")
    change = ["--attribute", "mouth_open"]
    assert main(["edit", str(source), "-o", str(target), *change]) == 0
    for number in range(BATCH + 1):
        single = tmp_path / f"{number}.png"
        assert main(["edit", str(source / f"{number}.jpg"), "-o", str(single), *change]) == 0
        batch, alone = (np.asarray(Image.open(path)).astype(int) for path in (target / single.name, single))
        assert np.abs(batch - alone).max() <= 1


def test_a_folder_does_not_become_a_folder_named_like_a_picture(tmp_path, collins_path, capsys):
    shutil.copy(collins_path, tmp_path / "a.jpg")
    assert main(["edit", str(tmp_path), "-o", str(tmp_path / "o.png"), "--attribute", "mouth_open"]) == 1
    assert "the output is a folder too" in capsys.readouterr().err
    assert not (tmp_path / "o.png").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["{photo}", "-o", "{tmp}/x.png"], "Say what to change"),
        (["{photo}", "-o", "{tmp}/x.png", "--attribute", "mouth_opne"], "mouth_open"),
        (["{photo}", "-o", "{tmp}/x.tiff", "--attribute", "mouth_open"], "must end in .png"),
        (["{photo}", "-o", "{photo}", "--attribute", "mouth_open"], "would be overwritten"),
        (["{tmp}", "-o", "{tmp}", "--attribute", "mouth_open"], "photograph"),
        (["{tmp}/none.jpg", "-o", "{tmp}/x.png", "--attribute", "mouth_open"], "There is no"),
        (["{photo}", "-o", "{tmp}/x.png", "--attribute", "mouth_open", "--faces", "first"], "--faces takes"),
        (["{photo}", "-o", "{tmp}/x.png", "--attribute", "mouth_open", "--faces", "2"], "There is no face 2"),
        (["{photo}", "-o", "{tmp}/x.png", "--attribute", "mouth_open", "--strength", "9"], "takes 0 to 1.5, not 9"),
        (["{tmp}", "-o", "{tmp}/out", "--attribute", "mouth_open", "--strength", "nan"], "takes 0 to 1.5"),
        (["{photo}", "-o", "/proc/x/y.png", "--attribute", "mouth_open"], "cannot be written"),
        (["{photo}", "-o", "{tmp}/x.png", "--model", "{tmp}"], "lacks manifest.json"),
        (["{photo}", "-o", "{tmp}/x.png", "--model", "{weights}", "--attribute", "mouth_close"], "not 'mouth_close'"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(arguments, sentence, tmp_path, collins_path, capsys):
    from diat.hub import EMBEDDED

    names = {"photo": collins_path, "tmp": tmp_path, "weights": EMBEDDED / "mouth_open"}
    assert main(["edit", *(argument.format(**names) for argument in arguments)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("diat: ")
    assert sentence in error
    assert error.count("\n") == 1


def test_a_missing_system_library_is_one_sentence(tmp_path, collins_path):
    (tmp_path / "cv2.py").write_text("raise ImportError('libGL.so.1: cannot open shared object file')")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    for command in (["-m", "diat.cli", "faces", str(collins_path)], [str(Path(__file__).parents[2] / "app.py")]):
        done = subprocess.run([sys.executable, *command], capture_output=True, text=True, env=environment, timeout=60)
        assert done.returncode == 1
        assert "apt-get install libgl1" in done.stderr
        assert "Traceback" not in done.stderr


def test_help_does_not_load_torch():
    code = "import sys, diat.cli; sys.exit('torch' in sys.modules or 'cv2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
