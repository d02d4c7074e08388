"""Which of the faces that are followed through a film or a live stream are edited."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Literal

import numpy as np

from diat.errors import InvalidArgument
from diat.faces import SAME_PERSON, FaceDetector, face_fault
from diat.pixels import F32, U8
from diat.video.tracking import Track

FilmFaces = Literal["largest", "all"] | int

# The largest face stays the chosen one until another is this much larger, or two of like size would take turns.
LARGER_BY = 1.25  # ratio of areas: 12 % in width, more than a followed box trembles
LOOK_INTERVAL = 1.0  # seconds between two looks at who a followed face is: a recogniser's look takes 10 to 40 ms
NEWEST_LOOK = 0.5  # weight of the newest look in the average: two poor ones are needed to change a sure verdict


def check_film_faces(faces: object) -> FilmFaces:
    """A choice of faces that a film can take.

    Raises:
        InvalidArgument: it is not one.
    """
    if faces in ("largest", "all"):
        return faces
    try:
        index = operator.index(faces) if not isinstance(faces, bool) else -1  # type: ignore[arg-type]
    except TypeError:
        index = -1
    if index < 0:
        raise InvalidArgument(f'faces must be "largest", "all" or the index of a person from 0, not {faces!r}.')
    return index


class TrackChooser:
    """Chooses among the tracks of one stream, frame after frame.

    Args:
        faces: ``"largest"`` that can be edited, ``"all"``, or the index from 0, largest first, of a person in the first
            frame that shows a face. The person is then followed, through cuts too, by a recogniser.
        detector: recognises faces.

    Raises:
        InvalidArgument: ``faces`` is none of these.
    """

    def __init__(self, faces: FilmFaces, detector: FaceDetector) -> None:
        self._faces, self._detector = check_film_faces(faces), detector
        self._largest: int | None = None  # number of the track that is the largest until another is clearly larger
        self._person: F32 | None = None  # embedding
        self._similarity: dict[int, float] = {}  # to the person, by number of the track, averaged over looks
        self._looked_at: dict[int, float] = {}  # seconds

    def choose(self, frame: U8, tracks: Sequence[Track], time: float) -> list[Track]:
        """The tracks to edit in a frame.

        Args:
            frame: (H, W, 3) RGB uint8.
            tracks: of its faces, largest first.
            time: of the frame, in seconds.

        Raises:
            InvalidArgument: the first frame with faces does not show the person that was asked for.
        """
        usable = [track for track in tracks if face_fault(track.face) is None]
        if self._faces == "all":
            return usable
        if self._faces == "largest":
            return self._largest_of(usable)
        return self._person_among(frame, tracks, usable, time)

    def _largest_of(self, usable: Sequence[Track]) -> list[Track]:
        if not usable:
            return []
        chosen = usable[0]
        for track in usable:
            if track.number == self._largest and chosen.face.area < LARGER_BY * track.face.area:
                chosen = track
        self._largest = chosen.number
        return [chosen]

    def _person_among(self, frame: U8, tracks: Sequence[Track], usable: Sequence[Track], time: float) -> list[Track]:
        index = self._faces
        if self._person is None and tracks and isinstance(index, int):
            if index >= len(tracks):
                raise InvalidArgument(
                    f"There is no person {index + 1} (index {index}): the first frame with a face shows {len(tracks)}."
                )
            self._person = self._detector.embed(frame, tracks[index].face.points5)
        for track in usable:
            if time - self._looked_at.get(track.number, -np.inf) >= LOOK_INTERVAL:
                self._look(frame, track, time)
        likely = [track for track in usable if self._similarity.get(track.number, -1.0) >= SAME_PERSON]
        return [max(likely, key=lambda track: self._similarity[track.number])] if likely else []

    def _look(self, frame: U8, track: Track, time: float) -> None:
        if self._person is None:
            return
        seen = float(self._detector.embed(frame, track.face.points5) @ self._person)
        before = self._similarity.get(track.number, seen)
        self._similarity[track.number] = before + NEWEST_LOOK * (seen - before)
        self._looked_at[track.number] = time
