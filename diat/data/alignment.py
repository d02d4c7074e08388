"""A record's aligned crop: CelebA's published images as section 5.1 cuts them, any others as a user's photograph."""

from __future__ import annotations

import cv2
import numpy as np

from diat.align import CROP_SIZE, photo_to_crop_matrix, rescaled, transform_points, warp_to_crop
from diat.data.celeba import as_published, centre_crop, to_crop
from diat.faces import Face, FaceDetector
from diat.pixels import F32, U8

SUBJECT = (89.0, 121.0)  # where the middle of the five points lies in CelebA's photographs, pixels


def aligned(image: U8, detector: FaceDetector, size: int, points5: F32 | None = None) -> tuple[U8, F32, F32]:
    """A record's crop and landmarks.

    CelebA's 178x218 are aligned already, and section 5.1 takes their central part. Any other photograph is warped to
    the template by its five points, as a user's is; what lies outside of it repeats its border.

    Args:
        image: (H, W, 3) RGB.
        detector: finds the face.
        size: side of the crop.
        points5: CelebA's own landmarks, (5, 2), instead of detected ones; of published images alone.

    Returns:
        (size, size, 3), and the five and the 68 points in its pixels. Where no face is found the points are NaN, and
        the crop is the central part.
    """
    middle = SUBJECT if as_published(image) else (image.shape[1] / 2, image.shape[0] / 2)
    face = central_face(detector.detect(image), middle)
    nothing = np.full((68, 2), np.nan, np.float32)
    if as_published(image):
        five = points5 if points5 is not None else nothing[:5] if face is None else face.points5
        return centre_crop(image, size), to_crop(five, size), nothing if face is None else to_crop(face.points68, size)
    if face is None:
        side = min(image.shape[:2])
        top, left = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
        square = cv2.resize(image[top : top + side, left : left + side], (size, size), interpolation=cv2.INTER_AREA)
        return np.asarray(square, np.uint8), nothing[:5], nothing
    matrix = photo_to_crop_matrix(face.points5)
    five, many = (
        rescaled(transform_points(points, matrix), CROP_SIZE, size) for points in (face.points5, face.points68)
    )
    return warp_to_crop(image, matrix, size), five, many


def central_face(faces: list[Face], middle: tuple[float, float] = SUBJECT) -> Face | None:
    """The subject stands in the middle; a larger face at the edge is somebody else's."""
    return min(faces, key=lambda face: float(np.linalg.norm(face.points5.mean(0) - middle)), default=None)
