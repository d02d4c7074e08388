import io
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from diat.attributes import ATTRIBUTES
from diat.cli import main
from diat.cli.photos import BATCH
from diat.editor import FaceEditor
from diat.marks import read_marks
from diat.photo import Photo
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
    assert "1 of 5 photographs edited, 2 left unchanged, in" in captured.out  # her mouth is shut already
    assert "b.jpg was skipped: This file is not a JPEG" in captured.err
    assert "d.png was skipped: No face found" in captured.err
    assert sorted(path.name for path in target.iterdir()) == ["a.jpg", "c.jpg", "c.png"]
    assert [read_marks(path).edited for path in sorted(target.iterdir())] == [True, False, False]


def test_a_folder_in_batches_gives_what_single_photographs_give(tmp_path, collins_path, hopper_path):
    source, target = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    for number in range(BATCH + 1):
        shutil.copy((collins_path, hopper_path)[number % 2], source / f"{number}.jpg")
    change = ["--attribute", "mouth_open"]
    assert main(["edit", str(source), "-o", str(target), "--format", "png", *change]) == 0
    for number in range(BATCH + 1):
        single = tmp_path / f"{number}.png"
        assert main(["edit", str(source / f"{number}.jpg"), "-o", str(single), *change]) == 0
        batch, alone = (np.asarray(Image.open(path)).astype(int) for path in (target / single.name, single))
        assert np.abs(batch - alone).max() <= 1


def test_a_folder_does_not_become_a_folder_named_like_a_picture(tmp_path, collins_path, capsys):
    shutil.copy(collins_path, tmp_path / "a.jpg")
    assert main(["edit", str(tmp_path), "-o", str(tmp_path / "o.png"), "--attribute", "mouth_open"]) == 1
    assert "the output is a folder" in capsys.readouterr().err
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
        (["{photo}", "-o", "{tmp}/x.png", "--attribute", "mouth_open", "--faces", "0"], "numbers from 1"),
        (["{photo}", "-o", "{tmp}/x.png", "--attribute", "mouth_open", "--faces", "2"], "There is no face 2"),
        (["{photo}", "-o", "{tmp}/x.png", "--attribute", "mouth_open", "--strength", "9"], "from 0 to 1.5, not 9"),
        (["{tmp}", "-o", "{tmp}/out", "--attribute", "mouth_open", "--strength", "nan"], "from 0 to 1.5"),
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


EDIT = ["--attribute", "mouth_open"]


