"""Images as arrays: their types, the one place that writes files, and sheets of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]


def contact_sheet(rows: Iterable[tuple[U8, ...]], columns: int = 4, scale: int = 1) -> U8:
    """Lay out cells of images side by side (before, after, ...), ``columns`` cells to a line, 4 pixels apart."""
    cells: list[NDArray[Any]] = [np.concatenate(row, axis=1) for row in rows]
    cells += [np.full_like(cells[0], 255)] * (-len(cells) % columns)
    cells = [cv2.copyMakeBorder(cell, 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=(255, 255, 255)) for cell in cells]
    sheet = np.concatenate([np.concatenate(cells[i : i + columns], axis=1) for i in range(0, len(cells), columns)])
    if scale != 1:
        sheet = cv2.resize(sheet, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST)
    return sheet.astype(np.uint8, copy=False)


def save_image(path: Path, image: U8) -> None:
    """Write an RGB image; the ending chooses the format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image[..., ::-1])
