"""Faces over time: found now and then, followed by optical flow between, so that a change does not swim.

Detection alone trembles by a pixel or two from frame to frame, and a network that sees a trembling crop makes a
trembling face. Between detections the points move with the picture, by one similarity for the whole face; a detection
then draws them towards what it found, the less the nearer it is, as a One-Euro filter (Casiez et al. 2012) treats slow
movements. The 68 landmarks are looked for in every frame, and drawn alike, each by itself: a mouth opens within two
frames, and the region that is changed must open with it.
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

FLOW_SIDE = 480  # pixels; flow is measured on frames reduced to this, and precise to a fraction of a pixel there
MIN_INLIERS = 0.6  # share of a face's points that must move as one, or the face is looked for anew
MIN_GAIN = 0.12  # how far a detection draws the points when it agrees with them
FULL_GAIN_AT = 0.12  # a disagreement this large, in inter-ocular distances, takes the detection as it is
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
        self._next = 0

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
            moved = [_followed(track, self._grey, grey, scale) for track in self._tracks]
            lost = any(track is None for track in moved)
            self._tracks = [track for track in moved if track is not None]
            if lost:
                self._detected_at = -np.inf
        self._grey = grey
        if not self._tracks or time - self._detected_at >= self._interval:
            self._detected_at = time
            self._corrected(self._detector.detect(frame))
        else:
            self._tracks = [self._with_landmarks(track, frame) for track in self._tracks]
        self._tracks.sort(key=lambda track: -track.face.area)
        return list(self._tracks)

    def _with_landmarks(self, track: Track, frame: U8) -> Track:
        face = track.face
        points68 = _drawn_points(face.points68, self._detector.landmarks(frame, face.box), _eye_distance(face))
        return replace(track, face=replace(face, points68=points68))

    def _corrected(self, found: Sequence[Face]) -> None:
        """Draw the tracks towards what was found, start new ones, and give up those that stay away."""
        left = list(found)
        tracks = []
        for track in self._tracks:
            match = min(left, key=lambda face: _distance(face, track.face), default=None)
            if match is None or _distance(match, track.face) > 1.0:
                if track.missed + 1 < MAX_MISSED:
                    tracks.append(replace(track, missed=track.missed + 1))
                continue
            left.remove(match)
            tracks.append(Track(track.number, _drawn(track.face, match)))
        for face in left:
            tracks.append(Track(self._next, face))
            self._next += 1
        self._tracks = tracks


def _reduced(frame: U8) -> tuple[_Grey, float]:
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    scale = min(1.0, FLOW_SIDE / max(grey.shape))
    if scale < 1:
        grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return grey.astype(np.uint8, copy=False), scale


def _followed(track: Track, before: _Grey, after: _Grey, scale: float) -> Track | None:
    """The track moved as the picture moved, or None if its points do not move as one."""
    face = track.face
    points = (np.concatenate([face.points5, face.points68]) * np.float32(scale)).astype(np.float32)[:, None]
    window = max(9, int(_eye_distance(face) * scale * 0.6)) | 1
    size = (min(window, 31), min(window, 31))
    moved, status, _ = cv2.calcOpticalFlowPyrLK(before, after, points, None, winSize=size, maxLevel=3)  # type: ignore[call-overload]
    there = status.ravel() == 1
    if there.sum() < MIN_INLIERS * len(points):
        return None
    tolerance = max(0.5, 0.04 * _eye_distance(face) * scale)
    matrix, inliers = cv2.estimateAffinePartial2D(points[there], moved[there], ransacReprojThreshold=tolerance)
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


def _drawn(followed: Face, found: Face) -> Face:
    """Between the followed points and the found ones: near what was found where they disagree much."""
    eyes = _eye_distance(found)
    off = float(np.linalg.norm(followed.points5 - found.points5, axis=1).mean()) / eyes
    gain = _gain(np.float32(off))
    return Face(
        box=(followed.box + gain * (found.box - followed.box)).astype(np.float32),
        score=found.score,
        points5=(followed.points5 + gain * (found.points5 - followed.points5)).astype(np.float32),
        points68=_drawn_points(followed.points68, found.points68, eyes),
    )


def _drawn_points(followed: F32, found: F32, eyes: float) -> F32:
    """The same of landmarks, (68, 2), each by itself, since a face's parts move."""
    off = np.linalg.norm(followed - found, axis=1, keepdims=True) / eyes
    drawn: F32 = (followed + _gain(off) * (found - followed)).astype(np.float32)
    return drawn


def _gain(off: F32 | np.float32) -> F32:
    """How far to go towards what was found, by how far off it is in inter-ocular distances."""
    return np.asarray(np.clip(off / np.float32(FULL_GAIN_AT), MIN_GAIN, 1.0), np.float32)


def _eye_distance(face: Face) -> float:
    return max(float(np.linalg.norm(face.points5[1] - face.points5[0])), 1e-3)


def _distance(a: Face, b: Face) -> float:
    """Between the middles of two faces, in inter-ocular distances."""
    return float(np.linalg.norm(a.points5.mean(0) - b.points5.mean(0))) / _eye_distance(a)
