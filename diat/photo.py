"""From whatever a user gives to RGB pixels: the header is checked before anything is decoded."""

from __future__ import annotations

import io
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageChops, ImageCms, ImageOps, UnidentifiedImageError

from diat.errors import PhotoRejected
from diat.pixels import U8

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif")
MAX_PIXELS = 25_000_000
MAX_BYTES = 40 * 2**20
BACKGROUND = (255, 255, 255)  # transparent parts are laid on white

PhotoSource = bytes | str | os.PathLike[str] | Image.Image | U8


@dataclass(frozen=True, eq=False)
class Photo:
    """A decoded photograph: upright, sRGB, without the file's metadata."""

    pixels: U8  # (H, W, 3) RGB
    notices: tuple[str, ...] = ()  # sentences on what was decided on the way, for the user


def open_photo(source: PhotoSource) -> Photo:
    """Decode a photograph.

    Args:
        source: the bytes or the path of a JPEG, PNG, WebP or GIF file, a PIL image, or an (H, W, 3) uint8 RGB array.

    Raises:
        PhotoRejected: it is not such a file, damaged, empty, or larger than 25 megapixels by its header.
    """
    if isinstance(source, np.ndarray):
        return Photo(_checked_array(source))
    if isinstance(source, Image.Image):
        _check_size(source.width, source.height)
        return _normalised(source)
    if isinstance(source, (str, os.PathLike)):
        source = _read(Path(source))
    image = _open_header(source)
    _check_size(image.width, image.height)
    try:
        image.load()
    except Exception as error:  # decoders raise OSError, SyntaxError, ValueError, struct.error and more
        raise PhotoRejected(f"The photograph is damaged or cut off ({error}): export or copy it again.") from error
    return _normalised(image)


def _read(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise PhotoRejected(
                f"The file is {size / 2**20:.0f} MiB large: at most {MAX_BYTES // 2**20} MiB are taken."
            )
        return path.read_bytes()
    except OSError as error:
        raise PhotoRejected(f"The file {path.name!r} cannot be read ({error.strerror}): check the path.") from error


def _open_header(data: bytes) -> Image.Image:
    if not data:
        raise PhotoRejected("The file is empty: choose a JPEG, PNG, WebP or GIF photograph.")
    if data[4:8] == b"ftyp" and data[8:12] in (b"heic", b"heix", b"mif1", b"msf1", b"heim", b"hevc"):
        raise PhotoRejected("This is a HEIC photograph: export it as JPEG first.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # _check_size is stricter
            return Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError:
        raise PhotoRejected(_too_large("")) from None
    except UnidentifiedImageError:
        raise PhotoRejected("This is no JPEG, PNG, WebP or GIF photograph, whatever its name says.") from None
    except Exception as error:  # a damaged header makes plugins raise anything
        raise PhotoRejected(f"The photograph is damaged ({error}): export or copy it again.") from error


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise PhotoRejected(_too_large(f" of {width}x{height} pixels"))
    if width == 0 or height == 0:
        raise PhotoRejected("The photograph has no pixels: choose another.")


def _too_large(what: str) -> str:
    return f"The photograph{what} is too large: at most {MAX_PIXELS // 10**6} megapixels are taken, so make it smaller."


def _checked_array(array: Any) -> U8:
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3:
        raise PhotoRejected(
            f"An array must be (height, width, 3) uint8 RGB; not {tuple(array.shape)} {array.dtype}: convert it."
        )
    _check_size(array.shape[1], array.shape[0])
    checked: U8 = np.ascontiguousarray(array)
    return checked


def _normalised(image: Image.Image) -> Photo:
    notices = []
    if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":
        image.seek(0)
        notices.append("The picture is animated: its first frame was taken.")
    if image.mode == "CMYK" and image.format in ("JPEG", "MPO") and "adobe" not in image.info:
        # Pillow undoes the inversion that Adobe writes into every CMYK JPEG, whether Adobe wrote this one or not.
        image = _with_info(ImageChops.invert(image), image)
    image = ImageOps.exif_transpose(image)
    image = _to_srgb(image)
    if image.mode.startswith("I"):
        # Pillow's own conversion clips 16-bit greys at 255.
        image = Image.fromarray((np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        background = Image.new("RGBA", image.size, (*BACKGROUND, 255))
        if np.asarray(image)[..., 3].min() < 255:
            notices.append("Transparent parts were laid on white.")
        image = Image.alpha_composite(background, image)
    pixels: U8 = np.array(image.convert("RGB"), np.uint8)
    return Photo(pixels, tuple(notices))


def _to_srgb(image: Image.Image) -> Image.Image:
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in ("RGB", "RGBA", "CMYK", "L"):
        return image
    alpha = image.getchannel("A") if image.mode == "RGBA" else None
    colours = image.convert("RGB") if alpha is not None else image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(colours, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image  # a damaged profile says nothing about the pixels
    if converted is None:
        return image
    if alpha is not None:
        converted.putalpha(alpha)
    return converted


def _with_info(image: Image.Image, original: Image.Image) -> Image.Image:
    image.info = dict(original.info)
    return image
