"""The two ways of changing a face: T draws the result, or a network says how to move the photograph's own pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import cv2
import numpy as np

from diat.align import paste_back, photo_to_crop_matrix, transform_points, warp_to_crop
from diat.attributes import AttributeSpec
from diat.errors import ModelRejected
from diat.faces import Face
from diat.heads import HEADS, RGB, Fields
from diat.masks import attribute_mask
from diat.models import Model
from diat.native.prototypes import Prototypes
from diat.native.region import GREY
from diat.native.stage import faded, rendered, renderer_of
from diat.pixels import F32, U8
from diat.runtime.devices import Device
from diat.runtime.engine import Engine, FieldEngine

SHOWN = 256  # side in pixels of the aligned faces before and after, where the network's own crop is none to look at
# A change of a face that seems not to need it is made if it is more than so many levels of 255, averaged over squares
# of four of those pixels. Of 43 that mouths and glasses would make of 42 portraits none lies between 8, where nothing
# is seen when one looks for it, and 12.
VISIBLE, VISIBLE_OVER = 10, 4


class AlignedFace(NamedTuple):
    """A face of a photograph as a network sees it."""

    matrix: F32  # (2, 3), photograph to crop at 128
    crop: U8  # (h, w, 3) RGB, what the network sees
    mask: F32  # (h, w) in [0, 1]: where the face may change; all of it, where the fields themselves say so
    face: Face


class Method(Protocol):
    """One way of changing faces. What a network says of a face is a *change*, whatever its form."""

    device: str  # where the network runs, such as "cpu" or "cuda:0"

    def aligned(self, photo: U8, face: Face) -> AlignedFace:
        """What the network sees of a face of an (H, W, 3) RGB uint8 photograph."""
        ...

    def changes(self, aligned: Sequence[AlignedFace], strength: float) -> Sequence[Any]:
        """What the network says of each face, for a strength from 0 to 1.5."""
        ...

    def remade(self, aligned: AlignedFace, change: Any, strength: float) -> Any:
        """A face's change for another strength than it was made for."""
        ...

    def needed(self, change: Any) -> float:
        """Probability that the face lacks the attribute."""
        ...

    def applied(self, photo: U8, aligned: AlignedFace, change: Any, strength: float, anyway: bool) -> U8:
        """The photograph with a face's change, made for this very strength.

        ``anyway``: also of a face that has the attribute already, if anything is then seen to change.
        """
        ...

    def before_after(self, photos: tuple[U8, U8], aligned: AlignedFace, change: Any, strength: float) -> tuple[U8, U8]:
        """The aligned face, (S, S, 3) RGB uint8, in ``photos``: the original, and what `applied` gave."""
        ...


def method_of(model: Model, spec: AttributeSpec, device: Device | None) -> Method:
    """The method that a model is made for."""
    return Drawing(model, spec, device) if model.config.heads == RGB else Moving(model, spec, device)


class Drawing:
    """T draws the changed crop, and its change is added to the photograph.

    Args:
        model: with heads "rgb".
        spec: of its attribute.
        device: see `diat.editor.FaceEditor`.
    """

    def __init__(self, model: Model, spec: AttributeSpec, device: Device | None) -> None:
        self.config, self.spec = model.config, spec
        self.engine = Engine(model, device)
        self.device = self.engine.device

    def aligned(self, photo: U8, face: Face) -> AlignedFace:
        """See `Method.aligned`: the whole aligned crop, and where the attribute may change it."""
        matrix, size = photo_to_crop_matrix(face.points5), self.config.size
        points = (transform_points(face.points68, matrix) + 0.5) * np.float32(size / 128) - 0.5
        crop = warp_to_crop(photo, matrix, size)
        return AlignedFace(matrix, crop, attribute_mask(self.spec, points, size), face)

    def changes(self, aligned: Sequence[AlignedFace], strength: float = 1.0) -> list[F32]:
        """The changes for a strength, in the window of the region alone where T learnt there and the mask lies inside.

        A mouth's window is a quarter of the crop, and a quarter of the work.

        Args:
            aligned: N faces.
            strength: 0 to 1.5.

        Returns:
            Of each, (S, S, 3) float in units of 0..255, of which ``min(strength, 1)`` is to be added.
        """
        size = self.config.size
        left, top, right, bottom = self.spec.window(size, self.config.windowed)
        inside = np.array([_lies_in(face.mask, left, top, right, bottom) for face in aligned], bool)
        changes = np.zeros((len(aligned), size, size, 3), np.float32)
        for chosen, (x0, y0, x1, y1) in ((inside, (left, top, right, bottom)), (~inside, (0, 0, size, size))):
            if chosen.any():
                seen = np.stack([face.crop[y0:y1, x0:x1] for face, here in zip(aligned, chosen, strict=True) if here])
                changes[chosen, y0:y1, x0:x1] = self.engine.change(seen, strength)
        for face, change in zip(aligned, changes, strict=True):
            # A black-and-white photograph stays one. A dull film, whose frames lie on either side of the limit, gets
            # more or less of the change's colour and does not flip between none and all of it.
            colour = np.clip(np.ptp(face.crop, axis=-1).max() / GREY - 1, 0, 1)
            if colour < 1:
                grey = change.mean(-1, keepdims=True)
                change[:] = grey + np.float32(colour) * (change - grey)
        return list(changes)

    def remade(self, aligned: AlignedFace, change: F32, strength: float) -> F32:
        """See `Method.remade`: T sees the crop once more."""
        return self.changes([aligned], strength)[0]

    def needed(self, change: F32) -> float:
        """See `Method.needed`. T does not say."""
        return 1.0

    def applied(self, photo: U8, aligned: AlignedFace, change: F32, strength: float, anyway: bool = False) -> U8:
        """See `Method.applied`."""
        return paste_back(
            photo, aligned.crop, change, aligned.mask, aligned.matrix, min(strength, 1.0), self.spec.detail_fade
        )

    def before_after(self, photos: tuple[U8, U8], aligned: AlignedFace, change: F32, strength: float) -> tuple[U8, U8]:
        """See `Method.before_after`: the crop that T saw, and what its change makes of it."""
        after = aligned.crop + min(strength, 1.0) * aligned.mask[..., None] * change
        return aligned.crop, np.clip(np.rint(after), 0, 255).astype(np.uint8)


