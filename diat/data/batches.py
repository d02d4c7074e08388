"""Batches for training T and D: which images, how augmented, all a pure function of (seed, step, rank)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diat.align import resized
from diat.attributes import AttributeSpec
from diat.data.degradation import Degradation
from diat.data.glasses import load_borrowed
from diat.data.pack import Pack
from diat.data.pairs import PAIRINGS, WITH_PAIRS, Draw, with_borrowed
from diat.data.prototypes import MOVEMENTS, PrototypeTargets
from diat.data.sets import Subset, guided_set, input_set, order
from diat.errors import TrainingStopped
from diat.masks import attribute_mask
from diat.pixels import U8
from diat.tensors import to_tensor


@dataclass(frozen=True, eq=False)
class Paired:
    """One step's drawn pairs (`diat.data.pairs`): what T is given and what it should make of it. As in `Batch`."""

    source: Tensor  # (N, 3, H, W); the batch's own inputs where those are what is paired
    mask: Tensor  # (N, 1, H, W)
    target: Tensor  # (N, 3, H, W)


@dataclass(frozen=True, eq=False)
class Batch:
    """One step's images. Tensors are NCHW float; images in [-1, 1], the mask in [0, 1]."""

    source: Tensor  # (N, 3, H, W) from the input set X
    mask: Tensor  # (N, 1, H, W) where T may change it
    guided: Tensor  # (N, 3, H, W) from the guided set A
    source_rows: list[int]  # of the pack
    guided_rows: list[int]
    paired: Paired | None = None  # where the recipe has them

    def to(self, device: torch.device) -> Batch:
        """The same batch on a device."""
        return self._each(lambda tensor: tensor.to(device, non_blocking=True))

    def pin_memory(self) -> Batch:
        """The same batch in page-locked memory, from which a GPU copies while the processor goes on."""
        return self._each(lambda tensor: tensor.pin_memory())

    def _each(self, change: Callable[[Tensor], Tensor]) -> Batch:
        batch = replace(self, source=change(self.source), mask=change(self.mask), guided=change(self.guided))
        if self.paired is None:
            return batch
        own = self.paired.source is self.source  # and stays so
        source = batch.source if own else change(self.paired.source)
        mask = batch.mask if own else change(self.paired.mask)
        return replace(batch, paired=Paired(source, mask, change(self.paired.target)))


class Augmentation(NamedTuple):
    """What is done to an image, and to all that belongs to it."""

    flip: bool
    dy: int
    dx: int
    degradation: Degradation | None = None  # of images alone, not of masks


