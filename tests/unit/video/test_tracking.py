from collections.abc import Callable

import cv2
import numpy as np
import pytest

from diat.faces import Face
from diat.video.tracking import FaceTracker


def film(portrait: np.ndarray, count: int = 16) -> list[np.ndarray]:
    """A portrait that drifts, turns and comes nearer."""
    frames = []
    for number in range(count):
        matrix = cv2.getRotationMatrix2D((226, 130), 0.5 * number, 1 + 0.005 * number)
        matrix[:, 2] += [1.5 * number, 0.7 * number]
        frames.append(cv2.warpAffine(portrait, matrix, portrait.shape[1::-1], borderMode=cv2.BORDER_REPLICATE))
    return frames


class Counting:
    """A detector that counts how often it is asked, and may shake or hide what it finds."""

    def __init__(self, detector, shake: float = 0.0) -> None:
        self.detector, self.shake, self.asked, self.blind = detector, shake, 0, False
        self.rng = np.random.default_rng(0)

    def detect(self, frame: np.ndarray) -> list[Face]:
        self.asked += 1
        if self.blind:
            return []
        return [self._shaken(face) for face in self.detector.detect(frame)]

    def landmarks(self, frame: np.ndarray, box: np.ndarray) -> np.ndarray:
        return self.detector.landmarks(frame, box)

    def _shaken(self, face: Face) -> Face:
        shift = self.rng.normal(0, self.shake, 2).astype(np.float32)
        return Face(face.box, face.score, face.points5 + shift, face.points68 + shift)


@pytest.fixture
def counting(detector) -> Callable[..., Counting]:
    return lambda **options: Counting(detector, **options)


def followed(tracker: FaceTracker, frames: list[np.ndarray]) -> list[list]:
    return [tracker.update(frame, number / 25) for number, frame in enumerate(frames)]


def test_a_face_keeps_its_number_and_is_found_seldom(counting, collins):
    detector = counting()
    tracks = followed(FaceTracker(detector, interval=0.4), film(collins))
    assert [[track.number for track in frame] for frame in tracks] == [[0]] * 16
    assert detector.asked == 2  # at 0 and 0.4 seconds


def test_between_detections_the_points_go_where_the_face_goes(counting, detector, collins):
    frames = film(collins)
    tracks = followed(FaceTracker(counting(), interval=10), frames)
    found = detector.detect(frames[-1])[0]
    eyes = np.linalg.norm(found.points5[1] - found.points5[0])
    assert np.linalg.norm(tracks[-1][0].face.points5 - found.points5, axis=1).mean() < 0.06 * eyes
    assert np.linalg.norm(tracks[-1][0].face.points5 - tracks[0][0].face.points5, axis=1).mean() > 0.3 * eyes


def test_a_trembling_detector_makes_the_points_tremble_less_than_half_as_much(counting, collins):
    still = [collins] * 24
    detector = counting(shake=1.0)
    tracks = followed(FaceTracker(detector, interval=0.0), still)
    places = np.array([frame[0].face.points5[2] for frame in tracks])
    shaken = np.array([detector.detect(collins)[0].points5[2] for _ in range(24)])
    assert np.abs(np.diff(places, axis=0)).mean() < 0.5 * np.abs(np.diff(shaken, axis=0)).mean()


def test_after_a_cut_the_face_is_looked_for_at_once(counting, collins, hopper):
    other = cv2.resize(hopper, collins.shape[1::-1])
    detector = counting()
    tracks = followed(FaceTracker(detector, interval=10), [collins, collins, other])
    assert detector.asked == 2
    expected = detector.detector.detect(other)[0].points5
    np.testing.assert_allclose(tracks[-1][0].face.points5, expected, atol=2)


def test_a_face_that_goes_is_given_up(counting, collins):
    detector = counting()
    tracker = FaceTracker(detector, interval=0.0)
    assert tracker.update(collins, 0.0)
    detector.blind = True
    counts = [len(tracker.update(collins, 0.1 * number)) for number in range(1, 4)]
    assert counts == [1, 0, 0]


def test_frames_of_another_size_start_over(counting, collins):
    tracker = FaceTracker(counting(), interval=10)
    tracker.update(collins, 0.0)
    half = cv2.resize(collins, None, fx=0.5, fy=0.5)
    (track,) = tracker.update(half, 0.1)
    assert track.face.box[2] <= half.shape[1]


def test_a_mouth_that_opens_between_detections_is_followed(counting, detector, collins):
    from diat.data.mouths import gaps
    from diat.editor import FaceEditor

    (found,) = detector.detect(collins)
    shut = FaceEditor.from_pretrained("mouth_close").edit_frame(collins, [found])
    tracker = FaceTracker(counting(), interval=10)
    tracks = followed(tracker, [shut] * 3 + [collins] * 3)
    of_frames = [float(gaps(frame[0].face.points68[None])[0]) for frame in tracks]
    opened = float(gaps(found.points68[None])[0])
    assert max(of_frames[:3]) < 0.5 * opened
    assert min(of_frames[4:]) > 0.7 * opened
