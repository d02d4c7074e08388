"""Photographs made as poor as frames of films: small, smeared by movement, compressed.

CelebA's crops are sharp. The face in a video call is 60 pixels across and moves, and T, which has only seen sharp edges
between teeth and lips, or on a rim, takes a soft one for skin.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from diat.pixels import F32, U8, compressed, decompressed


@dataclass(frozen=True)
class Degradation:
    """What is done to an image: always the same for the same values."""

    reduction: float = 1.0  # factor by which it was taken smaller than it is
    streak: float = 0.0  # pixels of 128 that the face moved while the frame was taken
    angle: float = 0.0  # radians; the streak's direction
    quality: int = 100  # of the JPEG that it went through, at its reduced size; 100: none

    @classmethod
    def at_random(cls, rng: np.random.Generator) -> Degradation:
        """As in webcams and on video platforms, from hardly to heavily."""
        return cls(
            reduction=rng.uniform(1.0, 2.2),
            streak=rng.uniform(1.0, 5.0) if rng.random() < 0.4 else 0.0,
            angle=rng.uniform(0.0, np.pi),
            quality=int(rng.integers(40, 96)),
        )

    def apply(self, image: U8) -> U8:
        """The image, so degraded. image: (S, S, 3) RGB uint8 -> the same."""
        size = len(image)
        if self.streak * size / 128 > 1:
            image = np.asarray(cv2.filter2D(image, -1, self._kernel(size), borderType=cv2.BORDER_REPLICATE), np.uint8)
        small = max(8, round(size / self.reduction))
        reduced = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA)
        if self.quality < 100:
            reduced = decompressed(compressed(np.asarray(reduced, np.uint8), ".jpg", self.quality))
        return np.asarray(cv2.resize(reduced, (size, size), interpolation=cv2.INTER_LINEAR), np.uint8)

    def _kernel(self, size: int) -> F32:
        length = self.streak * size / 128
        side = 2 * int(np.ceil(length / 2)) + 1
        kernel = np.zeros((side, side), np.float32)
        half = length / 2 * np.array([np.cos(self.angle), np.sin(self.angle)])
        for x, y in side // 2 + np.linspace(-half, half, 4 * side):
            kernel[round(y), round(x)] += 1
        return np.asarray(kernel / kernel.sum(), np.float32)