class Moving:
    """A network predicts fields, and the native stage changes the photograph's own pixels by them.

    Args:
        model: with heads.
        spec: of its attribute.
        device: see `diat.editor.FaceEditor`.

    Raises:
        ModelRejected: there is no renderer for the attribute.
    """

    def __init__(self, model: Model, spec: AttributeSpec, device: Device | None) -> None:
        name = model.config.heads
        prototypes = Prototypes.of(model.weights) if HEADS[name].prototypes else None
        renderer = renderer_of(name, spec.name, prototypes)
        if renderer is None:
            raise ModelRejected(f"This version cannot render {spec.name!r} by the heads {name!r}: update diat.")
        self._renderer, self._strength, self._fade = renderer, model.config.strength, spec.fade
        self.engine = FieldEngine(model, device)
        self.heads, self.device = self.engine.heads, self.engine.device

    def aligned(self, photo: U8, face: Face) -> AlignedFace:
        """See `Method.aligned`: the heads' window of the aligned crop."""
        matrix, size = photo_to_crop_matrix(face.points5), self.heads.size
        left, top, right, bottom = (side * size // 128 for side in self.heads.window)
        crop = warp_to_crop(photo, matrix, size)[top:bottom, left:right]
        return AlignedFace(matrix, crop, np.ones(crop.shape[:2], np.float32), face)

    def changes(self, aligned: Sequence[AlignedFace], strength: float = 1.0) -> list[Fields]:
        """See `Method.changes`: the fields, which are those of every strength."""
        return self.engine.fields(np.stack([face.crop for face in aligned])) if aligned else []

    def remade(self, aligned: AlignedFace, change: Fields, strength: float) -> Fields:
        """See `Method.remade`: fields are those of every strength."""
        return change

    def needed(self, change: Fields) -> float:
        """See `Method.needed`."""
        return change.needed

    def applied(self, photo: U8, aligned: AlignedFace, change: Fields, strength: float, anyway: bool = False) -> U8:
        """See `Method.applied`."""
        share = faded(change.needed, self._fade)
        needless = share == 0
        if needless and anyway:
            share = 1.0
        changed = rendered(photo, aligned.face, change, self._renderer, strength * share * self._strength)
        return photo if needless and not _is_seen((photo, changed), aligned) else changed

    def before_after(
        self, photos: tuple[U8, U8], aligned: AlignedFace, change: Fields, strength: float
    ) -> tuple[U8, U8]:
        """See `Method.before_after`."""
        return _shown(photos, aligned)


def _shown(photos: tuple[U8, U8], aligned: AlignedFace) -> tuple[U8, U8]:
    before, after = (warp_to_crop(photo, aligned.matrix, SHOWN) for photo in photos)
    return before, after


def _is_seen(photos: tuple[U8, U8], aligned: AlignedFace) -> bool:
    """Whether a face before and after a change looks different."""
    difference = cv2.absdiff(*_shown(photos, aligned))
    squares = cv2.resize(difference, [SHOWN // VISIBLE_OVER] * 2, interpolation=cv2.INTER_AREA)
    return bool(squares.max() > VISIBLE)


def _lies_in(mask: F32, left: int, top: int, right: int, bottom: int) -> bool:
    """Whether the mask is 0 outside the window."""
    return not (mask[:top].any() or mask[bottom:].any() or mask[:, :left].any() or mask[:, right:].any())
