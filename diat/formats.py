"""What kind of picture some bytes are, by their content, and its header: nothing is decoded here."""

from __future__ import annotations

import io
from collections.abc import Callable

from PIL import Image
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import jpeg_factory
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from diat.errors import PhotoRejected

# The kind that a file's ending promises.
SUFFIXES = {
    ".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP", ".gif": "GIF", ".heic": "HEIF", ".heif": "HEIF",
    ".avif": "AVIF", ".bmp": "BMP",
}  # fmt: skip
NAMES = "JPEG, PNG, WebP, GIF, BMP, HEIC or AVIF"
DAMAGED = "The photograph is damaged or cut off: export or copy it again."
# How TIFF begins. Photographs in it are rare, and libtiff, which it needs, has a long record of holes.
TIFF = (b"II*\0", b"MM\0*")
BMP_HEADERS = {12, 40, 52, 56, 64, 108, 124}  # bytes of the second one, which says so; "BM" alone begins many a text
# The two that are plain pixels. Pillow unpacks the others in Python, run by run, and no photograph is in them.
BMP_PLAIN = (BmpImageFile.COMPRESSIONS["RAW"], BmpImageFile.COMPRESSIONS["BITFIELDS"])
# Of a JPEG. Each is decoded over the whole picture, so that a small file of many empty ones takes minutes; progressive
# files as programs write them have about ten.
MAX_SCANS = 100
MAX_BRANDS = 64  # of an ISO file; bytes of its first box are looked at no further
HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
AVIF_BRANDS = {b"avif", b"avis"}

Reader = Callable[[io.BytesIO], Image.Image]


def _heif(file: io.BytesIO) -> Image.Image:
    try:
        from pillow_heif import HeifImageFile
    except ImportError:
        raise PhotoRejected(
            "This is a HEIC photograph: run `pip install 'diat[heic]'` to read it, or export it as JPEG."
        ) from None
    image: Image.Image = HeifImageFile(file)  # type: ignore[no-untyped-call]
    return image


def _bmp(file: io.BytesIO) -> Image.Image:
    image = BmpImageFile(file)
    if image.info.get("compression") not in BMP_PLAIN:
        raise PhotoRejected("The BMP is compressed, as no photograph is: export it as JPEG or PNG.")
    return image


# Called directly: Image.open would warn of every picture above 89 megapixels, and what may be too large is said below.
_READERS: dict[str, Reader] = {
    "JPEG": lambda file: jpeg_factory(file),
    "PNG": PngImageFile,
    "WEBP": WebPImageFile,
    "GIF": GifImageFile,
    "HEIF": _heif,
    "AVIF": AvifImageFile,
    "BMP": _bmp,
}


def kind_of(data: bytes) -> str | None:
    """One of `SUFFIXES`' kinds, such as ``"JPEG"``; ``"HEIF"`` is HEIC, too. None is nothing known."""
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WEBP"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if data.startswith(b"BM") and int.from_bytes(data[14:18], "little") in BMP_HEADERS:
        return "BMP"
    if data[4:8] == b"ftyp":
        # The brand, a version, and more brands that the file is compatible with.
        end = min(int.from_bytes(data[:4], "big"), 4 * MAX_BRANDS)
        brands = {data[8:12]} | {data[place : place + 4] for place in range(16, end, 4)}
        if brands & AVIF_BRANDS:
            return "AVIF"
        if brands & HEIF_BRANDS:
            return "HEIF"
    return None


def open_header(data: bytes) -> tuple[str, Image.Image]:
    """The kind of a picture, and the picture with its header read and its pixels not.

    Raises:
        PhotoRejected: it is of another kind, its header is damaged, or it would take minutes to decode.
    """
    if not data:
        raise PhotoRejected(f"The file is empty: choose a {NAMES} photograph.")
    kind = kind_of(data)
    if kind is None and data.startswith(TIFF):
        raise PhotoRejected("TIFF files are not read: export the photograph as JPEG or PNG.")
    if kind is None:
        raise PhotoRejected(f"This file is not a {NAMES} photograph, whatever its name: export it as one of these.")
    check_scans(data)
    try:
        return kind, _READERS[kind](io.BytesIO(data))
    except PhotoRejected:
        raise
    except Exception as error:  # a damaged header makes readers raise anything
        raise PhotoRejected(DAMAGED) from error


def check_scans(data: bytes) -> None:
    """Refuse a JPEG of so many scans that it would take minutes to decode. Other files pass.

    Raises:
        PhotoRejected: it has more than `MAX_SCANS`.
    """
    if data.startswith(b"\xff\xd8") and data.count(b"\xff\xda") > MAX_SCANS:  # start-of-scan markers
        raise PhotoRejected(f"The JPEG has more than {MAX_SCANS} scans, which no camera writes: export it again.")
