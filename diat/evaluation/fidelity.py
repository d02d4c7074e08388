"""How equal photographs stay where they should: outside the mask, and wherever the attribute was there already."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from diat.align import photo_to_crop_matrix, transform_points
from diat.attributes import AttributeSpec
from diat.data.celeba import Rows
from diat.evaluation import metrics
from diat.evaluation.photographs import Photographs
from diat.evaluation.results import Fidelity
from diat.masks import attribute_mask
from diat.pixels import U8


def outside(photographs: Photographs, spec: AttributeSpec, rows: Rows, edited: list[U8]) -> Fidelity:
    """How equal the pixels outside the mask are, of those photographs and their edited ones."""
    values = []
    for row, photo in zip(rows, edited, strict=True):
        original, face = photographs.pixels[row], photographs.faces[row]
        matrix = photo_to_crop_matrix(face.points5)
        mask = cv2.dilate(attribute_mask(spec, transform_points(face.points68, matrix)), np.ones((3, 3)))
        beyond = cv2.warpAffine(mask, matrix, original.shape[1::-1], flags=cv2.WARP_INVERSE_MAP) == 0
        if beyond.any():
            values.append((metrics.psnr(original, photo, beyond), metrics.ssim(original, photo, beyond)))
    return _means(values)


def of_crops(before: Sequence[U8] | U8, after: Sequence[U8] | U8) -> Fidelity:
    """How equal crops are, each (S, S, 3)."""
    return _means([(metrics.psnr(a, b), metrics.ssim(a, b)) for a, b in zip(before, after, strict=True)])


def _means(values: list[tuple[float, float]]) -> Fidelity:
    psnr, ssim = np.array(values, np.float64).reshape(-1, 2).T
    return Fidelity(metrics.mean(psnr), metrics.mean(ssim))
