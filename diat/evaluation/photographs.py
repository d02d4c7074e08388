"""What evaluate.py takes its figures on: photographs whose face can be edited, with labels where there are any."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from diat.align import photo_to_crop_matrix, transform_points, warp_to_crop
from diat.data.celeba import centre_crop, decode, stream_records, to_crop
from diat.detector import InsightFaceDetector
from diat.errors import PhotoRejected
from diat.faces import Face, face_fault
from diat.photo import SUFFIXES, open_photo
from diat.pixels import U8


@dataclass(frozen=True, eq=False)
class Photographs:
    """What is evaluated on: photographs whose face can be edited."""

    pixels: list[np.ndarray]
    faces: list[Face]
    crops: np.ndarray  # (N, 128, 128, 3), as the judge saw them in training
    points5: np.ndarray  # (N, 5, 2) in crop pixels
    labels: np.ndarray | None  # (N, 40), or None for a folder of photographs
    left_out: int  # without a usable face

    def crop(self, index: int, photo: np.ndarray) -> np.ndarray:
        """The judge's crop of a photograph of the same geometry."""
        if self.labels is not None:
            return centre_crop(photo)
        return warp_to_crop(photo, photo_to_crop_matrix(self.faces[index].points5))


def read(dataset: str, split: str, limit: int | None, detector: InsightFaceDetector) -> Photographs:
    """CelebA's schema, or a folder of photographs."""
    folder = Path(dataset)
    sources: Iterator[tuple[U8, NDArray[np.bool_] | None]]
    loose = folder.is_dir() and not list(folder.glob("*.parquet"))
    if loose:
        paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
        sources = ((open_photo(path).pixels, None) for path in paths)
    else:
        sources = ((decode(record.jpeg), record.attributes) for record in stream_records(dataset, split))
    pixels, faces, labels, crops, points, left_out = [], [], [], [], [], 0
    for photo, label in tqdm(islice(sources, limit), desc="faces", mininterval=5):
        found = [face for face in detector.detect(photo) if face_fault(face) is None]
        if not found:
            left_out += 1
            continue
        pixels.append(photo)
        faces.append(found[0])
        labels.append(label)
        matrix = photo_to_crop_matrix(found[0].points5)
        crops.append(warp_to_crop(photo, matrix) if loose else centre_crop(photo))
        points.append(transform_points(found[0].points5, matrix) if loose else to_crop(found[0].points5))
    if not pixels:
        raise PhotoRejected(f"{dataset} shows no face that can be edited.")
    return Photographs(pixels, faces, np.stack(crops), np.stack(points), None if loose else np.stack(labels), left_out)
