"""Videos made on the spot from the two portraits: what goes in comes out, but for the faces."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest
from films import facts, film, frames_of
from PIL import Image

from diat.cli import main
from diat.editor import FaceEditor
from diat.errors import DiatError, InvalidArgument, PhotoRejected
from diat.marks import read_marks
from diat.provenance import DIGITAL_SOURCE_TYPE
from diat.video.film import edit_video

NIGHTLY = bool(os.environ.get("NIGHTLY"))  # 20 kills instead of one


@pytest.fixture(scope="module")
def editor(detector) -> FaceEditor:
    return FaceEditor.from_pretrained("mouth_close", detector=detector)


@pytest.fixture(scope="module")
def pictures(collins, hopper) -> dict[str, np.ndarray]:
    """The two, 320 pixels high, and side by side, Collins left and larger."""
    faces = {"collins": cv2.resize(collins, (320, 320)), "hopper": cv2.resize(hopper, (270, 320))}
    small = cv2.copyMakeBorder(cv2.resize(hopper, (216, 256)), 32, 32, 52, 52, cv2.BORDER_REPLICATE)
    return {**faces, "both": np.hstack([cv2.resize(collins[:300, 80:380], (320, 320)), small])}


def changed(before: np.ndarray, after: np.ndarray) -> float:
    """Share of pixels that differ by more than compression does."""
    before, after = (cv2.GaussianBlur(picture.astype(np.float32), (0, 0), 2.0) for picture in (before, after))
    return float((np.abs(before - after).mean(-1) > 8).mean())


def test_size_rate_duration_and_sound_are_kept_and_the_mouth_alone_changes(editor, pictures, tmp_path):
    source = film(tmp_path / "in.mp4", [pictures["collins"]] * 12)
    report = edit_video(source, tmp_path / "out.mp4", editor)
    assert (report.frames, report.changed, report.damaged) == (12, 12, 0)
    assert facts(tmp_path / "out.mp4") == facts(source)
    for before, after in zip(frames_of(source), frames_of(tmp_path / "out.mp4"), strict=True):
        assert 0.0002 < changed(before, after) < 0.03
    assert DIGITAL_SOURCE_TYPE.encode() in (tmp_path / "out.mp4").read_bytes()


def test_a_film_in_which_nothing_was_changed_carries_no_mark_but_those_of_earlier_edits(editor, pictures, tmp_path):
    source = film(tmp_path / "in.mp4", [pictures["hopper"]] * 3)  # her mouth is closed
    report = edit_video(source, tmp_path / "out.mp4", editor, label=True)
    assert (report.frames, report.changed) == (3, 0)
    assert facts(tmp_path / "out.mp4") == facts(source)
    assert not read_marks(tmp_path / "out.mp4").edited
    for before, after in zip(frames_of(source), frames_of(tmp_path / "out.mp4"), strict=True):
        assert changed(before, after) < 0.0002
    assert edit_video(source, tmp_path / "in_vain.mp4", editor, apply_anyway=True).changed == 0  # nothing is seen of it
    assert not read_marks(tmp_path / "in_vain.mp4").edited
    edit_video(film(tmp_path / "open.mp4", [pictures["collins"]] * 3), tmp_path / "once.mp4", editor)
    assert edit_video(tmp_path / "once.mp4", tmp_path / "twice.mp4", editor).changed == 0
    marks = read_marks(tmp_path / "twice.mp4")
    assert marks.declared and marks.edited_by == "DIAT mouth_close strength=1"


def test_frames_that_need_no_change_are_counted_and_changed_where_it_is_asked_for(editors, pictures, tmp_path, capsys):
    source = film(tmp_path / "in.mp4", [pictures["collins"]] * 3)
    report = edit_video(source, tmp_path / "left.mp4", editors("smile"))  # she smiles already
    assert (report.changed, report.left, report.would_change) == (0, 3, True)
    report = edit_video(source, tmp_path / "anyway.mp4", editors("smile"), apply_anyway=True)
    assert (report.changed, report.left, report.would_change) == (3, 0, False)
    report = edit_video(source, tmp_path / "none.mp4", editors("eyeglasses_remove"))
    assert (report.changed, report.left, report.would_change) == (0, 3, False)  # there is nothing to take off
    command = ["video", str(source), "-o", str(tmp_path / "out.mp4"), "--overwrite", "--attribute"]
    for attribute, more, said in (
        ("smile", [], "the face smiles already. Use --apply-anyway to change them, too.\n"),
        ("smile", ["--apply-anyway"], "3 of 3 frames changed"),
        ("eyeglasses_remove", [], "3 frames were left as they are: no glasses found.\n"),
        ("eyeglasses_remove", ["--apply-anyway"], "no glasses found, and applying it anyway makes no visible"),
    ):
        assert main([*command, attribute, *more]) == 0
        assert said in capsys.readouterr().out


def test_a_film_without_sound_and_with_odd_sides_is_taken(editor, pictures, tmp_path):
    odd = pictures["collins"][:319, :317]
    source = film(tmp_path / "in.mp4", [np.ascontiguousarray(odd)] * 3, sound=False)
    edit_video(source, tmp_path / "out.mov", editor)
    assert facts(tmp_path / "out.mov")["size"] == (317, 319)


def test_one_person_is_followed_through_a_cut(editor, pictures, tmp_path):
    alone = cv2.copyMakeBorder(pictures["hopper"], 0, 0, 185, 185, cv2.BORDER_REPLICATE)
    frames = [pictures["both"]] * 4 + [alone] * 4 + [pictures["both"]] * 4
    source = film(tmp_path / "in.mp4", frames)
    report = edit_video(source, tmp_path / "out.mp4", editor, faces=0)
    before, after = frames_of(source), frames_of(tmp_path / "out.mp4")
    assert report.changed == 8
    assert changed(before[5], after[5]) < 0.0005  # only Hopper is there
    for number in (1, 10):
        assert changed(before[number][:, :320], after[number][:, :320]) > 0.001
        assert changed(before[number][:, 320:], after[number][:, 320:]) < 0.0005


def test_a_person_that_is_not_there_is_said(editor, pictures, tmp_path):
    source = film(tmp_path / "in.mp4", [pictures["collins"]] * 2)
    with pytest.raises(DiatError, match=r"no person 3 \(index 2\)"):
        edit_video(source, tmp_path / "out.mp4", editor, faces=2)
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_a_cancelled_video_leaves_nothing_behind(editor, pictures, tmp_path):
    source = film(tmp_path / "in.mp4", [pictures["collins"]] * 10)
    seen = []
    with pytest.raises(DiatError, match="Stopped"):
        edit_video(source, tmp_path / "out.mp4", editor, progress=lambda p: seen.append(p) or p.done < 3)
    assert [p.done for p in seen] == [1, 2, 3]
    assert seen[-1].total == 10
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


@pytest.mark.parametrize("time_of_death", range(20 if NIGHTLY else 1))
def test_a_killed_one_loses_nothing_and_what_it_leaves_goes_with_the_next(editor, pictures, tmp_path, time_of_death):
    source, target = film(tmp_path / "in.mp4", [pictures["collins"]] * 400), tmp_path / "out.mp4"
    target.write_bytes(b"an older result")
    (tmp_path / f".out.{os.getpid()}.mp4").write_bytes(b"of a run that goes on")
    before = source.read_bytes()
    options = ["video", str(source), "-o", str(target), "--attribute", "mouth_close", "--overwrite"]
    command = [sys.executable, "-m", "diat.cli", *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not (tmp_path / f".out.{process.pid}.mp4").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(random.Random(time_of_death).uniform(0, 1))
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
    assert (source.read_bytes(), target.read_bytes()) == (before, b"an older result")
    assert len(list(tmp_path.iterdir())) == 4
    with pytest.raises(DiatError, match="Stopped"):
        edit_video(source, tmp_path / "other.mp4", editor, progress=lambda _: False)
    assert len(list(tmp_path.iterdir())) == 4  # of another film
    (tmp_path / f".out.{os.getpid()}.mp4").rename(tmp_path / ".out.1.mp4")  # which always runs
    with pytest.raises(DiatError, match="Stopped"):
        edit_video(source, target, editor, progress=lambda _: False)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".out.1.mp4", "in.mp4", "out.mp4"]


@pytest.mark.parametrize("content", [b"", b"no video" * 1000])
def test_what_is_no_video_is_one_sentence(editor, tmp_path, content):
    (tmp_path / "in.mp4").write_bytes(content)
    with pytest.raises(PhotoRejected, match="is not a video"):
        edit_video(tmp_path / "in.mp4", tmp_path / "out.mp4", editor)
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.parametrize("kind", ["jpg", "png", "webp"])
def test_a_photograph_is_no_film_of_one_picture(editor, tmp_path, hopper, kind):
    source = tmp_path / f"in.{kind}"
    Image.fromarray(hopper).save(source)
    with pytest.raises(PhotoRejected, match="is not a video .* Photographs go to diat edit"):
        edit_video(source, tmp_path / "out.mp4", editor)
    assert not list(tmp_path.glob("*.mp4"))


def test_a_damaged_middle_is_passed_over_and_counted(editor, pictures, tmp_path):
    rng = np.random.default_rng(0)
    noisy = [
        np.clip(pictures["collins"] + rng.integers(-9, 9, (320, 320, 3)), 0, 255).astype(np.uint8) for _ in range(20)
    ]
    source = film(tmp_path / "in.mp4", noisy, sound=False)
    data = bytearray(source.read_bytes())
    start = data.index(b"mdat") + 4
    middle = start + (len(data) - start) // 2
    data[middle : middle + 6000] = bytes(6000)
    source.write_bytes(data)
    report = edit_video(source, tmp_path / "out.mp4", editor)
    assert report.frames + report.damaged >= 15
    assert len(frames_of(tmp_path / "out.mp4")) == report.frames


def test_the_result_must_be_an_mp4_or_mov(editor, tmp_path):
    with pytest.raises(DiatError, match=r"must end in \.mp4"):
        edit_video(tmp_path / "in.mp4", tmp_path / "out.avi", editor)


@pytest.mark.parametrize("faces", [-1, 1.5, "first", True, None])
def test_a_choice_of_faces_that_cannot_be_is_refused_before_any_work(editor, tmp_path, faces):
    with pytest.raises(InvalidArgument, match="faces must be"):
        edit_video(tmp_path / "not_even_there.mp4", tmp_path / "out.mp4", editor, faces=faces)


@pytest.mark.parametrize("strength", [-0.1, 1.6, float("nan"), "1"])
def test_a_strength_that_cannot_be_is_refused_before_any_work(editor, tmp_path, strength):
    with pytest.raises(InvalidArgument, match="strength must be"):
        edit_video(tmp_path / "not_even_there.mp4", tmp_path / "out.mp4", editor, strength=strength)


def test_a_playlist_opens_no_other_file(editor, pictures, tmp_path):
    film(tmp_path / "other.mp4", [pictures["collins"]] * 2)
    (tmp_path / "in.mp4").write_text("ffconcat version 1.0\nfile other.mp4\n")
    with pytest.raises(PhotoRejected, match="is not a video"):
        edit_video(tmp_path / "in.mp4", tmp_path / "out.mp4", editor)


def test_a_film_longer_than_the_limit_is_refused_whatever_its_header_says(editor, pictures, tmp_path, monkeypatch):
    source = film(tmp_path / "in.mp4", [pictures["collins"]] * 30)
    with pytest.raises(PhotoRejected, match="limit is 1 seconds of video. The video lasts 1 seconds"):
        edit_video(source, tmp_path / "out.mp4", editor, max_seconds=1)
    silent = film(tmp_path / "in.mkv", [pictures["collins"]] * 30, live=True)
    seen = []
    with pytest.raises(PhotoRejected, match="limit is 1 seconds of video. Take"):
        edit_video(silent, tmp_path / "out.mp4", editor, max_seconds=0.6, progress=lambda p: seen.append(p) or True)
    assert len(seen) < 20


def test_without_pyav_frames_are_edited_and_films_say_what_is_missing():
    code = (
        "import sys; sys.modules['av'] = None\n"
        "import diat; assert diat.FrameStream\n"
        "try: diat.edit_video('a.mp4', 'b.mp4', None)\n"
        "except ImportError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "pip install 'diat[video]'" in done.stdout, done.stderr
