"""From a network's fields to a changed photograph: which renderer, how strongly, and on which part of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from diat.faces import Face
from diat.heads import Fields
from diat.native.glasses import render_glasses
from diat.native.mouths import render_mouth_close, render_mouth_open
from diat.native.prototypes import Prototypes
from diat.native.region import NativeFace, Window, native_face
from diat.native.skin import render_skin
from diat.native.style import not_shown, style_of
from diat.pixels import F32, U8

Renderer = Callable[[NativeFace, Mapping[str, F32], Mapping[str, float], float], U8]

# By the name of the heads; those of the skin are shared by many attributes.
RENDERERS: dict[str, Renderer] = {
    "mouth_close": render_mouth_close,
    "mouth_open": render_mouth_open,
    "eyeglasses": render_glasses,
}
SKIN = "skin"
# Template units around the window that a renderer may read from: lips are pulled by no more.
MARGIN = 8.0


def renderer_of(heads: str, attribute: str, prototypes: Prototypes | None = None) -> Renderer | None:
    """What applies the fields of an attribute's network; None where no renderer can show it.

    Args:
        heads: the network's, a name in `diat.heads.HEADS`.
        attribute: see `diat.attributes.attribute_spec`.
        prototypes: of a network of the whole face, if it has any.
    """
    if heads == SKIN:
        render = partial(render_skin, style=style_of(attribute), prototypes=prototypes)
        return None if not_shown(attribute) else render
    return RENDERERS.get(heads)


def faded(needed: float, fade: tuple[float, float]) -> float:
    """The share of an edit that a face gets that lacks the attribute with this probability. -> 0..1.

    Args:
        needed: the probability.
        fade: see `diat.attributes.AttributeSpec`.
    """
    low, high = fade
    return float(np.clip((needed - low) / (high - low), 0, 1))


def rendered(photo: U8, face: Face, fields: Fields, renderer: Renderer, strength: float) -> U8:
    """A photograph with one face changed.

    Args:
        photo: (H, W, 3) RGB uint8, left as it is.
        face: of the photograph.
        fields: what the network says of it.
        renderer: of the attribute.
        strength: of the edit, 0 (the photograph itself) to 1.5.

    Returns:
        (H, W, 3) RGB uint8, bit-equal outside the attribute's region; the photograph itself where no pixel changes.
    """
    if strength == 0:
        return photo
    region, (left, top, right, bottom) = region_of_face(photo, face, fields.heads.window)
    changed = renderer(region, fields.named_maps, fields.named_scalars, strength)
    if np.array_equal(changed, photo[top:bottom, left:right]):
        return photo
    result = photo.copy()
    result[top:bottom, left:right] = changed
    return result


def region_of_face(photo: U8, face: Face, window: Window) -> tuple[NativeFace, Window]:
    """The part of a photograph that a face's renderer works on, and where it lies."""
    return native_face(photo, face.points5, face.points68, window, MARGIN)
