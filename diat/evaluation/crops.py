"""T(x) and E(T(x)) themselves, on the crop: what the paper's figures show, without this project's mask and paste-back.

The user's path keeps the photograph wherever the mask is 0, and its fine detail under small changes, so that it says
little of how good the networks' own pictures are and hides what E does. They are taken as they are: the strength of
`train/set_strength.py` does not count here.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch

from diat.align import CROP_SIZE, resized
from diat.attributes import attribute_spec
from diat.heads import RGB
from diat.models import Model, load_networks
from diat.networks import LocalEnhancer
from diat.pixels import U8, contact_sheet
from diat.tensors import to_crops, to_tensor

SOURCE, TRANSFORMED, ENHANCED = "x", "T(x)", "E(T(x))"


def network_images(model: Model, crops: U8, batch: int = 32) -> dict[str, U8]:
    """What a model's networks make of crops, by name, beside the crops as the networks get them.

    Args:
        model: T, with its E if it has one; a model of fields has no image of its own and gives nothing.
        crops: (N, 128, 128, 3), cut as in training.
        batch: crops at a time.

    Returns:
        (N, 128, 128, 3) each; those of smaller networks are enlarged, "x" among them, so that they compare.
    """
    if model.config.heads != RGB:
        return {}
    parts = [_images(model, crops[start : start + batch]) for start in range(0, len(crops), batch)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if parts else {}


@torch.inference_mode()
def _images(model: Model, crops: U8) -> dict[str, U8]:
    config, (transform, enhancer) = model.config, load_networks(model)
    source = to_tensor(np.stack([resized(crop, config.size) for crop in crops]))
    # T that learnt in its region's window knows nothing of what lies outside.
    left, top, right, bottom = attribute_spec(config.attribute, config.region).window(config.size, config.windowed)
    transformed = source.clone()
    transformed[..., top:bottom, left:right] = transform(source[..., top:bottom, left:right])
    made = {SOURCE: source, TRANSFORMED: transformed}
    if isinstance(enhancer, LocalEnhancer):
        made[ENHANCED] = enhancer(source, transformed)
    elif enhancer is not None:
        made[ENHANCED] = enhancer(transformed)
    return {name: enlarged(to_crops(images)) for name, images in made.items()}


def comparison(models: Sequence[Model], crops: U8, others: Sequence[U8] = ()) -> U8 | None:
    """A sheet of the same faces through several models of one attribute, as the paper's figures 10 to 13 show them.

    Args:
        models: a column each, after the crop itself: E(T(x)) where there is an E, else T(x).
        crops: (N, 128, 128, 3), a row each.
        others: pictures of the same crops by other methods, likewise, a column each.

    Returns:
        (H, W, 3), or None where no model has a picture of its own.
    """
    columns = [list(made.values())[-1] for model in models if (made := network_images(model, crops))]
    columns += others
    if not columns or not len(crops):
        return None
    return contact_sheet(zip(crops, *columns, strict=True), columns=1)


def enlarged(images: Sequence[U8] | U8) -> U8:
    """Pictures at the judges' size. (N, S, S, 3) -> (N, 128, 128, 3)."""
    size = (CROP_SIZE, CROP_SIZE)
    large = [cv2.resize(image, size, interpolation=cv2.INTER_CUBIC).astype(np.uint8, copy=False) for image in images]
    return np.stack(large) if large else np.zeros((0, *size, 3), np.uint8)
