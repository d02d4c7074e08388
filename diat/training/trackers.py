"""Trackers: where a run's figures and pictures can be looked at while it runs."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from accelerate import Accelerator

from diat.errors import TrainingStopped
from diat.pixels import U8

Tracker = Literal["tensorboard", "wandb", "all", "none"]
PROJECT = "diat"  # what wandb files runs under
FONT = cv2.FONT_HERSHEY_SIMPLEX
BAR = 22  # pixels above a sheet, for its caption


def tracker_options(tracker: Tracker, folder: Path) -> dict[str, Any]:
    """What an `Accelerator` is made with to use a tracker.

    Args:
        tracker: its name, "all" or "none". Wandb asks for a login on its own terms; ``WANDB_MODE=offline`` needs none.
        folder: for the files of TensorBoard and wandb.

    Raises:
        TrainingStopped: its library is missing.
    """
    names = {"all": ["tensorboard", "wandb"], "none": []}.get(tracker, [tracker])
    for name in names:
        if importlib.util.find_spec(name) is None:
            raise TrainingStopped(f"The tracker {name} is missing: run `pip install {name}`, or give --tracker none.")
    return {"log_with": names, "project_dir": folder} if names else {}


def start_trackers(accelerator: Accelerator, title: str, settings: Mapping[str, Any]) -> None:
    """Open the trackers that the accelerator was made with, unless they are open.

    Args:
        accelerator: see `tracker_options`.
        title: of the run.
        settings: of the run, of which the plain values are shown beside it.
    """
    if not accelerator.log_with or accelerator.trackers:
        return
    plain = {name: value for name, value in settings.items() if isinstance(value, (int, float, str, bool))}
    wandb = {"name": title, "dir": str(accelerator.project_dir)}
    Path(accelerator.project_dir).mkdir(parents=True, exist_ok=True)
    accelerator.init_trackers(PROJECT, plain, {"wandb": wandb})


def show_sheet(accelerator: Accelerator, sheet: U8, step: int) -> None:
    """Give a sheet of samples, (H, W, 3) RGB, to the trackers."""
    for tracker in accelerator.trackers:
        layout = {"dataformats": "NHWC"} if tracker.name == "tensorboard" else {}
        tracker.log_images({"samples": sheet[None]}, step=step, **layout)


def captioned(sheet: U8, caption: str) -> U8:
    """A sheet, (H, W, 3) RGB, under a line that says what it shows, as large as fits."""
    width = sheet.shape[1]
    (drawn, _), _ = cv2.getTextSize(caption, FONT, 1.0, 1)
    scale = min(0.5, (width - 8) / max(drawn, 1))
    bar = np.full((BAR, width, 3), 255, np.uint8)
    cv2.putText(bar, caption, (4, BAR - 7), FONT, scale, (0, 0, 0), 1, cv2.LINE_AA)
    return np.concatenate([bar, sheet])
