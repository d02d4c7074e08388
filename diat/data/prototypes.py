"""Targets for global attributes: a face moved by the difference between two prototypes (Rowland and Perrett 1995).

The prototype of a kind is the mean of faces of that kind, in shape and in colour. The difference between the prototypes
of those that have an attribute and those that lack it, added to a face that lacks it, changes the face as the attribute
would and leaves the rest of the person. Here each face has prototypes of its own: of the faces most like it in pose,
light and skin, so that the difference between them is the attribute's alone. T learns from these targets where to go,
and D what real faces look like.
"""

from __future__ import annotations

import cv2
import numpy as np

from diat.align import CROP_SIZE, rescaled, resized
from diat.attributes import AttributeSpec
from diat.data.cache import BoundedCache
from diat.data.celeba import Rows
from diat.data.pack import Pack
from diat.errors import TrainingStopped
from diat.masks import attribute_mask
from diat.pixels import F32, U8

# The numbers of this module were set by eye, on sheets of targets of CelebA's train part.
NEIGHBOURS = 20  # faces in a prototype
COLOUR_CELLS = 12  # along each side of the crop, in a face's description
MARGIN_TOP, MARGIN_SIDE = COLOUR_CELLS // 4, COLOUR_CELLS // 5  # of them that are background, and left out
COLOUR_UNIT, SHAPE_UNIT = 40.0, 3.0  # differences that count alike: of LAB values and of pixels at 128
GRID = 16  # cells along each side, in which a warp is measured
REACH = 14.0  # pixels at 128: how far a landmark's movement is felt
FINE_COLOURS, FINE_PIXELS = 30, 2.5  # of the bilateral filter that parts fine lines from the face; pixels at 128
BLOCK = 4096  # descriptions that are compared at once: a few MB
CACHE_BYTES = 512 * 2**20  # of targets that are kept; all of CelebA's would take 5 GB in each process


