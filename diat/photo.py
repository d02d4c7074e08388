"""From whatever a user gives to RGB pixels: the header is checked before anything is decoded."""

from __future__ import annotations

import difflib
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, ImageChops, ImageCms, ImageOps, UnidentifiedImageError

from diat.errors import PhotoRejected
from diat.pixels import U8

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif")
MAX_PIXELS = 25_000_000
MAX_BYTES = 40 * 2**20
# Of a JPEG. Each is decoded over the whole picture, so that a small file of many empty ones takes minutes; progressive
# files as programs write them have about ten.
MAX_SCANS = 100
BACKGROUND = (255, 255, 255)  # transparent parts are laid on white

PhotoSource = bytes | str | os.PathLike[str] | BinaryIO | Image.Image | U8


@dataclass(frozen=True, eq=False)
class Photo:
    """A decoded photograph: upright, sRGB, without the file's metadata."""

    pixels: U8  # (H, W, 3) RGB
    notices: tuple[str, ...] = ()  # sentences on what was decided on the way, for the user


def open_photo(source: PhotoSource) -> Photo:
    """Decode a photograph.

    Args:
        source: the bytes, the path or an open file of a JPEG, PNG, WebP or GIF photograph, a PIL image, or an
            (H, W, 3) uint8 RGB array.

    Raises:
        PhotoRejected: it is not such a file, damaged, empty, or larger than 25 megapixels by its header.
    """
    if isinstance(source, np.ndarray):
        return Photo(_checked_array(source))
    if isinstance(source, Image.Image):
        image = source
    elif isinstance(source, (str, os.PathLike)):
        image = _open_header(_read(Path(source)))
    elif isinstance(source, (bytes, bytearray, memoryview)):
        image = _open_header(bytes(source))
    elif hasattr(source, "read"):
        image = _open_header(_read_file(source))
    else:
        raise PhotoRejected(
            f"A photograph is a path, bytes, an open file, a PIL image or an array, not {type(source).__name__}."
        )
    _check_size(image.width, image.height)
    try:
        image.load()
    except Exception as error:  # decoders raise OSError, SyntaxError, ValueError, struct.error and more
        raise PhotoRejected(f"The photograph is damaged or cut off ({error}): export or copy it again.") from error
    return _normalised(image)


def is_photo(value: Any) -> bool:
    """Whether `open_photo` takes a value as one photograph, and not as several of them."""
    if isinstance(value, np.ndarray):
        return value.ndim < 4  # (N, H, W, 3) holds several
    one = (str, bytes, bytearray, memoryview, os.PathLike, Image.Image, Photo)
    return isinstance(value, one) or hasattr(value, "read")


def _read(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise PhotoRejected(_too_many_bytes(f"{size / 2**20:.0f} MiB"))
        return path.read_bytes()
    except OSError as error:
        there = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
        near = difflib.get_close_matches(path.name, there, n=1)
        hint = f"did you mean {near[0]!r}?" if near and near[0] != path.name else "check the path."
        raise PhotoRejected(f"The file {path.name!r} cannot be read ({error.strerror}): {hint}") from error


def _read_file(file: BinaryIO) -> bytes:
    try:
        data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: the file is closed, or holds text
        raise PhotoRejected(f"The open file cannot be read ({error}): open it anew.") from error
    if not isinstance(data, bytes):
        raise PhotoRejected('The file was opened as text: open it with mode "rb".')
    if len(data) > MAX_BYTES:
        raise PhotoRejected(_too_many_bytes(f"more than {MAX_BYTES // 2**20} MiB"))
    return data


def _too_many_bytes(size: str) -> str:
    return f"The file is {size} large: at most {MAX_BYTES // 2**20} MiB are accepted."


def _open_header(data: bytes) -> Image.Image:
    if not data:
        raise PhotoRejected("The file is empty: choose a JPEG, PNG, WebP or GIF photograph.")
    if data[4:8] == b"ftyp" and data[8:12] in (b"heic", b"heix", b"mif1", b"msf1", b"heim", b"hevc"):
        raise PhotoRejected("This is a HEIC photograph: export it as JPEG first.")
    check_scans(data)
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PhotoRejected(_too_large("")) from None
    except UnidentifiedImageError:
        raise PhotoRejected(
            "This file is not a JPEG, PNG, WebP or GIF photograph, whatever its name: export it as one of these."
        ) from None
    except Exception as error:  # a damaged header makes plugins raise anything
        raise PhotoRejected(f"The photograph is damaged ({error}): export or copy it again.") from error


def check_scans(data: bytes) -> None:
    """Refuse a JPEG of so many scans that it would take minutes to decode. Other files pass.

    Raises:
        PhotoRejected: it has more than `MAX_SCANS`.
    """
    if data.startswith(b"\xff\xd8") and data.count(b"\xff\xda") > MAX_SCANS:  # start-of-scan markers
        raise PhotoRejected(f"The JPEG has more than {MAX_SCANS} scans, which no camera writes: export it again.")


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
