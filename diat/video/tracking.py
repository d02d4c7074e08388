"""Faces over time: detected now and then, and followed by optical flow in between.

Detection alone trembles by a pixel or two from frame to frame, and a network that sees a trembling crop makes a
trembling face. Between detections the points move with the picture, by one similarity for the whole face. A detection
then corrects them by exponential smoothing whose gain grows with the disagreement: a small one is noise, a large one
the face's own movement. The 68 landmarks are found in every frame and smoothed alike, each by itself: a mouth opens
within two frames, and the region that is edited must open with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from diat.align import transform_points
from diat.faces import Face, FaceDetector
from diat.pixels import F32, U8

# Of optical flow (pyramidal Lucas-Kanade); sizes were set by following faces through films by hand.
FLOW_SIDE = 480  # pixels; flow is measured on frames reduced to this, and precise to a fraction of a pixel there
FLOW_LEVELS = 3  # of the pyramid above the frame itself: each doubles the movement that can be followed
FLOW_WINDOW = 0.6  # side of the window around a point, in inter-ocular distances ...
MIN_WINDOW, MAX_WINDOW = 9, 31  # ... and in pixels: less sees too little, more is slow and sees the background
MIN_INLIERS = 0.6  # share of a face's points that must move as one, or the face is detected anew
INLIER_DISTANCE = 0.04  # from where the whole face's movement puts a point, in inter-ocular distances ...
MIN_INLIER_DISTANCE = 0.5  # ... and at least this many pixels, the flow's own precision

# Of the correction by a detection, in inter-ocular distances. A detector's trembling is about 0.01 to 0.02 of them.
MIN_GAIN = 0.12  # share of the way to a detection that agrees
FULL_GAIN_DISAGREEMENT = 0.12  # a detection this far off is taken as it is
MAX_MATCH_DISTANCE = 1.0  # between the middles of a followed and a detected face that may be the same one
MAX_MISSED = 2  # detections in a row that may miss a face before it is given up

_Grey = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Track:
    """A face that is being followed."""

    number: int  # counts up, the same from frame to frame
    face: Face
    missed: int = 0  # detections in a row that did not find it


class FaceTracker:
    """Follows the faces of one stream of frames.

    Args:
        detector: finds them.
        interval: seconds between two detections while faces are followed. Without faces every frame is searched.
    """

    def __init__(self, detector: FaceDetector, interval: float = 0.3) -> None:
        self._detector, self._interval = detector, interval
        self._tracks: list[Track] = []
        self._grey: _Grey | None = None
        self._detected_at = -np.inf
        self._next_number = 0

    def update(self, frame: U8, time: float) -> list[Track]:
        """The faces of the next frame, largest first.

        Args:
            frame: (H, W, 3) RGB uint8. A frame of another size starts over.
            time: when it was taken, in seconds of any clock that only goes forward.
        """
        grey, scale = _reduced(frame)
        if self._grey is None or self._grey.shape != grey.shape:
            self._tracks = []
        elif self._tracks:
            moved = [_follow(track, self._grey, grey, scale) for track in self._tracks]
            lost = any(track is None for track in moved)
            self._tracks = [track for track in moved if track is not None]
            if lost:
                self._detected_at = -np.inf
        self._grey = grey
        if not self._tracks or time - self._detected_at >= self._interval:
            self._detected_at = time
            self._tracks = self._corrected(self._detector.detect(frame))
        else:
            self._tracks = [self._with_landmarks(track, frame) for track in self._tracks]
        self._tracks.sort(key=lambda track: -track.face.area)
        return list(self._tracks)

    def _with_landmarks(self, track: Track, frame: U8) -> Track:
        face = track.face
        detected = self._detector.landmarks(frame, face.box)
        points68 = _correct_landmarks(face.points68, detected, _eye_distance(face))
        return replace(track, face=replace(face, points68=points68))

    def _corrected(self, detected: Sequence[Face]) -> list[Track]:
        """The tracks corrected by what was detected, new ones for new faces, without those that stay away.

        Each track takes the nearest face that is left, the largest first. With the few faces of a film, which are well
        apart this is the best assignment, too.
        """
        left = list(detected)
        tracks = []
        for track in self._tracks:
            match = min(left, key=lambda face: _distance(face, track.face), default=None)
            if match is None or _distance(match, track.face) > MAX_MATCH_DISTANCE:
                if track.missed + 1 < MAX_MISSED:
                    tracks.append(replace(track, missed=track.missed + 1))
                continue
            left.remove(match)
            tracks.append(Track(track.number, _correct(track.face, match)))
        for face in left:
            tracks.append(Track(self._next_number, face))
            self._next_number += 1
        return tracks


def _reduced(frame: U8) -> tuple[_Grey, float]:
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    scale = min(1.0, FLOW_SIDE / max(grey.shape))
    if scale < 1:
        grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return grey.astype(np.uint8, copy=False), scale


def _follow(track: Track, before: _Grey, after: _Grey, scale: float) -> Track | None:
    """The track moved as the picture moved, or None if its points do not move as one."""
    face = track.face
    points = (np.concatenate([face.points5, face.points68]) * np.float32(scale)).astype(np.float32)[:, None]
    eyes = _eye_distance(face) * scale  # in pixels of the reduced frames
    window = int(np.clip(FLOW_WINDOW * eyes, MIN_WINDOW, MAX_WINDOW)) | 1
    moved, status, _ = cv2.calcOpticalFlowPyrLK(  # type: ignore[call-overload]
        before, after, points, None, winSize=(window, window), maxLevel=FLOW_LEVELS
    )
    found = status.ravel() == 1
    if found.sum() < MIN_INLIERS * len(points):
        return None
    tolerance = max(MIN_INLIER_DISTANCE, INLIER_DISTANCE * eyes)
    matrix, inliers = cv2.estimateAffinePartial2D(points[found], moved[found], ransacReprojThreshold=tolerance)
    if matrix is None or inliers.sum() < MIN_INLIERS * len(points):
        return None
    full = matrix.astype(np.float32)
    full[:, 2] /= np.float32(scale)
    corners = transform_points(face.box.reshape(2, 2), full)
    height, width = (side / scale for side in after.shape)
    centre = corners.mean(0)
    if not (0 <= centre[0] < width and 0 <= centre[1] < height):
        return None
    return replace(
        track,
        face=Face(
            box=corners.ravel(),
            score=face.score,
            points5=transform_points(face.points5, full),
            points68=transform_points(face.points68, full),
        ),
    )


def _correct(followed: Face, detected: Face) -> Face:
    """Between the followed points and the detected ones, by how far they disagree."""
    eyes = _eye_distance(detected)
    disagreement = float(np.linalg.norm(followed.points5 - detected.points5, axis=1).mean()) / eyes
    gain = _gain(np.float32(disagreement))
    return Face(
        box=(followed.box + gain * (detected.box - followed.box)).astype(np.float32),
        score=detected.score,
        points5=(followed.points5 + gain * (detected.points5 - followed.points5)).astype(np.float32),
        points68=_correct_landmarks(followed.points68, detected.points68, eyes),
    )


def _correct_landmarks(followed: F32, detected: F32, eyes: float) -> F32:
    """The same of landmarks, (68, 2), each by itself, since a face's parts move. ``eyes``: inter-ocular distance."""
    disagreement = np.linalg.norm(followed - detected, axis=1, keepdims=True) / eyes
    corrected: F32 = (followed + _gain(disagreement) * (detected - followed)).astype(np.float32)
    return corrected


def _gain(disagreement: F32 | np.float32) -> F32:
    """The smoothing's gain, by the disagreement in inter-ocular distances."""
    return np.asarray(np.clip(disagreement / np.float32(FULL_GAIN_DISAGREEMENT), MIN_GAIN, 1.0), np.float32)


def _eye_distance(face: Face) -> float:
    return max(float(np.linalg.norm(face.points5[1] - face.points5[0])), 1e-3)


def _distance(a: Face, b: Face) -> float:
    """Between the middles of two faces, in inter-ocular distances of the first."""
    return float(np.linalg.norm(a.points5.mean(0) - b.points5.mean(0))) / _eye_distance(a)