class PrototypeTargets:
    """The target of each input.

    Args:
        pack: the data.
        spec: the attribute.
        inputs: rows of the input set, which lack it.
        guided: rows of the guided set, which have it.
        size: side of the crops, in pixels.

    Raises:
        TrainingStopped: the attribute's pairs are made in another way.
    """

    def __init__(
        self,
        pack: Pack,
        spec: AttributeSpec,
        inputs: Rows,
        guided: Rows,
        size: int = CROP_SIZE,
    ) -> None:
        self._pack, self._spec, self._size = pack, spec, size
        if spec.pairs is None:
            raise TrainingStopped(f"{spec.name} has no pairs: give it a PairRecipe in diat/attributes.py.")
        self._recipe = spec.pairs
        self._points = rescaled(pack.points68, pack.size, size)
        self._sets = {"without": inputs, "with": guided}
        self._described = {name: self._descriptions(rows) for name, rows in self._sets.items()}
        self._places = {int(row): place for place, row in enumerate(inputs)}
        self._made = BoundedCache[U8](CACHE_BYTES // (3 * size**2))

    def __getitem__(self, row: int) -> U8:
        """(S, S, 3) RGB: the crop of an input, moved."""
        return self._made.get(row, self._moved)

    def _moved(self, row: int) -> U8:
        points, amount, size = self._points[row], self._recipe.amount, self._size
        near = {name: self._nearest(row, name) for name in self._sets}
        shapes = {name: np.mean([self._aligned(k, points) for k in rows], axis=0) for name, rows in near.items()}
        shape = (points + amount * (shapes["with"] - shapes["without"])).astype(np.float32)
        felt = self._felt(shape)
        colours = {name: np.mean([self._warped(k, shape, felt) for k in rows], axis=0) for name, rows in near.items()}
        own = self._warped(row, shape, felt)
        fine = own - cv2.bilateralFilter(own, 0, FINE_COLOURS, FINE_PIXELS * size / CROP_SIZE)
        moved = own - self._recipe.smoothing * fine + amount * (colours["with"] - colours["without"])
        mask = attribute_mask(self._spec, rescaled(points, size, CROP_SIZE), CROP_SIZE)
        mask = np.asarray(cv2.resize(mask, (size, size)), np.float32)[..., None]
        crop = self._crop(row).astype(np.float32)
        result: U8 = np.clip(np.rint(crop + mask * (moved - crop)), 0, 255).astype(np.uint8)
        return result

    def _crop(self, row: int) -> U8:
        return resized(self._pack.crops[row], self._size)

    def _nearest(self, row: int, name: str) -> Rows:
        """The rows of a set that are most like an input, with its values in the matched columns where enough have."""
        described, wanted = self._described[name], self._described["without"][self._places[row]]
        blocks = (described[first : first + BLOCK] for first in range(0, len(described), BLOCK))
        distance = np.concatenate([((block - wanted) ** 2).sum(1) for block in blocks])
        rows = self._sets[name]
        distance[rows == row] = np.inf
        other = np.zeros(len(rows), bool)
        for column in self._spec.matched:
            other |= self._pack.column(column)[rows] != self._pack.column(column)[row]
        if (~other).sum() > NEIGHBOURS:
            distance[other] = np.inf
        count = min(NEIGHBOURS, len(rows) - 1)
        nearest: Rows = rows[np.argpartition(distance, count)[:count]]
        return nearest

    def _aligned(self, other: int, points: F32) -> F32:
        """Another face's landmarks, moved and scaled (not turned) to lie over these."""
        theirs = self._points[other]
        middle, scale = points.mean(0), points.std() / max(float(theirs.std()), 1e-6)
        aligned: F32 = ((theirs - theirs.mean(0)) * scale + middle).astype(np.float32)
        return aligned

    def _warped(self, row: int, shape: F32, felt: F32) -> F32:
        """A face's crop with its landmarks moved to those of ``shape``. -> (S, S, 3) float.

        Args:
            felt: (GRID * GRID, 68) how much of each landmark's movement each cell feels, `_felt` of the shape.
        """
        size = self._size
        movement = (felt @ (self._points[row] - shape)).reshape(GRID, GRID, 2).astype(np.float32)
        dense = cv2.resize(movement, (size, size), interpolation=cv2.INTER_CUBIC)
        ys, xs = np.indices((size, size), dtype=np.float32)
        x, y = xs + dense[..., 0], ys + dense[..., 1]
        warped = cv2.remap(self._crop(row), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return warped.astype(np.float32)

    def _felt(self, shape: F32) -> F32:
        steps = ((np.arange(GRID) + 0.5) * self._size / GRID - 0.5).astype(np.float32)
        grid = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 1, 2)
        reach = REACH * self._size / CROP_SIZE
        distance = ((grid - shape) ** 2).sum(-1)
        weights = np.exp(-distance / (2 * (0.5 * reach) ** 2)) + 1e-9
        # Away from the face nothing moves.
        near = np.exp(-np.maximum(np.sqrt(distance.min(-1)) - reach, 0) / reach)
        felt: F32 = (weights * (near / weights.sum(-1))[:, None]).astype(np.float32)
        return felt

    def _descriptions(self, rows: Rows) -> F32:
        """(N, K) numbers that are close for faces that are alike in pose and colour."""
        described = []
        for row in rows:
            colours = cv2.cvtColor(np.asarray(self._pack.crops[row]), cv2.COLOR_RGB2LAB)
            coarse = cv2.resize(colours, (COLOUR_CELLS, COLOUR_CELLS), interpolation=cv2.INTER_AREA).astype(np.float32)
            points = self._pack.points68[row] * (CROP_SIZE / self._pack.size)
            face = coarse[MARGIN_TOP:, MARGIN_SIDE:-MARGIN_SIDE]
            described.append(np.r_[face.ravel() / COLOUR_UNIT, (points - points.mean(0)).ravel() / SHAPE_UNIT])
        return np.asarray(described, np.float32)
