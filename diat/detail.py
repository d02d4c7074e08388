"""How large a change must be to replace what was there, and not only to tint it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DetailFade:
    """Sizes of a change of the crop, mean over the channels in units of 0..255, between which detail fades.

    A change smaller than ``low`` tints what was there, and the photograph keeps its fine detail; one larger than
    ``high`` replaces it, as teeth do lips, and the detail goes (`diat.align.paste_back`).
    """

    low: float
    high: float


DEFAULT_FADE = DetailFade(10.0, 40.0)
