"""Pictures that a method made of aligned crops, one file each, found again by the crop that they were made of.

A method that takes seconds or minutes a face leaves a folder of them: stopped, it goes on with the faces that are
missing, and `train/evaluate.py` takes its figures on those that are there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from diat.attributes import AttributeSpec
from diat.data.celeba import Rows
from diat.data.pack import Pack
from diat.data.sets import input_set
from diat.errors import DiatError, TrainingStopped
from diat.files import write_file
from diat.pixels import U8, decompressed

ABOUT = "method.json"  # in a folder of pictures


@dataclass(frozen=True)
class Method:
    """What a folder of pictures says of itself."""

    name: str  # such as "CNIA"
    attribute: str
    settings: dict[str, Any]


def picture_name(crop: U8) -> str:
    """The file of the picture that is made of a crop, (S, S, 3)."""
    return hashlib.sha256(np.ascontiguousarray(crop).tobytes()).hexdigest()[:20] + ".png"


def baseline_faces(pack: Pack, spec: AttributeSpec, count: int) -> Rows:
    """The same frontal faces without the attribute for every method: the first ``count`` of the validation part.

    CelebA has no order, and `train/evaluate.py` with few ``--faces`` reads the first ones, too.
    """
    rows = input_set(pack, spec, "valid")
    if not len(rows):
        raise TrainingStopped(f"The validation part shows no face whose {spec.column} is not {spec.wanted}: add some.")
    return rows[:count]


def make_pictures(folder: Path, method: Method, crops: U8, make: Callable[[int], U8]) -> None:
    """Make the pictures that a folder lacks.

    Args:
        folder: the pictures go here.
        method: what makes them.
        crops: (N, S, S, 3).
        make: the picture of the crop of that number, (S, S, 3) or of another size.

    Raises:
        TrainingStopped: the folder holds pictures of another method or other settings.
    """
    claim(folder, method)
    missing = [number for number in range(len(crops)) if not (folder / picture_name(crops[number])).is_file()]
    for number in tqdm(missing, desc=f"{method.attribute} by {method.name}", dynamic_ncols=True):
        png = cv2.imencode(".png", make(number)[..., ::-1])[1]
        write_file(folder / picture_name(crops[number]), png.tobytes())


def claim(folder: Path, method: Method) -> None:
    """Write down what the pictures of a folder are made by, or see that it is what they were made by."""
    if (folder / ABOUT).is_file():
        before = read_method(folder)
        now = Method(method.name, method.attribute, json.loads(json.dumps(method.settings)))
        if before != now:
            raise TrainingStopped(
                f"{folder} holds pictures of {before.attribute} by {before.name} ({_words(before.settings)}), not by "
                f"{now.name} ({_words(now.settings)}): choose another --output."
            )
        return
    told = {"name": method.name, "attribute": method.attribute, "settings": method.settings}
    write_file(folder / ABOUT, json.dumps(told, indent=1).encode())


def read_method(folder: Path) -> Method:
    """What made the pictures of a folder.

    Raises:
        DiatError: it is no such folder.
    """
    try:
        return Method(**json.loads((folder / ABOUT).read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise DiatError(f"{folder} holds no pictures of a baseline: make them with train/cnia.py, say.") from error


def read_pictures(folder: Path, crops: U8, rows: Rows) -> tuple[Rows, list[U8]]:
    """Those rows of which a folder holds pictures, and the pictures.

    Args:
        folder: from `make_pictures`.
        crops: (N, S, S, 3), all that there are.
        rows: of the crops, those that are asked for.
    """
    files = {row: folder / picture_name(crops[row]) for row in rows.tolist()}
    there = [row for row, path in files.items() if path.is_file()]
    return np.array(there, np.int64), [decompressed(files[row].read_bytes()) for row in there]


def _words(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items())
