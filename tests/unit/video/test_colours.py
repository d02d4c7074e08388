"""A film's colours go in and come out the same: tags, and levels wherever no face is."""

from __future__ import annotations

import av
import cv2
import numpy as np
import pytest
from films import film, frames_of

from diat.editor import FaceEditor
from diat.video.colours import FilmColours, upright
from diat.video.film import edit_video

# matrix, range, primaries, transfer, as H.273 has them
TAGS = {
    "BT.709": (1, 1, 1, 1),
    "BT.601 of NTSC": (6, 1, 6, 6),
    "BT.601 of PAL": (5, 1, 5, 6),
    "BT.709, full range": (1, 2, 1, 1),
    "BT.2020": (9, 1, 9, 14),
    "untagged": (2, 0, 2, 2),
}


@pytest.fixture(scope="module")
def editor(detector) -> FaceEditor:
    return FaceEditor.from_pretrained("mouth_close", detector=detector)


@pytest.fixture(scope="module")
def picture(collins) -> np.ndarray:
    """Collins, with patches of strong colours in the corner, away from her face."""
    picture = cv2.resize(collins, (320, 320))
    for number, colour in enumerate([(200, 30, 30), (30, 180, 30), (30, 30, 200), (128, 128, 128)]):
        picture[280:, 40 * number : 40 * number + 40] = colour
    return picture


def tags(path) -> list[tuple[int, int, int, int]]:
    """Of the stream, and of each frame."""
    with av.open(str(path)) as container:
        codec = container.streams.video[0].codec_context
        frames = [*container.decode(video=0)]
        return [
            (int(thing.colorspace), int(thing.color_range), int(thing.color_primaries), int(thing.color_trc))
            for thing in (codec, *frames)
        ]


def planes(path) -> list[np.ndarray]:
    """Luma and colour differences as they are stored."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray().astype(np.float32) for frame in container.decode(video=0)]


@pytest.mark.parametrize("name", TAGS)
def test_a_film_keeps_its_tags_and_its_levels_away_from_the_face(editor, picture, tmp_path, name):
    source = film(tmp_path / "in.mp4", [picture] * 3, tags=TAGS[name])
    assert set(tags(source)) == {TAGS[name]}
    edit_video(source, tmp_path / "out.mp4", editor)
    assert set(tags(tmp_path / "out.mp4")) == {TAGS[name]}
    for before, after in zip(planes(source), planes(tmp_path / "out.mp4"), strict=True):
        # Means of 16 pixels: noise of compression and the invisible mark are not what counts. Colour's planes
        # lie below the luma.
        patches = [(np.s_[288:312, left + 8 : left + 32], 1) for left in range(0, 160, 40)]
        for where, most in (*patches, (np.s_[:100, 240:], 4), (np.s_[320:], 8)):
            there, here = (
                cv2.resize(stored[where], None, fx=0.25, fy=0.25, interpolation=3) for stored in (before, after)
            )
            assert np.abs(there - here).mean() < 1
            assert np.abs(there - here).max() <= most


def test_the_network_sees_the_colours_that_the_film_has(picture, tmp_path):
    for name, tag in TAGS.items():
        (seen, *_) = frames_of(film(tmp_path / "film.mp4", [picture], tags=tag))
        assert np.abs(seen[290:310, 10:30].astype(int) - (200, 30, 30)).max() <= 4, name


def test_an_untagged_film_is_taken_as_players_take_it():
    for (width, height), conversion in {(720, 576): 6, (1280, 720): 1, (1920, 1080): 1}.items():
        colours = FilmColours.of_frame(av.VideoFrame(width, height, "yuv420p"))
        assert (colours.matrix, colours.conversion) == (2, conversion)


def test_a_frame_that_is_read_keeps_its_own_tags():
    frame = av.VideoFrame(64, 64, "yuv420p")
    assert upright(frame).shape == (64, 64, 3)
    assert int(frame.colorspace) == 2


def test_a_matrix_that_cannot_be_written_becomes_one_that_can_and_says_so():
    frame = av.VideoFrame(64, 64, "yuv420p")
    frame.colorspace = 8  # YCgCo
    colours = FilmColours.of_frame(frame)
    assert (colours.matrix, colours.conversion) == (1, 1)
