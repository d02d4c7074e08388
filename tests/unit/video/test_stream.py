from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

import diat
from diat.errors import InvalidArgument


@pytest.fixture
def stream(editors):
    return diat.FrameStream(editors("mouth_close"), apply_anyway=True)


def test_a_stream_edits_the_face_and_nothing_else(stream, editors, collins, collins_face):
    (edited,) = stream.frames([collins])
    np.testing.assert_array_equal(edited, editors("mouth_close").edit_frame(collins, [collins_face]))


@pytest.mark.parametrize("attribute", ["mouth_close", "older_to_younger"])
def test_a_frame_may_be_finished_by_another_thread_while_the_next_is_begun(editors, collins, attribute):
    frames = [np.roll(collins, number, axis=1) for number in range(6)]
    whole, halves = (diat.FrameStream(editors(attribute), apply_anyway=True) for _ in range(2))
    alone = list(whole.frames(frames, rate=25))
    with ThreadPoolExecutor(1) as another:  # finishes them in order
        shared = [another.submit(halves.begin(frame, number / 25)) for number, frame in enumerate(frames)]
    for edited, expected in zip(shared, alone, strict=True):
        np.testing.assert_array_equal(edited.result(), expected)


def test_what_is_set_holds_from_the_next_frame_on(stream, editors, collins):
    closed = stream.edit(collins, 0.0)
    stream.set(strength=0)
    assert stream.edit(collins, 0.1) is collins
    stream.set(editors("older_to_younger"), strength=1.0)
    assert (stream.edit(collins, 0.2) != closed).any()
    stream.set(faces="all")
    assert (stream.edit(collins, 0.3) != collins).any()


def test_frames_without_faces_come_back_as_they_are(stream):
    wall = np.full((120, 160, 3), 128, np.uint8)
    assert list(stream.frames([wall, wall], rate=25))[1] is wall
    assert (stream.seen, stream.chosen) == (0, 0)


def test_a_stream_says_how_many_faces_it_sees_and_how_many_of_them_it_edits(editors, collins):
    stream = diat.FrameStream(editors("mouth_close"))
    small = cv2.resize(collins, None, fx=0.2, fy=0.2, interpolation=cv2.INTER_AREA)
    stream.edit(np.concatenate([cv2.copyMakeBorder(small, 0, len(collins) - len(small), 0, 0, 1), collins], axis=1))
    assert (stream.seen, stream.chosen) == (2, 1)
    stream.edit(cv2.copyMakeBorder(small, 0, 200, 0, 200, cv2.BORDER_REPLICATE))
    assert (stream.seen, stream.chosen) == (1, 0)


@pytest.mark.parametrize(
    "frame", [np.zeros((64, 64), np.uint8), np.zeros((64, 64, 3)), np.zeros((8, 64, 3), np.uint8), [[1]]]
)
def test_what_is_no_frame_is_refused(stream, frame):
    with pytest.raises(InvalidArgument, match="A frame must be"):
        stream.edit(frame)


@pytest.mark.parametrize("wrong", [{"strength": 2}, {"faces": -1}, {"faces": "none"}])
def test_choices_that_cannot_be_are_refused(stream, editors, wrong):
    with pytest.raises(InvalidArgument):
        diat.FrameStream(editors("mouth_close"), **wrong)
    with pytest.raises(InvalidArgument):
        stream.set(**wrong)
