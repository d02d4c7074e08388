"""The second opinion: a judge of another kind for each of CelebA's columns that has one.

A judge gives a score that rises with the column's value. Where to cut is set on real photographs of both kinds, and
how well that parts them stands beside every figure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diat.evaluation import metrics
from diat.evaluation.judges import Judges
from diat.evaluation.metrics import F64
from diat.evaluation.results import SecondOpinion, Success
from diat.faces import Face, FaceDetector
from diat.pixels import F32, U8


@dataclass(frozen=True, eq=False)
class Views:
    """N pictures of faces as the judges take them."""

    crops: U8  # (N, 128, 128, 3)
    points5: F32  # (N, 5, 2) in crop pixels
    # As detected in the pictures themselves, when first asked for; None where no face was found.
    faces: Callable[[], list[Face | None]]


Score = Callable[[Judges, Views], F64]  # -> (N,), NaN where it cannot be had


def _lip_opening(judges: Judges, views: Views) -> F64:
    return np.array([np.nan if face is None else metrics.lip_opening(face.points68) for face in views.faces()])


def _glasses(judges: Judges, views: Views) -> F64:
    return -judges.no_glasses(views.crops, views.points5).astype(np.float64)


def _smile(judges: Judges, views: Views) -> F64:
    return np.array([np.nan if face is None else metrics.smile(face.points68) for face in views.faces()])


def _male(judges: Judges, views: Views) -> F64:
    return judges.male(views.crops, views.points5).astype(np.float64)


def _young(judges: Judges, views: Views) -> F64:
    return -judges.age(views.crops, views.points5).astype(np.float64)


SECOND_JUDGES: dict[str, Score] = {
    "Mouth_Slightly_Open": _lip_opening,  # of the landmarks
    "Eyeglasses": _glasses,  # a detector of glasses
    "Smiling": _smile,  # of the landmarks
    "Male": _male,  # a network for the sex
    "Young": _young,  # a network for the age
}


def detected(detector: FaceDetector, pictures: list[U8]) -> list[Face | None]:
    """The first face of each picture."""
    return [next(iter(detector.detect(picture)), None) for picture in pictures]


@dataclass(frozen=True, eq=False)
class SecondJudge:
    """A column's second judge with its threshold set for one direction of the attribute."""

    score: Score
    sign: int  # 1 where the attribute is the column's True, else -1
    threshold: float
    untouched: F64  # (N,) scores of the photographs without the attribute
    real: F64  # (M,) and of those with it
    accuracy: float

    @classmethod
    def set_on(cls, judges: Judges, column: str, wanted: bool, without: Views, having: Views) -> SecondJudge | None:
        """The judge of a column, its threshold set on photographs without and with the attribute.

        None where the column has no second judge, or there are photographs of one kind alone.
        """
        if column not in SECOND_JUDGES or not len(without.crops) or not len(having.crops):
            return None
        score, sign = SECOND_JUDGES[column], 1 if wanted else -1
        untouched, real = (sign * score(judges, views) for views in (without, having))
        labels = np.repeat([False, True], [len(untouched), len(real)])
        threshold, accuracy = metrics.balanced_threshold(np.concatenate([untouched, real]), labels)
        return cls(score, sign, threshold, untouched, real, accuracy)

    def takes(self, judges: Judges, views: Views) -> NDArray[np.bool_]:
        """(N,) whether the judge takes each picture for one with the attribute."""
        return self.sign * self.score(judges, views) > self.threshold

    def opinion(self, judges: Judges, edited: Views) -> SecondOpinion:
        """Its word on edited pictures, beside the controls."""
        success = Success(
            edited=metrics.share(self.takes(judges, edited)),
            untouched=metrics.share(self.untouched > self.threshold),
            real=metrics.share(self.real > self.threshold),
        )
        return SecondOpinion(success, self.accuracy)
