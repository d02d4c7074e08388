"""From a pack's crops and landmarks to the tensors of a batch: reduced, degraded, mirrored, shifted, cut and masked."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diat.align import rescaled, resized
from diat.attributes import AttributeSpec
from diat.data.cache import BoundedCache
from diat.data.celeba import Rows
from diat.data.degradation import Degradation
from diat.data.pack import Pack
from diat.errors import TrainingStopped
from diat.masks import attribute_mask
from diat.pixels import U8
from diat.tensors import to_tensor

# Of masks that are kept: a mask takes longer to make than a crop to read, and every epoch needs it again.
CACHE_BYTES = 256 * 2**20


class Augmentation(NamedTuple):
    """What is done to an image, and to all that belongs to it."""

    flip: bool
    dy: int
    dx: int
    degradation: Degradation | None = None  # of images alone, not of masks


def draw_augmentations(count: int, shift: int, degraded: float, rng: np.random.Generator) -> list[Augmentation]:
    """Augmentations at random.

    Args:
        count: how many.
        shift: the largest shift in pixels; mirroring comes with it when above 0.
        degraded: share of those with a degradation.
        rng: the same gives the same.
    """
    shifts = rng.integers(-shift, shift + 1, (count, 2))
    flips = rng.random(count) < 0.5
    poor: list[Degradation | None] = [None] * count
    if degraded:
        poor = [Degradation.at_random(rng) if rng.random() < degraded else None for _ in poor]
    return [
        Augmentation(bool(flip and shift), int(dy), int(dx), degradation)
        for flip, (dy, dx), degradation in zip(flips, shifts, poor, strict=True)
    ]


class CropLoader:
    """Images and masks of a pack's rows.

    Args:
        pack: the data.
        spec: the attribute, whose region the masks show.
        size: side of the images in pixels; the pack's is reduced by area averaging.
        windowed: cut out the window of the region.

    Raises:
        TrainingStopped: the pack's size is not a multiple of the size.
    """

    def __init__(self, pack: Pack, spec: AttributeSpec, size: int, windowed: bool) -> None:
        if pack.size % size:
            raise TrainingStopped(
                f"The pack's crops are {pack.size} pixels wide, not a multiple of {size}: make a pack of {size}."
            )
        self._pack, self._spec, self._size = pack, spec, size
        self._window = spec.window(size, windowed)
        self._masks = BoundedCache[U8](CACHE_BYTES // size**2)

    def images(self, rows: Rows, augmentations: list[Augmentation]) -> Tensor:
        """The rows' crops. -> (N, 3, H, W) in [-1, 1]."""
        return self.tensor([self._pack.crops[row] for row in rows], augmentations)

    def tensor(self, crops: list[U8], augmentations: list[Augmentation]) -> Tensor:
        """Crops of the pack's size or the images'. -> (N, 3, H, W) in [-1, 1]."""
        images = [_degraded(resized(crop, self._size), how) for crop, how in zip(crops, augmentations, strict=True)]
        return to_tensor(self._moved_and_cut(images, augmentations))

    def masks(self, rows: Rows, augmentations: list[Augmentation]) -> Tensor:
        """Where T may change the rows' images, which move alike. -> (N, 1, H, W) in [0, 1]."""
        masks = [self._masks.get(row, self._mask) for row in rows.tolist()]
        return torch.from_numpy(self._moved_and_cut(masks, augmentations))[:, None].float().div_(255)

    def _mask(self, row: int) -> U8:
        points = rescaled(self._pack.points68[row], self._pack.size, self._size)
        return np.rint(attribute_mask(self._spec, points, self._size) * 255).astype(np.uint8)

    def _moved_and_cut(self, images: list[U8], augmentations: list[Augmentation]) -> U8:
        left, top, right, bottom = self._window
        moved = [_moved(image, how) for image, how in zip(images, augmentations, strict=True)]
        return np.stack([image[top:bottom, left:right] for image in moved])


def _degraded(image: U8, how: Augmentation) -> U8:
    return image if how.degradation is None else how.degradation.apply(image)


def _moved(image: NDArray[Any], how: Augmentation) -> NDArray[Any]:
    """Mirror, then shift with the border repeated."""
    if how.flip:
        image = image[:, ::-1]
    if how.dy or how.dx:
        rows = np.clip(np.arange(image.shape[0]) - how.dy, 0, image.shape[0] - 1)
        columns = np.clip(np.arange(image.shape[1]) - how.dx, 0, image.shape[1] - 1)
        image = image[rows][:, columns]
    return np.ascontiguousarray(image)
