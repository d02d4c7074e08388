"""A pack: CelebA's crops, labels and landmarks in one safetensors file, enough to train without `datasets`."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from diat.attributes import COLUMNS
from diat.data.celeba import SPLITS
from diat.errors import TrainingStopped
from diat.pixels import F32, U8, decompressed

FORMAT = "diat-pack-1"
DIGESTED_AT_ONCE = 1024  # crops: 50 MB at 128 pixels


@dataclass(frozen=True, eq=False)
class Pack:
    """N aligned crops. Arrays are in crop pixels; records whose face the detector missed have NaN points."""

    crops: U8  # (N, S, S, 3) RGB
    attributes: NDArray[np.bool_]  # (N, 40) in the order of diat.attributes.COLUMNS
    identity: NDArray[np.int32]  # (N,)
    split: NDArray[np.uint8]  # (N,) index into diat.data.celeba.SPLITS
    points5: F32  # (N, 5, 2)
    points68: F32  # (N, 68, 2)

    @property
    def size(self) -> int:
        """Side of a crop in pixels."""
        return int(self.crops.shape[1])

    def rows(self, split: str) -> NDArray[np.int64]:
        """Indices of the records of a split."""
        return np.flatnonzero(self.split == SPLITS.index(split))

    def column(self, name: str) -> NDArray[np.bool_]:
        """(N,) values of one of CelebA's attributes."""
        values: NDArray[np.bool_] = self.attributes[:, COLUMNS.index(name)]
        return values

    @cached_property
    def digest(self) -> str:
        """Identifies the data: SHA-256 over pixels, labels, identities and points. Reads the file once, at a GB/s."""
        digest = hashlib.sha256(str(self.crops.shape).encode())
        for array in (self.attributes, self.identity, self.split, self.points5, self.points68):
            digest.update(np.ascontiguousarray(array).tobytes())
        for start in range(0, len(self.crops), DIGESTED_AT_ONCE):
            digest.update(np.ascontiguousarray(self.crops[start : start + DIGESTED_AT_ONCE]).tobytes())
        return digest.hexdigest()

    @property
    def has_face(self) -> NDArray[np.bool_]:
        """(N,) whether the detector found the face, whose mask and pairs need its 68 points.

        Five points may be there without them, from CelebA's own list.
        """
        found: NDArray[np.bool_] = np.isfinite(self.points5[:, 0, 0]) & np.isfinite(self.points68[:, 0, 0])
        return found


def open_pack(path: Path) -> Pack:
    """Open a pack. Raw crops stay on disk and are mapped; WebP crops are decoded into memory.

    Raises:
        TrainingStopped: the file is missing, damaged or not a pack.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys() if name != "crops"}  # noqa: SIM118
    except FileNotFoundError:
        raise TrainingStopped(f"No pack at {path}: make one with `python train/prepare.py`.") from None
    except (SafetensorError, OSError) as error:
        raise TrainingStopped(
            f"{path} is damaged or not a pack ({error}): make it again with `python train/prepare.py`."
        ) from error
    if metadata.get("format") != FORMAT:
        raise TrainingStopped(f"{path} is not a {FORMAT} file: make one with `python train/prepare.py`.")
    crops = _decode_webp(arrays) if "webp" in arrays else _map_crops(path)
    return Pack(
        crops=crops,
        attributes=arrays["attributes"].astype(bool),
        identity=arrays["identity"],
        split=arrays["split"],
        points5=arrays["points5"].astype(np.float32),
        points68=arrays["points68"].astype(np.float32),
    )


def _map_crops(path: Path) -> U8:
    # safetensors' numpy reader copies; a memory map lets many processes share the pages of a large pack.
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        entry = json.loads(file.read(length))["crops"]
    crops: U8 = np.memmap(path, np.uint8, "r", 8 + length + entry["data_offsets"][0], tuple(entry["shape"]))
    return crops


def _decode_webp(arrays: dict[str, NDArray[np.generic]]) -> U8:
    blob, ends = arrays["webp"].astype(np.uint8, copy=False), arrays["webp_ends"].astype(np.int64)
    starts = np.concatenate([[0], ends[:-1]])
    return np.stack([decompressed(blob[a:b]) for a, b in zip(starts, ends, strict=True)])
