"""Which of the followed faces are edited."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from diat.errors import InvalidArgument
from diat.faces import Face
from diat.video.choice import LOOK_INTERVAL, TrackChooser
from diat.video.tracking import Track

FRAME = np.zeros((8, 8, 3), np.uint8)


class Recogniser:
    """Sees who a face is by the mark that the test put into its score."""

    def __init__(self) -> None:
        self.looks = 0

    def embed(self, frame: np.ndarray, points5: np.ndarray) -> np.ndarray:
        self.looks += 1
        angle = float(points5[0, 0]) % 1 * 10  # of the person, in radians
        return np.array([np.cos(angle), np.sin(angle)], np.float32)


def track(face: Face, number: int, scale: float = 1.0, who: float = 0.0) -> Track:
    """A face enlarged; ``who`` is an angle in radians, 0 to 1."""
    points = np.round(face.points5 * scale)
    points[0, 0] += who / 10
    return Track(number, replace(face, box=face.box * np.float32(scale), points5=points.astype(np.float32)))


def turned(face: Face, number: int, scale: float = 1.0) -> Track:
    """A face in profile: its nose beside its eyes."""
    points = face.points5.copy()
    points[2, 0] = points[0, 0] - 20
    return Track(number, replace(face, box=face.box * np.float32(scale), points5=points))


def chosen(chooser: TrackChooser, tracks: list[Track], time: float = 0.0) -> list[int]:
    return [track.number for track in chooser.choose(FRAME, tracks, time)]


def test_the_largest_that_can_be_edited_is_chosen(collins_face):
    tracks = [turned(collins_face, 0, 2.0), track(collins_face, 1)]
    assert chosen(TrackChooser("largest", Recogniser()), tracks) == [1]
    assert chosen(TrackChooser("all", Recogniser()), tracks) == [1]


def test_two_faces_of_like_size_do_not_take_turns(collins_face):
    chooser = TrackChooser("largest", Recogniser())
    a, b = track(collins_face, 0, 1.02), track(collins_face, 1, 1.0)
    assert chosen(chooser, [a, b]) == [0]
    for scale in (1.04, 0.98, 1.05):
        pair = sorted([a, track(collins_face, 1, scale)], key=lambda t: -t.face.area)
        assert chosen(chooser, pair) == [0]
    assert chosen(chooser, [track(collins_face, 1, 1.2), a]) == [1]
    assert chosen(chooser, [a, b]) == [1]  # and stays
    assert chosen(chooser, [a]) == [0]
    assert chosen(chooser, []) == []


def test_a_person_is_judged_again(collins_face):
    chooser, other = TrackChooser(0, recogniser := Recogniser()), track(collins_face, 1, 0.9, who=0.9)
    assert chosen(chooser, [track(collins_face, 0), other], 0.0) == [0]
    looks = recogniser.looks
    assert chosen(chooser, [track(collins_face, 0), other], 0.5 * LOOK_INTERVAL) == [0]
    assert recogniser.looks == looks  # not in every frame


def test_a_track_that_turns_out_to_be_somebody_else_is_let_go(collins_face):
    chooser = TrackChooser(0, Recogniser())
    assert chosen(chooser, [track(collins_face, 0, who=0.0)], 0.0) == [0]
    somebody_else = np.pi * 0.5  # embeddings at right angles
    moved = replace(
        collins_face, points5=np.round(collins_face.points5) + np.array([somebody_else / 10, 0], np.float32)
    )
    seen = [chosen(chooser, [Track(0, moved)], second * LOOK_INTERVAL) for second in (1, 2, 3)]
    assert seen == [[0], [], []]  # one poor look is forgiven


def test_of_two_that_look_like_the_person_the_likelier_is_chosen(collins_face):
    chooser = TrackChooser(0, Recogniser())
    assert chosen(chooser, [track(collins_face, 0, who=0.0)]) == [0]
    assert chosen(chooser, [track(collins_face, 5, 2.0, who=0.8), track(collins_face, 6, who=0.1)], 9.0) == [6]


def test_a_person_who_is_not_there_is_said(collins_face):
    with pytest.raises(InvalidArgument, match=r"no person 2 \(index 1\)"):
        TrackChooser(1, Recogniser()).choose(FRAME, [track(collins_face, 0)], 0.0)
