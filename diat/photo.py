"""From whatever a user gives to RGB pixels: the header is checked before anything is decoded."""

from __future__ import annotations

import difflib
import io
import os
import stat
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import ExifTags, Image, ImageChops, ImageCms

from diat.errors import PhotoRejected
from diat.formats import DAMAGED, open_header
from diat.keepsake import GPS, WHITE, Keepsake, dates_of, writable_profile
from diat.pixels import U8
from diat.provenance import edits_named, is_marked

MAX_PIXELS = 120_000_000  # by the header; a telephone's largest pictures have 108 million
# Larger ones are reduced to it. Edits peak at 0.9 GB of memory for 48 million pixels, at 1.9 GB for 108 million.
WORKING_PIXELS = 50_000_000
ADDRESSES = ("http:/", "https:/")  # as a path begins that was one
MAX_BYTES = 40 * 2**20
MAX_ASPECT = 100  # of the longer side to the shorter; thinner pictures hold no face, and vanish when they are reduced

# How the pixels of a file are turned to stand upright, by the orientation in its EXIF; 1 is upright.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

PhotoSource = bytes | str | os.PathLike[str] | BinaryIO | Image.Image | U8


@dataclass(frozen=True, eq=False)
class Photo:
    """A decoded photograph: upright, opaque, sRGB."""

    pixels: U8  # (H, W, 3) RGB
    notices: tuple[str, ...] = ()  # sentences on what was decided on the way, for the user
    keepsake: Keepsake = Keepsake()  # what of the file an edited one keeps


def open_photo(source: PhotoSource, full_size: bool = False) -> Photo:
    """Decode a photograph.

    Args:
        source: the bytes, the path or an open file of a JPEG, PNG, WebP, GIF, BMP, HEIC (with pillow-heif) or
            AVIF photograph, a PIL image, or a uint8 array: (H, W, 3) RGB, (H, W, 4) RGBA or (H, W) grey.
        full_size: keep photographs of more than 50 megapixels at their size instead of reducing them to that, with a
            notice. An edit of 108 megapixels takes 2 GB of memory.

    Raises:
        PhotoRejected: it is not such a file, damaged, empty, or larger than 120 megapixels by its header.
    """
    data: bytes | None = None
    if isinstance(source, np.ndarray):
        array = _checked_array(source)
        if array.ndim == 3 and array.shape[2] == 3:
            return Photo(array)
        image = Image.fromarray(array)
    elif isinstance(source, Image.Image):
        image = source
    elif isinstance(source, (str, os.PathLike)):
        data = photo_bytes(Path(source))
    elif isinstance(source, (bytes, bytearray, memoryview)):
        if len(source) > MAX_BYTES:
            raise PhotoRejected(_too_many_bytes(f"more than {MAX_BYTES // 2**20} MiB"))
        data = bytes(source)
    elif hasattr(source, "read"):
        data = _read_file(source)
    else:
        raise PhotoRejected(
            f"A photograph is a path, bytes, an open file, a PIL image or an array, not {type(source).__name__}."
        )
    keepsake = Keepsake()
    if data is not None:
        kind, image = open_header(data)
        keepsake = Keepsake(kind, edits=edits_named(data) if is_marked(data) else None)
    _check_size(image.width, image.height)
    try:
        image.load()
        return _normalised(image, keepsake, None if full_size else WORKING_PIXELS)
    except Exception as error:  # decoders raise OSError, SyntaxError, ValueError, struct.error and more
        raise PhotoRejected(DAMAGED) from error


def is_photo(value: Any) -> bool:
    """Whether `open_photo` takes a value as one photograph, and not as several of them."""
    if isinstance(value, np.ndarray):
        return value.ndim < 4  # (N, H, W, 3) holds several
    one = (str, bytes, bytearray, memoryview, os.PathLike, Image.Image, Photo)
    return isinstance(value, one) or hasattr(value, "read")


def photo_bytes(path: Path) -> bytes:
    """The content of a photograph's file.

    Raises:
        PhotoRejected: there is no such file, it is a pipe or a device, too large, or cannot be read.
    """
    try:
        status = path.stat()
        if status.st_size > MAX_BYTES:
            raise PhotoRejected(_too_many_bytes(f"{status.st_size / 2**20:.0f} MiB"))
        if not stat.S_ISREG(status.st_mode) and not path.is_dir():  # a pipe may never end
            raise PhotoRejected(f"{path.name!r} is a pipe or a device: give a file.")
        return path.read_bytes()
    except ValueError:
        raise PhotoRejected("The path holds a NUL character: check it.") from None
    except OSError as error:
        if str(path).startswith(ADDRESSES):
            raise PhotoRejected("Addresses are not opened: download the photograph and give the file.") from error
        try:
            there = [other.name for other in path.parent.iterdir()]
        except OSError:
            there = []
        near = difflib.get_close_matches(path.name, there, n=1)
        hint = f"did you mean {near[0]!r}?" if near and near[0] != path.name else "check the path."
        name = path.name if len(path.name) <= 100 else f"{path.name[:100]}..."
        raise PhotoRejected(f"The file {name!r} cannot be read ({error.strerror}): {hint}") from error


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


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise PhotoRejected(_too_large(f" of {width}x{height} pixels"))
    if width == 0 or height == 0:
        raise PhotoRejected("The photograph has no pixels: choose another.")
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise PhotoRejected(f"The picture of {width}x{height} pixels is too thin to show a face: choose another.")


