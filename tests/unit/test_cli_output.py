"""What the command line writes and prints: files with and without marks, their sizes, and JSON."""

import json

import numpy as np
from PIL import Image

from diat.cli import main
from diat.marks import read_marks

EDIT = ["--attribute", "mouth_open"]


def test_json_is_one_object_a_photograph(tmp_path, hopper_path, capsys):
    Image.new("RGB", (300, 300), "green").save(tmp_path / "green.png")
    photos = [str(hopper_path), str(tmp_path / "green.png")]
    assert main(["edit", *photos, "-o", str(tmp_path / "out"), *EDIT, "--json"]) == 1
    edited, failed = map(json.loads, capsys.readouterr().out.splitlines())
    assert edited["output"] == str(tmp_path / "out" / hopper_path.name)
    assert edited["edited"][0]["face"] == 1
    assert 0.3 < edited["edited"][0]["identity_similarity"] <= 1
    assert failed["input"] == photos[1] and failed["error"].startswith("No face found")
    assert main(["faces", *photos, "--json"]) == 1
    faces, none = map(json.loads, capsys.readouterr().out.splitlines())
    assert len(faces["faces"]) == 1 and faces["faces"][0]["fault"] is None and none["faces"] == []


def test_a_photograph_in_which_nothing_is_changed_is_written_without_marks(tmp_path, hopper_path, capsys):
    arguments = ["edit", str(hopper_path), "-o", str(tmp_path / "x.png"), "--attribute", "mouth_close", "--label"]
    assert main(arguments) == 0
    assert capsys.readouterr().out.startswith("The mouth is closed already: nothing was changed.\n" + str(tmp_path))
    assert not read_marks(tmp_path / "x.png").edited
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "x.png")), np.asarray(Image.open(hopper_path)))
    assert main([*arguments, "--overwrite", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["unchanged"] is True


def test_quality_makes_files_larger_or_smaller(tmp_path, hopper_path):
    sizes = []
    for quality in ("40", "95"):
        output = tmp_path / f"{quality}.jpg"
        assert main(["edit", str(hopper_path), "-o", str(output), *EDIT, "--quality", quality, "-q"]) == 0
        sizes.append(output.stat().st_size)
    assert 2 * sizes[0] < sizes[1]
