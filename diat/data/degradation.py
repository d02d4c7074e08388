"""Photographs made as poor as frames of films: small, smeared by movement, compressed.

CelebA's crops are sharp. The face in a video call is 60 pixels across and moves, and T, which has only seen sharp edges
between teeth and lips, or on a rim, takes a soft one for skin.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from diat.align import CROP_SIZE
from diat.pixels import F32, U8, compressed, decompressed

# From hardly to heavily, as faces come from webcams and on video platforms; by eye, beside frames of such films.
REDUCTIONS = (1.0, 2.2)
STREAKED, STREAKS = 0.4, (1.0, 5.0)  # share that is smeared, and how far, in pixels of 128
QUALITIES = (40, 95)  # of JPEG
SMALLEST = 8  # pixels that an image is reduced to at the least


@dataclass(frozen=True)
class Degradation:
    """What is done to an image: always the same for the same values."""

    reduction: float = 1.0  # factor by which it was taken smaller than it is
    streak: float = 0.0  # pixels of 128 that the face moved while the frame was taken
    angle: float = 0.0  # radians; the streak's direction
    quality: int = 100  # of the JPEG that it went through, at its reduced size; 100: none

    @classmethod
    def at_random(cls, rng: np.random.Generator) -> Degradation:
        """How an image is degraded in training."""
        return cls(
            reduction=rng.uniform(*REDUCTIONS),
            streak=rng.uniform(*STREAKS) if rng.random() < STREAKED else 0.0,
            angle=rng.uniform(0.0, np.pi),
            quality=int(rng.integers(*QUALITIES, endpoint=True)),
        )

    def apply(self, image: U8) -> U8:
        """The image, so degraded. image: (S, S, 3) RGB uint8 -> the same."""
        size = len(image)
        if self.streak * size / CROP_SIZE > 1:
            image = np.asarray(cv2.filter2D(image, -1, self._kernel(size), borderType=cv2.BORDER_REPLICATE), np.uint8)
        small = max(SMALLEST, round(size / self.reduction))
        reduced = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA)
        if self.quality < 100:
            reduced = decompressed(compressed(np.asarray(reduced, np.uint8), ".jpg", self.quality))
        return np.asarray(cv2.resize(reduced, (size, size), interpolation=cv2.INTER_LINEAR), np.uint8)

    def _kernel(self, size: int) -> F32:
        length = self.streak * size / CROP_SIZE
        side = 2 * int(np.ceil(length / 2)) + 1
        kernel = np.zeros((side, side), np.float32)
        half = length / 2 * np.array([np.cos(self.angle), np.sin(self.angle)])
        for x, y in side // 2 + np.linspace(-half, half, 4 * side):
            kernel[round(y), round(x)] += 1
        return np.asarray(kernel / kernel.sum(), np.float32)
