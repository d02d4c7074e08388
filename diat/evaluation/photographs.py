"""What evaluate.py takes its figures on: photographs whose face can be edited, with labels where there are any."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from diat.align import photo_to_crop_matrix, transform_points, warp_to_crop
from diat.attributes import COLUMNS, AttributeSpec
from diat.data.celeba import as_published, centre_crop, stream_records, to_crop
from diat.data.skin_faces import behind
from diat.errors import PhotoRejected
from diat.faces import Face, FaceDetector, face_fault
from diat.formats import SUFFIXES
from diat.photo import open_photo
from diat.pixels import F32, U8, decompressed


@dataclass(frozen=True, eq=False)
class Photographs:
    """N photographs, each with a face that can be edited."""

    pixels: list[U8]  # (H, W, 3) each
    faces: list[Face]  # the largest that can be edited
    crops: U8  # (N, 128, 128, 3), as the judge saw them in training
    points5: F32  # (N, 5, 2) in crop pixels
    labels: NDArray[np.bool_] | None  # (N, 40), or None for a folder of photographs
    behind: list[NDArray[np.bool_] | None]  # (H, W) what is background or clothes, of each whose data set has masks
    left_out: int  # without a usable face, or unreadable

    def crop(self, index: int, photo: U8) -> U8:
        """The judge's crop of a photograph of the same geometry as that of the index. -> (128, 128, 3)."""
        if self.labels is not None and as_published(photo):
            return centre_crop(photo)
        return warp_to_crop(photo, photo_to_crop_matrix(self.faces[index].points5))


class Quota:
    """Says which labelled photographs are still needed, so that the others need no look.

    Args:
        attributes: what is evaluated.
        faces: so many are taken without each attribute, and twice as many with it: KID's floor compares two halves.
    """

    def __init__(self, attributes: Iterable[AttributeSpec], faces: int) -> None:
        self._left = {}
        for spec in attributes:
            self._left[spec.column, spec.wanted] = 2 * faces
            self._left[spec.column, not spec.wanted] = faces

    def takes(self, labels: NDArray[np.bool_]) -> bool:
        """Whether a photograph of those labels, (40,), is needed; if so it is counted."""
        of = [key for key, left in self._left.items() if left > 0 and labels[COLUMNS.index(key[0])] == key[1]]
        for key in of:
            self._left[key] -= 1
        return bool(of)


def read_photographs(
    dataset: str, split: str, limit: int | None, detector: FaceDetector, quota: Quota | None = None
) -> Photographs:
    """Read CelebA's schema, or a folder of photographs of any kind, with folders in it such as LFW's, one a person.

    Args:
        dataset: Hub id, folder of CelebA's parquet files, or folder of photographs, which are aligned by the five
            points that the detector finds.
        split: of CelebA.
        limit: at most this many photographs are looked at.
        detector: finds the faces.
        quota: which of those with labels are read; None: all.

    Raises:
        PhotoRejected: no photograph shows a face that can be edited.
        TrainingStopped: see `diat.data.celeba.stream_records`.
    """
    folder = Path(dataset)
    loose = folder.is_dir() and not list(folder.glob("*.parquet"))
    sources = _from_folder(folder) if loose else _from_celeba(dataset, split, quota)
    pixels: list[U8] = []
    faces: list[Face] = []
    labels, crops, points, backgrounds, left_out = [], [], [], [], 0
    for photo, label, mask in tqdm(islice(sources, limit), desc="faces", mininterval=5):
        face = None if photo is None else _usable_face(detector, photo)
        if photo is None or face is None:
            left_out += 1
            continue
        matrix = photo_to_crop_matrix(face.points5)
        pixels.append(photo)
        faces.append(face)
        labels.append(label)
        backgrounds.append(None if mask is None else behind(mask, photo.shape))
        published = not loose and as_published(photo)
        crops.append(centre_crop(photo) if published else warp_to_crop(photo, matrix))
        points.append(to_crop(face.points5) if published else transform_points(face.points5, matrix))
    if not pixels:
        raise PhotoRejected(f"{dataset} shows no face that can be edited: {left_out} photographs were looked at.")
    given = [label for label in labels if label is not None]
    labelled = np.stack(given) if given else None
    return Photographs(pixels, faces, np.stack(crops), np.stack(points), labelled, backgrounds, left_out)


# A photograph or None, its labels (40,) and its mask, an image file, where there are any.
Source = tuple[U8 | None, NDArray[np.bool_] | None, bytes | None]


def _from_celeba(dataset: str, split: str, quota: Quota | None) -> Iterator[Source]:
    for record in stream_records(dataset, split):
        if quota is None or quota.takes(record.attributes):
            yield decompressed(record.jpeg), record.attributes, record.mask


def _from_folder(folder: Path) -> Iterator[Source]:
    """The photographs of a folder and of those in it, by name; None for what cannot be opened."""
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in SUFFIXES and path.is_file():
            try:
                yield open_photo(path).pixels, None, None
            except PhotoRejected:
                yield None, None, None


def _usable_face(detector: FaceDetector, photo: U8) -> Face | None:
    """The largest face that can be edited."""
    return next((face for face in detector.detect(photo) if face_fault(face) is None), None)
