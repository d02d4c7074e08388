"""What a photograph's file holds besides the pixels that the network sees, and what of it the edited file keeps.

The editor works on opaque sRGB. A file's transparency, its own colour space and its dates come back when the result is
written, and a file that says that it was edited goes on saying so; its place (GPS) and everything else about camera,
owner and what else was done to it stays behind.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageCms

from diat.pixels import U8

WHITE = 255  # transparent parts are laid on it
MAX_PROFILE = 2**20  # bytes; cameras' colour profiles have a few thousand
GPS = "The place (GPS) in the file is left out of the result."

# EXIF: when the picture was changed, taken and digitised; their hours from Greenwich, and fractions of seconds.
_DATE, _EXIF_IFD, _GPS_IFD = 0x0132, 0x8769, 0x8825
_DATES = (0x9003, 0x9004, 0x9010, 0x9011, 0x9012, 0x9290, 0x9291, 0x9292)
_A_DATE = re.compile(r"[0-9:+\-. ]{1,24}")  # and nothing that could name anybody


@dataclass(frozen=True, eq=False)
class Keepsake:
    """Of one photograph. Without any of these, a result is written as it is."""

    kind: str | None = None  # of the file: "JPEG", "HEIF", ...; None is a PIL image or an array
    alpha: U8 | None = None  # (H, W), 0 where nothing is seen
    # (H, W, 3) RGB, as the file has them, where those differ from the pixels that are edited: under transparent parts,
    # and in another colour space.
    colours: U8 | None = None
    profile: bytes | None = None  # the ICC profile of those
    exif: bytes = b""  # dates alone
    # What `diat.provenance.edit_of` says of each edit that was made before; () where the file says that it was edited
    # and not how, None where nothing says so.
    edits: tuple[str, ...] | None = None

    def restored(self, original: U8, edited: U8) -> U8:
        """An edited photograph in its file's own colours: what was not changed is bit-equal to the file.

        Args:
            original: (H, W, 3) sRGB, as it was edited.
            edited: (H, W, 3) sRGB.

        Returns:
            (H, W, 3), or (H, W, 4) with the file's transparency.
        """
        colours = edited
        if self.colours is not None:
            colours = self.colours.copy()
            changed = (original != edited).any(axis=2)
            rows, columns = (np.flatnonzero(changed.any(axis=axis)) for axis in (1, 0))
            if len(rows):
                part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
                colours[part][changed[part]] = self._own_colours(edited[part], part)[changed[part]]
        return colours if self.alpha is None else np.dstack([colours, self.alpha])

    def _own_colours(self, pixels: U8, part: tuple[slice, slice]) -> U8:
        """Of a part of the edited photograph."""
        if self.alpha is not None:  # what, laid on white, gives these pixels
            alpha = np.maximum(self.alpha[part][..., None].astype(np.float32) / 255, 1 / 255)
            pixels = np.rint(np.clip((pixels - WHITE * (1 - alpha)) / alpha, 0, 255)).astype(np.uint8)
        return pixels if self.profile is None else _converted_back(pixels, self.profile)


def _converted_back(pixels: U8, profile: bytes) -> U8:
    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        image = Image.fromarray(np.ascontiguousarray(pixels))
        converted = ImageCms.profileToProfile(image, ImageCms.createProfile("sRGB"), own, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return pixels
    return np.asarray(image if converted is None else converted, np.uint8)


def writable_profile(profile: bytes | None) -> bytes | None:
    """A file's ICC profile if it can be the result's: of RGB, whole, and not absurdly large."""
    if not profile or len(profile) > MAX_PROFILE:
        return None
    try:
        space = ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile.xcolor_space
        # Some profiles lead one way only.
        ImageCms.buildTransform(ImageCms.createProfile("sRGB"), io.BytesIO(profile), "RGB", "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
    return profile if space.strip() == "RGB" else None


def dates_of(image: Image.Image) -> tuple[bytes, bool]:
    """The dates in a file's EXIF as EXIF of their own, and whether the file says where the picture was taken."""
    kept = Image.Exif()
    try:
        exif = image.getexif()
        details, located = exif.get_ifd(_EXIF_IFD), bool(exif.get_ifd(_GPS_IFD))
        texts = {_DATE: exif.get(_DATE)} | {tag: details.get(tag) for tag in _DATES}
    except Exception:  # noqa: BLE001 - damaged EXIF raises anything, and says nothing about the pixels
        return b"", False
    dates = {tag: text for tag, text in texts.items() if isinstance(text, str) and _A_DATE.fullmatch(text)}
    if not dates:
        return b"", located
    if _DATE in dates:
        kept[_DATE] = dates.pop(_DATE)
    if dates:
        kept[_EXIF_IFD] = dates
    return kept.tobytes(), located
