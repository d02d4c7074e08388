"""Contact sheets of cases before and after, which say more than their figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diat.pixels import F32, U8, contact_sheet, save_image

SHEET_RANDOM, SHEET_ORDERED = 32, 16  # pairs on a sheet


def write_sheets(folder: Path, before: U8, after: U8, success: NDArray[np.bool_], identity: F32) -> None:
    """Before and after: some at random, and the worst, median and best by success and then identity.

    Args:
        folder: the sheets go here.
        before: (N, S, S, 3).
        after: likewise.
        success: (N,).
        identity: (N,) identity similarity.
    """
    order, half = np.lexsort((identity, success)), SHEET_ORDERED // 2
    middle = len(order) // 2
    chosen = {
        "random": np.random.default_rng(1).permutation(len(order))[:SHEET_RANDOM],
        "worst": order[:SHEET_ORDERED],
        "median": order[max(0, middle - half) : middle + half],
        "best": order[-SHEET_ORDERED:],
    }
    for name, indices in chosen.items():
        pairs = [(before[index], after[index]) for index in indices]
        if pairs:
            save_image(folder / f"{name}.png", contact_sheet(pairs, columns=4))