def _too_large(what: str) -> str:
    return f"The photograph{what} is too large: at most {MAX_PIXELS // 10**6} megapixels are taken, so make it smaller."


def _checked_array(array: Any) -> U8:
    if array.dtype != np.uint8 or not (array.ndim == 2 or array.ndim == 3 and array.shape[2] in (3, 4)):
        raise PhotoRejected(
            "An array must be uint8: (height, width, 3) RGB, (height, width, 4) RGBA or (height, width) grey; "
            f"not {tuple(array.shape)} {array.dtype}: convert it."
        )
    _check_size(array.shape[1], array.shape[0])
    checked: U8 = np.ascontiguousarray(array)
    return checked


def _normalised(image: Image.Image, keepsake: Keepsake, limit: int | None) -> Photo:
    notices = []
    if (
        keepsake.kind != "HEIF" and image.format != "MPO" and getattr(image, "is_animated", False)
    ):  # counting would read them all
        image.seek(0)
        notices.append("The picture is animated: its first frame was taken.")
    exif, located = dates_of(image)
    if located:
        notices.append(GPS)
    if image.mode == "CMYK" and image.format in ("JPEG", "MPO") and "adobe" not in image.info:
        # Pillow undoes the inversion that Adobe writes into every CMYK JPEG, whether Adobe wrote this one or not.
        image = _with_info(ImageChops.invert(image), image)
    image = _eight_bits(image)
    if limit is not None and image.width * image.height > limit:
        image, before = _reduced(image, limit), image.size
        notices.append(
            f"The photograph was reduced from {before[0]}x{before[1]} to {image.width}x{image.height} pixels."
        )
    return _opaque_srgb(_upright(image), replace(keepsake, exif=exif), notices)


def _upright(image: Image.Image) -> Image.Image:
    """Turned as its EXIF says. Pillow's own function rewrites the rest of the EXIF, and fails on much of it."""
    try:
        turn = _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # noqa: BLE001 - a damaged EXIF says nothing about the pixels
        return image
    return image if turn is None else image.transpose(turn)


def _eight_bits(image: Image.Image) -> Image.Image:
    """One of the modes L, LA, RGB, RGBA and CMYK, none of which Pillow reduces or converts badly."""
    if image.mode.startswith("I"):
        # Pillow's own conversion clips 16-bit greys at 255.
        grey = (np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)
        return _with_info(Image.fromarray(grey), image)
    if image.mode in ("L", "RGB") and "transparency" not in image.info or image.mode in ("LA", "RGBA", "CMYK"):
        return image
    return _with_info(image.convert("RGBA" if image.has_transparency_data else "RGB"), image)


def _reduced(image: Image.Image, limit: int) -> Image.Image:
    scale = (limit / (image.width * image.height)) ** 0.5
    size = max(1, int(image.width * scale)), max(1, int(image.height * scale))
    return _with_info(image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0), image)


def _opaque_srgb(image: Image.Image, keepsake: Keepsake, notices: list[str]) -> Photo:
    """The pixels to edit, and in the keepsake what they were where these are not the file's own."""
    own = image.convert("RGBA") if image.has_transparency_data else image
    alpha: U8 | None = np.asarray(own.getchannel("A"), np.uint8).copy() if own.mode == "RGBA" else None
    if alpha is not None and alpha.min() == 255:
        alpha = None
    colours = own.convert("RGB") if own.mode == "RGBA" else own
    seen = _to_srgb(colours, image.info.get("icc_profile"))
    if alpha is not None:
        background = Image.new("RGB", seen.size, (WHITE,) * 3)
        seen = Image.composite(seen.convert("RGB"), background, Image.fromarray(alpha))
    pixels: U8 = np.array(seen.convert("RGB"), np.uint8)
    profile = writable_profile(image.info.get("icc_profile")) if colours.mode == "RGB" else None
    if profile is not None or alpha is not None:
        of_file: U8 = np.array(colours if profile is not None else colours.convert("RGB"), np.uint8)
        same = alpha is None and np.array_equal(of_file, pixels)
        keepsake = replace(keepsake, alpha=alpha, profile=profile, colours=None if same else of_file)
    return Photo(pixels, tuple(notices), keepsake)


def _to_srgb(colours: Image.Image, profile: bytes | None) -> Image.Image:
    if not profile or colours.mode not in ("RGB", "CMYK", "L"):
        return colours
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(colours, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return colours  # a damaged profile says nothing about the pixels
    return colours if converted is None else converted


def _with_info(image: Image.Image, original: Image.Image) -> Image.Image:
    image.info = dict(original.info)
    return image