def listed(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_files_folders_and_patterns_keep_their_places_and_formats(tmp_path, collins_path, hopper_path):
    source = tmp_path / "in"
    (source / "deep").mkdir(parents=True)
    shutil.copy(collins_path, source / "a.JPG")
    Image.open(hopper_path).save(source / "deep" / "b.webp")
    shutil.copy(hopper_path, tmp_path / "c1.jpg")
    shutil.copy(hopper_path, tmp_path / "c2.jpg")
    arguments = ["edit", str(source), str(tmp_path / "c*.jpg"), "-o", str(tmp_path / "out"), *EDIT]
    assert main([*arguments, "--recursive", "--quiet"]) == 0
    assert listed(tmp_path / "out") == ["a.jpg", "c1.jpg", "c2.jpg", "deep/b.webp"]
    kinds = [Image.open(tmp_path / "out" / name).format for name in listed(tmp_path / "out")]
    assert kinds == ["JPEG", "JPEG", "JPEG", "WEBP"]
    assert main([*arguments[:2], "-o", str(tmp_path / "flat"), *EDIT, "-q"]) == 0
    assert listed(tmp_path / "flat") == ["a.jpg"]


def test_photographs_of_one_name_do_not_overwrite_each_other(tmp_path, collins_path, hopper_path):
    for folder, path in (("x", collins_path), ("y", hopper_path)):
        (tmp_path / folder).mkdir()
        shutil.copy(path, tmp_path / folder / "face.jpg")
        Image.open(path).save(tmp_path / folder / "face.png")
    arguments = ["edit", str(tmp_path / "x"), str(tmp_path / "y"), "-o", str(tmp_path / "out"), *EDIT, "-q"]
    assert main([*arguments, "--format", "png"]) == 0
    assert len(listed(tmp_path / "out")) == 4
    sizes = {Image.open(tmp_path / "out" / name).size for name in listed(tmp_path / "out")}
    assert sizes == {Image.open(collins_path).size, Image.open(hopper_path).size}


def test_a_result_that_exists_is_refused_skipped_or_replaced(tmp_path, hopper_path, capsys):
    source, output = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    shutil.copy(hopper_path, source / "a.jpg")
    arguments = ["edit", str(source), "-o", str(output), *EDIT]
    assert main(arguments) == 0
    (output / "a.jpg").write_bytes(b"mine")
    assert main(arguments) == 1
    assert "exists already: use --overwrite or --skip-existing" in capsys.readouterr().err
    shutil.copy(hopper_path, source / "b.jpg")
    assert main([*arguments, "--skip-existing"]) == 0
    assert "1 of 1 photographs edited" in capsys.readouterr().out
    assert (output / "a.jpg").read_bytes() == b"mine"
    assert main([*arguments, "--overwrite"]) == 0
    assert is_marked((output / "a.jpg").read_bytes())


def test_stdin_and_stdout(hopper_path):
    command = [sys.executable, "-m", "diat", "edit", "-", "-o", "-", *EDIT]
    done = subprocess.run(command, input=hopper_path.read_bytes(), capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert Image.open(io.BytesIO(done.stdout)).format == "JPEG"
    assert is_marked(done.stdout)
    assert b"identity similarity" in done.stderr


@pytest.mark.parametrize("name", ["Mouth open", "mouth-open", "MOUTH_OPEN"])
def test_an_attribute_may_be_called_as_people_call_it(tmp_path, hopper_path, name, capsys):
    output = tmp_path / "x.png"
    assert main(["edit", str(hopper_path), "-o", str(output), "--attribute", name, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["attribute"] == "mouth_open"


def test_a_face_of_a_video_is_counted_from_1(tmp_path, capsys):
    (tmp_path / "in.mp4").write_bytes(b"never opened")
    arguments = ["video", str(tmp_path / "in.mp4"), "-o", str(tmp_path / "out.mp4"), *EDIT, "--faces", "0"]
    assert main(arguments) == 1
    assert "numbers from 1" in capsys.readouterr().err


def test_the_version(capsys):
    import diat

    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"diat {diat.__version__}\n"


def test_a_shell_completes_commands_and_options(capsys):
    assert main(["completion", "bash"]) == 0
    script = capsys.readouterr().out
    assert "--skip-existing" in script and "complete -" in script
    assert "older_to_younger" in script and "_shtab_compgen_files" in script
    assert subprocess.run(["bash", "-n"], input=script, text=True, timeout=60).returncode == 0


def test_telephones_formats_become_jpeg_and_transparency_stays(tmp_path, hopper, capsys):
    source = tmp_path / "in"
    source.mkdir()
    picture = Image.fromarray(hopper)
    pillow_heif.from_pillow(picture).save(source / "a.HEIC", quality=90)
    picture.save(source / "b.avif", quality=90)
    alpha = np.full(hopper.shape[:2], 255, np.uint8)
    alpha[:9] = 0
    Image.fromarray(np.dstack([hopper, alpha]), "RGBA").save(source / "c.png")
    arguments = ["edit", str(source), *EDIT, "-o"]
    assert main([*arguments, str(tmp_path / "out")]) == 0
    assert listed(tmp_path / "out") == ["a.jpg", "b.jpg", "c.png"]
    assert Image.open(tmp_path / "out" / "c.png").mode == "RGBA"
    assert "white" not in capsys.readouterr().err
    assert main([*arguments, str(tmp_path / "jpegs"), "--format", "jpg"]) == 0
    assert "c.png: Transparent parts are white" in capsys.readouterr().err


def test_full_size_is_kept_on_request(tmp_path, hopper_path, monkeypatch, capsys):
    monkeypatch.setattr("diat.photo.WORKING_PIXELS", 100_000)
    arguments = ["edit", str(hopper_path), *EDIT, "-o"]
    assert main([*arguments, str(tmp_path / "a.jpg")]) == 0
    assert "reduced from 512x600 to" in capsys.readouterr().out
    assert main([*arguments, str(tmp_path / "b.jpg"), "--full-size"]) == 0
    assert Image.open(tmp_path / "a.jpg").size < Image.open(tmp_path / "b.jpg").size == (512, 600)


def test_an_unknown_option_shows_the_usage_of_its_command(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["edit", "a.jpg", "-o", "b.jpg", "--atribute", "x"])
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("usage: diat edit") and "diat edit: error: unrecognized arguments: --atribute x" in error


def test_a_photograph_that_fails_unexpectedly_does_not_stop_the_others(tmp_path, hopper_path, capsys, monkeypatch):
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a", "b", "c"):
        shutil.copy(hopper_path, folder / f"{name}.jpg")
    edit, seen = FaceEditor.edit, itertools.count()

    def broken(self, photo, **options):
        if not isinstance(photo, Photo) or next(seen) == 1:
            raise ZeroDivisionError("as never before")
        return edit(self, photo, **options)

    monkeypatch.setattr(FaceEditor, "edit", broken)
    assert main(["edit", str(folder), "-o", str(tmp_path / "out"), "--attribute", "mouth_open"]) == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.jpg", "c.jpg"]
    assert "b.jpg was skipped: Editing it failed (ZeroDivisionError" in capsys.readouterr().err