class TransferBatches:
    """The stream of batches of one attribute.

    Args:
        pack: the data. Crops larger than ``size`` by a whole factor are reduced by area averaging.
        spec: the attribute.
        size: side of the images in pixels.
        batch: images of each set on this rank at a step.
        num_inputs: size of the input set; None takes all (section 5.1 takes 2,000).
        matched: draw each guided image from those that share the input's values in ``spec.matched``, so that D learns
            the attribute and not what happens to come with it.
        shift: largest random shift in pixels; flips come with it when above 0.
        degraded: share of the images that are made as poor as frames of films (`diat.data.degradation`), alike in a
            pair's source and target.
        windowed: cut out the window of the attribute's region.
        paired: make pairs (`diat.data.pairs`, `diat.data.prototypes`).
        borrowed: glasses for them from `diat.data.glasses.save_borrowed`, beside the drawn ones.

    Raises:
        TrainingStopped: the sets are smaller than a batch, the size does not fit the pack's, or the attribute has no
            pairs.
    """

    def __init__(
        self,
        pack: Pack,
        spec: AttributeSpec,
        *,
        size: int,
        batch: int,
        seed: int,
        num_inputs: int | None,
        matched: bool,
        shift: int,
        degraded: float = 0.0,
        windowed: bool = False,
        paired: bool = False,
        borrowed: Path | None = None,
        split: str = "train",
        subset: Subset = "frontal",
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self.pack, self.spec, self.size, self.batch = pack, spec, size, batch
        self.seed, self.rank, self.world, self.shift, self.degraded = seed, rank, world, shift, degraded
        self.inputs = input_set(pack, spec, split, num_inputs, seed, subset)
        self.guided = guided_set(pack, spec, split, subset)
        self._pairing = PAIRINGS.get(spec.name) if paired else None
        if self._pairing is not None and self._pairing.certain is not None:
            self.guided = self.guided[self._pairing.certain(pack.points68[self.guided])]
        for name, rows, sign in (("guided", self.guided, ""), ("input", self.inputs, "not ")):
            if len(rows) < batch * world:
                raise TrainingStopped(
                    f"The {name} set of {spec.name} holds {len(rows)} images ({sign}{spec.column}={spec.wanted}), "
                    f"fewer than one batch of {batch * world}: use more data or a smaller batch."
                )
        if pack.size % size:
            raise TrainingStopped(
                f"The pack's crops are {pack.size} pixels wide, no multiple of {size}: make one of {size}."
            )
        self.left, self.top, self.right, self.bottom = spec.window(size, windowed)
        self._mask_of: dict[int, U8] = {}
        self._cells = _cells(pack, spec, self.guided) if matched else None
        if paired and spec.name not in WITH_PAIRS:
            raise TrainingStopped(f"{spec.name} has no pairs, only {', '.join(WITH_PAIRS)} have: lambda_pair=0.")
        if self._pairing is not None and borrowed is not None:
            self._pairing = with_borrowed(load_borrowed(borrowed, pack))
        moves = paired and spec.name in MOVEMENTS
        self._targets = PrototypeTargets(pack, spec, self.inputs, self.guided, size) if moves else None

    def __getitem__(self, step: int) -> Batch:
        rng = np.random.default_rng((self.seed, step, self.rank))
        sources = self.inputs[order(len(self.inputs), self.batch, self.seed, step, self.rank, self.world)]
        guided, augment = self._draw_guided(sources, rng, step), self._augmentation(rng)
        vary = self._pairing.vary if self._pairing is not None else None
        batch = Batch(
            mask=self._masks(sources, augment),
            guided=self._images(guided, augment_guided := self._augmentation(rng)),
            # Last, since pairs take no randomness from the rest.
            source=self._drawn(sources, augment, vary, rng) if vary else self._images(sources, augment),
            source_rows=sources.tolist(),
            guided_rows=guided.tolist(),
        )
        if self._targets is not None:
            target = self._moved_and_cut([self._targets[row] for row in sources.tolist()], augment)
            return replace(batch, paired=Paired(batch.source, batch.mask, target))
        if self._pairing is None:
            return batch
        if not self._pairing.of_guided:
            target = self._drawn(sources, augment, self._pairing.draw, rng)
            return replace(batch, paired=Paired(batch.source, batch.mask, target))
        mask = self._masks(guided, augment_guided)
        drawn = self._drawn(guided, augment_guided, self._pairing.draw, rng)
        return replace(batch, paired=Paired(drawn, mask, batch.guided))

    def _draw_guided(self, sources: NDArray[np.int64], rng: np.random.Generator, step: int) -> NDArray[np.int64]:
        if self._cells is None:
            return self.guided[order(len(self.guided), self.batch, self.seed + 1, step, self.rank, self.world)]
        codes = _codes(self.pack, self.spec, sources)
        return np.array([rng.choice(self._cells.get(int(code), self.guided)) for code in codes])

    def _augmentation(self, rng: np.random.Generator) -> list[Augmentation]:
        shifts = rng.integers(-self.shift, self.shift + 1, (self.batch, 2))
        flips = rng.random(self.batch) < 0.5
        poor: list[Degradation | None] = [None] * self.batch
        if self.degraded:
            poor = [Degradation.at_random(rng) if rng.random() < self.degraded else None for _ in poor]
        return [
            Augmentation(bool(flip and self.shift), int(dy), int(dx), how)
            for flip, (dy, dx), how in zip(flips, shifts, poor, strict=True)
        ]

    def _images(self, rows: NDArray[np.int64], augment: list[Augmentation]) -> Tensor:
        return self._moved_and_cut([self.pack.crops[row] for row in rows], augment)

    def _drawn(
        self, rows: NDArray[np.int64], augment: list[Augmentation], draw: Draw, rng: np.random.Generator
    ) -> Tensor:
        """The images, drawn upon."""
        crops = [draw(np.asarray(self.pack.crops[row]), self.pack.points68[row], rng) for row in rows]
        return self._moved_and_cut(crops, augment)

    def _moved_and_cut(self, crops: list[U8], augment: list[Augmentation]) -> Tensor:
        images = [_augmented(resized(crop, self.size), how) for crop, how in zip(crops, augment, strict=True)]
        return to_tensor(np.stack([self._cut(image) for image in images]))

    def _masks(self, rows: NDArray[np.int64], augment: list[Augmentation]) -> Tensor:
        masks = [_moved(self._mask(int(row)), how) for row, how in zip(rows, augment, strict=True)]
        return torch.from_numpy(np.stack([self._cut(mask) for mask in masks]))[:, None].float().div_(255)

    def _cut(self, image: NDArray[Any]) -> NDArray[Any]:
        return image[self.top : self.bottom, self.left : self.right]

    def _mask(self, row: int) -> U8:
        # A mask costs more than a crop, and every epoch needs it again.
        if row not in self._mask_of:
            points = (self.pack.points68[row] + 0.5) * (self.size / self.pack.size) - 0.5
            mask = attribute_mask(self.spec, points.astype(np.float32), self.size)
            self._mask_of[row] = np.rint(mask * 255).astype(np.uint8)
        return self._mask_of[row]


def _augmented(image: U8, how: Augmentation) -> U8:
    poorer = image if how.degradation is None else how.degradation.apply(image)
    return _moved(poorer, how)


def _moved(image: NDArray[Any], how: Augmentation) -> NDArray[Any]:
    """Mirror, then shift with the border repeated."""
    flip, dy, dx, _ = how
    if flip:
        image = image[:, ::-1]
    if dy or dx:
        rows = np.clip(np.arange(image.shape[0]) - dy, 0, image.shape[0] - 1)
        columns = np.clip(np.arange(image.shape[1]) - dx, 0, image.shape[1] - 1)
        image = image[rows][:, columns]
    return np.ascontiguousarray(image)


def _codes(pack: Pack, spec: AttributeSpec, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    bits = [pack.column(name)[rows].astype(np.int64) << place for place, name in enumerate(spec.matched)]
    return np.sum(bits, axis=0) if bits else np.zeros(len(rows), np.int64)


def _cells(pack: Pack, spec: AttributeSpec, guided: NDArray[np.int64]) -> dict[int, NDArray[np.int64]]:
    codes = _codes(pack, spec, guided)
    cells = {int(code): guided[codes == code] for code in np.unique(codes)}
    # A cell of a few images would be learnt by heart; its inputs draw from the whole guided set instead.
    return {code: rows for code, rows in cells.items() if len(rows) >= 100}
