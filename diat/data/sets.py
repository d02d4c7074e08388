"""Which rows of a pack are trained on (the guided and the input set), and the order in which training visits them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from diat.attributes import AttributeSpec
from diat.data.celeba import Rows
from diat.data.clusters import shipped_clusters
from diat.errors import TrainingStopped
from diat.faces import MAX_YAW, yaw

if TYPE_CHECKING:
    from diat.data.pack import Pack

Subset = Literal["frontal", "clusters"]


@lru_cache(maxsize=8)
def _permutation(seed: int, epoch: int, count: int) -> Rows:
    return np.random.default_rng((seed, epoch)).permutation(count)


def order(count: int, batch: int, seed: int, step: int, rank: int = 0, world: int = 1) -> Rows:
    """The ``batch`` positions out of ``count`` that a rank visits at a step.

    A pure function: epoch after epoch of fresh permutations, cut into consecutive batches, so that a resumed run sees
    exactly what the uninterrupted one would have seen.
    """
    first = (step * world + rank) * batch
    places = np.arange(first, first + batch)
    return np.array([_permutation(seed, int(place // count), count)[place % count] for place in places])


def guided_set(pack: Pack, spec: AttributeSpec, split: str = "train", subset: Subset = "frontal") -> Rows:
    """Rows of the guided set A: every image of the split that has the reference attribute (section 3.1.1)."""
    rows = pack.rows(split)
    guided: Rows = rows[usable(pack, subset)[rows] & (pack.column(spec.column)[rows] == spec.wanted)]
    return guided


def input_set(
    pack: Pack,
    spec: AttributeSpec,
    split: str = "train",
    count: int | None = None,
    seed: int = 0,
    subset: Subset = "frontal",
) -> Rows:
    """Rows of the input set X: ``count`` random images of the split without the attribute, or all (section 5.1)."""
    rows: Rows = pack.rows(split)
    rows = rows[usable(pack, subset)[rows] & (pack.column(spec.column)[rows] != spec.wanted)]
    if count is None or count >= len(rows):
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, count, replace=False))


def training_faces(pack: Pack, spec: AttributeSpec, hiding: Sequence[str]) -> tuple[Rows, Rows]:
    """Rows of the train part's faces without the attribute and with it, however they are turned.

    Args:
        pack: the data.
        spec: the attribute.
        hiding: columns of CelebA; whoever has one of them is not among those without the attribute.

    Raises:
        TrainingStopped: there is none of a kind.
    """
    train = np.isin(np.arange(len(pack.crops)), pack.rows("train")) & pack.has_face
    lacking = pack.column(spec.column) != spec.wanted
    hidden = np.any([pack.column(name) for name in hiding], axis=0)
    without, having = np.flatnonzero(train & lacking & ~hidden), np.flatnonzero(train & ~lacking)
    if not len(without) or not len(having):
        raise TrainingStopped(f"The pack must hold faces with and without {spec.title!r}.")
    return without, having


def usable(pack: Pack, subset: Subset = "frontal") -> NDArray[np.bool_]:
    """(N,) records that train.

    Args:
        subset: ``"frontal"`` keeps faces turned no further than the app accepts, ``"clusters"`` is section 5.1's
            subset without the clusters of partly invisible faces.
    """
    if subset == "clusters":
        clusters = shipped_clusters()
        return clusters.kept(clusters.assign(pack.points5, pack.size)) & pack.has_face
    turned = np.array([yaw(points) <= MAX_YAW for points in pack.points5])  # NaN compares false
    frontal: NDArray[np.bool_] = pack.has_face & turned
    return frontal
