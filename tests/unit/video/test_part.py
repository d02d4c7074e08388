"""A part of a film comes out as it was, but for the faces; and beside the original where that is asked for."""

from __future__ import annotations

import av
import cv2
import numpy as np
import pytest
from films import RATE, film, frames_of

from diat.cli.commands import main
from diat.editor import FaceEditor
from diat.errors import InvalidArgument, PhotoRejected
from diat.marks import read_marks
from diat.video.film import edit_video
from diat.video.part import Part

BITS = 8


@pytest.fixture(scope="module")
def editor(detector) -> FaceEditor:
    return FaceEditor.from_pretrained("mouth_close", detector=detector)


@pytest.fixture(scope="module")
def steps(tmp_path_factory):
    """Three seconds, each frame with its number as black and white bars, with a tone. -> its path."""
    bits = np.arange(3 * RATE)[:, None] >> np.arange(BITS) & 1
    bars = np.repeat(bits.astype(np.uint8) * 255, 8, axis=1)  # (frames, 64)
    frames = [np.repeat(np.tile(row, (64, 1))[..., None], 3, axis=2) for row in bars]
    return film(tmp_path_factory.mktemp("steps") / "steps.mp4", frames)


def numbers_of(path) -> list[int]:
    """The frames' numbers in ``steps``, read off their bars."""
    seen = [frame[32, 4::8, 0] > 127 for frame in frames_of(path)]
    return [int((bars * 2 ** np.arange(BITS)).sum()) for bars in seen]


def times(path, kind: str) -> list[float]:
    with av.open(str(path)) as container:
        return [float(p.pts * p.time_base) for p in container.demux(**{kind: 0}) if p.pts is not None]


@pytest.mark.parametrize(
    ("start", "end", "numbers"), [(1.0, 2.0, range(25, 50)), (0.0, 0.2, range(5)), (2.8, None, range(70, 75))]
)
def test_the_part_alone_comes_out_and_begins_at_0(editor, steps, tmp_path, start, end, numbers):
    seen = []
    report = edit_video(
        steps, tmp_path / "out.mp4", editor, start=start, end=end, progress=lambda now: seen.append(now) or True
    )
    assert numbers_of(tmp_path / "out.mp4") == list(numbers)
    assert report.frames == len(numbers) == seen[-1].total == seen[-1].done
    pictures, sound = times(tmp_path / "out.mp4", "video"), times(tmp_path / "out.mp4", "audio")
    assert min(pictures) == 0 and 0 <= min(sound) < 0.03  # a packet of sound is 23 milliseconds
    assert max(sound) == pytest.approx(max(pictures), abs=0.08)


def test_a_film_that_counts_from_another_second_is_cut_as_players_show_it(editor, steps, tmp_path):
    late = tmp_path / "late.ts"  # MPEG transport streams begin at 1.4 seconds
    with av.open(str(steps)) as source, av.open(str(late), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    edit_video(late, tmp_path / "out.mp4", editor, start=1.0, end=1.4)
    assert numbers_of(tmp_path / "out.mp4") == list(range(25, 35))
    assert min(times(tmp_path / "out.mp4", "video")) == 0


def test_a_long_film_is_taken_where_its_part_is_short_enough(editor, steps, tmp_path):
    with pytest.raises(PhotoRejected, match=r"limit is 1 seconds of video\. This part lasts 2 seconds"):
        edit_video(steps, tmp_path / "out.mp4", editor, start=1.0, max_seconds=1.0)
    assert edit_video(steps, tmp_path / "out.mp4", editor, start=2.0, max_seconds=1.0).frames == RATE


def test_before_and_after_lie_side_by_side_and_carry_the_marks(editor, collins, tmp_path):
    picture = cv2.resize(collins, (320, 320))
    edit_video(film(tmp_path / "in.mp4", [picture] * 5), tmp_path / "out.mp4", editor, before_after=True)
    frames = frames_of(tmp_path / "out.mp4")
    assert frames[2].shape == (320, 640, 3)
    moved = np.abs(cv2.GaussianBlur((frames[2].astype(np.float32) - np.hstack([picture] * 2)).mean(-1), (0, 0), 3))
    assert moved[:, :320].max() < 8 < 12 < moved[:, 320:].max()
    marks = read_marks(tmp_path / "out.mp4")
    assert marks.edited and marks.invisible


@pytest.mark.parametrize(("start", "end"), [(2.0, 1.0), (-1.0, None), (1.0, 1.0), (float("nan"), 2.0)])
def test_a_part_that_cannot_be_is_refused(start, end):
    with pytest.raises(InvalidArgument, match="starts at 0 seconds or later and ends after that"):
        Part(start, end)


def test_the_command_line_takes_a_part_and_says_where_there_is_none(steps, tmp_path, capsys):
    command = ["video", str(steps), "-o", str(tmp_path / "out.mp4"), "--attribute", "mouth_close"]
    assert main([*command, "--start", "2.8", "--before-after"]) == 0
    assert frames_of(tmp_path / "out.mp4")[0].shape == (64, 128, 3)
    assert main([*command, "--start", "7", "--overwrite"]) == 1
    assert "The video lasts 3.0 seconds: start before that, not at 7." in capsys.readouterr().err
    assert main([*command, "--start", "1", "--end", "0.5", "--overwrite"]) == 1
    assert "not from 1 to 0.5" in capsys.readouterr().err
