"""Batches for training T and D: which images, how augmented, all a pure function of (seed, step, rank)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from diat.attributes import AttributeSpec
from diat.data.celeba import Rows
from diat.data.crops import Augmentation, CropLoader, draw_augmentations
from diat.data.pack import Pack
from diat.data.pairs import Pairs, pairs_of
from diat.data.sets import Subset, guided_set, input_set, order
from diat.errors import TrainingStopped
from diat.pixels import U8

SMALLEST_CELL = 100  # guided images; of fewer, D would learn each by heart


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


@dataclass(frozen=True)
class BatchSettings:
    """Which images are drawn, and what is done to them."""

    size: int  # side of the images in pixels; larger crops of a pack are reduced by a whole factor
    batch: int  # images of each set on this rank at a step
    seed: int = 0
    split: str = "train"
    subset: Subset = "frontal"  # see diat.data.sets.usable
    num_inputs: int | None = None  # size of the input set; None takes all (section 5.1 takes 2,000)
    # Draw each guided image from those that share the input's values in the spec's matched columns, so that D learns
    # the attribute and not what happens to come with it.
    matched: bool = False
    shift: int = 0  # largest random shift in pixels; mirroring comes with it when above 0
    degraded: float = 0.0  # share of the images made as poor as frames of films, alike in a pair's source and target
    windowed: bool = False  # cut out the window of the attribute's region
    paired: bool = False  # make pairs (diat.data.pairs)
    borrowed: Path | None = None  # glasses for them, from diat.data.glasses.save_borrowed


class TransferBatches:
    """The stream of batches of one attribute.

    Args:
        pack: the data.
        spec: the attribute.
        settings: see `BatchSettings`.
        rank: number of this process.
        world: how many there are; each sees other images.

    Raises:
        TrainingStopped: the sets are smaller than a batch, the size does not fit the pack's, or the attribute has no
            pairs.
    """

    def __init__(self, pack: Pack, spec: AttributeSpec, settings: BatchSettings, rank: int = 0, world: int = 1) -> None:
        self.pack, self.spec, self.settings, self.rank, self.world = pack, spec, settings, rank, world
        self.crops = CropLoader(pack, spec, settings.size, settings.windowed)
        self.inputs = input_set(pack, spec, settings.split, settings.num_inputs, settings.seed, settings.subset)
        self.guided = guided_set(pack, spec, settings.split, settings.subset)
        self.pairs: Pairs | None = None
        if settings.paired:
            self.pairs = pairs_of(pack, spec, self.inputs, self.guided, settings.size, settings.borrowed)
            self.guided = self.pairs.guided
        for name, rows, sign in (("guided", self.guided, ""), ("input", self.inputs, "not ")):
            if len(rows) < settings.batch * world:
                raise TrainingStopped(
                    f"The {name} set of {spec.name} holds {len(rows)} images ({sign}{spec.column}={spec.wanted}), "
                    f"fewer than one batch of {settings.batch * world}: use more data or a smaller batch."
                )
        self._cells = _cells(pack, spec, self.guided) if settings.matched else None

    def __getitem__(self, step: int) -> Batch:
        # Randomness is used in this order, which is part of what a resumed run repeats: who is guided, how the inputs
        # are augmented, how the guided images are, and last what the pairs take, so that these change nothing else.
        rng = np.random.default_rng((self.settings.seed, step, self.rank))
        input_rows = self._in_turn(self.inputs, self.settings.seed, step)
        guided_rows = self._draw_guided(input_rows, rng, step)
        of_inputs, of_guided = self._augmentations(rng), self._augmentations(rng)
        guided = self.crops.images(guided_rows, of_guided)
        mask = self.crops.masks(input_rows, of_inputs)
        if self.pairs is None:
            source, paired = self.crops.images(input_rows, of_inputs), None
        elif self.pairs.of_guided:
            source = self.crops.images(input_rows, of_inputs)
            made = self._made(self.pairs.made, guided_rows, of_guided, rng)
            paired = Paired(made, self.crops.masks(guided_rows, of_guided), guided)
        else:
            source = self._made(self.pairs.varied, input_rows, of_inputs, rng)
            paired = Paired(source, mask, self._made(self.pairs.made, input_rows, of_inputs, rng))
        return Batch(source, mask, guided, input_rows.tolist(), guided_rows.tolist(), paired)

    def _in_turn(self, rows: Rows, seed: int, step: int) -> Rows:
        """Those of a set whose turn it is."""
        return rows[order(len(rows), self.settings.batch, seed, step, self.rank, self.world)]

    def _draw_guided(self, input_rows: Rows, rng: np.random.Generator, step: int) -> Rows:
        if self._cells is None:
            return self._in_turn(self.guided, self.settings.seed + 1, step)
        codes = _codes(self.pack, self.spec, input_rows)
        return np.array([rng.choice(self._cells.get(int(code), self.guided)) for code in codes])

    def _augmentations(self, rng: np.random.Generator) -> list[Augmentation]:
        return draw_augmentations(self.settings.batch, self.settings.shift, self.settings.degraded, rng)

    def _made(
        self,
        make: Callable[[int, np.random.Generator], U8],
        rows: Rows,
        augmentations: list[Augmentation],
        rng: np.random.Generator,
    ) -> Tensor:
        """Pictures that are made of the rows' crops, augmented as those are."""
        return self.crops.tensor([make(row, rng) for row in rows.tolist()], augmentations)


def _codes(pack: Pack, spec: AttributeSpec, rows: Rows) -> Rows:
    """(N,) a number for each combination of values in the matched columns."""
    bits = [pack.column(name)[rows].astype(np.int64) << place for place, name in enumerate(spec.matched)]
    return np.sum(bits, axis=0) if bits else np.zeros(len(rows), np.int64)


def _cells(pack: Pack, spec: AttributeSpec, guided: Rows) -> dict[int, Rows]:
    """The guided images by their combination; the inputs of a small one draw from the whole guided set instead."""
    codes = _codes(pack, spec, guided)
    cells = {int(code): guided[codes == code] for code in np.unique(codes)}
    return {code: rows for code, rows in cells.items() if len(rows) >= SMALLEST_CELL}
