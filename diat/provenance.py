"""Edited pictures as files: the original's metadata stays behind, and the file says that it was edited and by what.

It says so in its metadata (XMP, and for PNG a text), in its pixels (`diat.watermark`), in a signed manifest where a
certificate is configured (`diat.credentials`), and to everybody's eyes where a label is asked for.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from typing import Any

import cv2
import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from diat import credentials
from diat.errors import InvalidArgument
from diat.pixels import U8
from diat.watermark import watermarked

# What a file's ending asks for.
KINDS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
# The ending of a result, by the kind of its original. What cannot be written becomes JPEG where cameras write it.
WRITTEN_AS = {
    "JPEG": ".jpg",
    "PNG": ".png",
    "WEBP": ".webp",
    "GIF": ".png",
    "BMP": ".png",
    "HEIF": ".jpg",
    "AVIF": ".jpg",
}
MAX_QUALITY = 100
DEFAULT_QUALITY = 95
# Of zlib, 1 to 9. A 12-megapixel photograph takes 0.8 s at 1 and 3.9 s at 6, which makes it an eighth smaller.
PNG_LEVEL = 1
SOFTWARE = "DIAT"
LABEL = "Edited with AI"  # what a label says
LABEL_HEIGHT = 1 / 36  # of the picture's shorter side, and at least
MIN_LABEL_HEIGHT = 9  # pixels
# The IPTC term for a photograph that a trained model has changed.
DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"

_XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
    'xmlns:xmp="http://ns.adobe.com/xap/1.0/" Iptc4xmpExt:DigitalSourceType="{source}" '
    'xmp:CreatorTool="{maker}"/></rdf:RDF></x:xmpmeta>'
)


_EDIT = rb"[A-Za-z0-9_.-]{1,60} strength=[0-9.e+-]{1,12}"
_EDITS = re.compile(rb"%b (%b(?:, %b){0,20})" % (SOFTWARE.encode(), _EDIT, _EDIT))


def edit_of(attribute: str, strength: float) -> str:
    """What a file says of one edit: ``"eyeglasses_remove strength=1"``."""
    return f"{attribute} strength={strength:g}"


def edited_by(attribute: str, strength: float) -> str:
    """What a file says of its maker: ``"DIAT eyeglasses_remove strength=1"``."""
    return maker_of([edit_of(attribute, strength)])


def maker_of(edits: Iterable[str]) -> str:
    """The same of several edits, one on top of another, see `edit_of`."""
    return f"{SOFTWARE} {', '.join(edits)}".rstrip()


def encode(
    pixels: U8,
    maker: str | None,
    kind: str = "PNG",
    quality: int = DEFAULT_QUALITY,
    profile: bytes | None = None,
    exif: bytes = b"",
    label: bool = False,
    invisible: bool = True,
) -> bytes:
    """Encode a photograph, with marks if it was edited.

    Args:
        pixels: (H, W, 3) RGB uint8, or (H, W, 4) with transparency, which a JPEG cannot have.
        maker: what the file says of its maker, see `maker_of`; None for a photograph that was not edited, which
            carries no mark of any kind.
        kind: ``"PNG"``, ``"JPEG"`` (full chroma) or ``"WEBP"`` (lossless).
        quality: of a JPEG, 1 to 100.
        profile: ICC profile of the pixels; None is sRGB.
        exif: to put into the file.
        label: write `LABEL` into the picture's lower right corner.
        invisible: put the invisible mark into the pixels, which moves them by a few levels; without it, what was not
            changed is bit-equal to the photograph in a PNG or WebP.

    Raises:
        InvalidArgument: another kind or quality.
        DiatError: a certificate is configured and cannot be used.
    """
    if not 1 <= quality <= MAX_QUALITY:
        raise InvalidArgument(f"The quality must be from 1 to {MAX_QUALITY}, not {quality}.")
    kept: dict[str, Any] = {"icc_profile": profile, "exif": exif}
    if maker is not None:
        pixels = labelled(pixels) if label else pixels
        pixels = watermarked(pixels) if invisible else pixels
        xmp = _XMP.format(source=DIGITAL_SOURCE_TYPE, maker=maker)
        kept |= {"pnginfo": _png_info(maker, xmp)} if kind == "PNG" else {"xmp": xmp.encode()}
    image, buffer = Image.fromarray(pixels), io.BytesIO()
    if kind == "PNG":
        image.save(buffer, "PNG", compress_level=PNG_LEVEL, **kept)
    elif kind == "JPEG":
        image.save(buffer, "JPEG", quality=quality, subsampling=0, **kept)
    elif kind == "WEBP":
        image.save(buffer, "WEBP", lossless=True, exact=True, **kept)
    else:
        raise InvalidArgument(f"The kind must be PNG, JPEG or WEBP, not {kind!r}.")
    if maker is not None and credentials.configured():
        return credentials.signed(buffer.getvalue(), kind, maker, DIGITAL_SOURCE_TYPE)
    return buffer.getvalue()


def _png_info(maker: str, xmp: str) -> PngInfo:
    info = PngInfo()
    info.add_text("Software", maker)
    info.add_itxt("XML:com.adobe.xmp", xmp)
    return info


def labelled(pixels: U8) -> U8:
    """A copy of a picture, (H, W, 3) or (H, W, 4), with `LABEL` in its lower right corner, white on grey."""
    height, width = pixels.shape[:2]
    text_height = max(MIN_LABEL_HEIGHT, round(min(height, width) * LABEL_HEIGHT))
    font, thick = cv2.FONT_HERSHEY_SIMPLEX, max(1, round(text_height / 9))
    scale = cv2.getFontScaleFromHeight(font, text_height, thick)
    (across, up), down = cv2.getTextSize(LABEL, font, scale, thick)
    edge = text_height // 2
    result: U8 = np.ascontiguousarray(pixels).copy()
    left, top = max(0, width - across - 2 * edge), max(0, height - up - down - 2 * edge)
    corner = result[top:, left:]
    corner[..., :3] = corner[..., :3] // 3
    corner[..., 3:] = 255
    colour = (255,) * pixels.shape[2]
    cv2.putText(result, LABEL, (left + edge, height - edge - down), font, scale, colour, thick, cv2.LINE_AA)
    return result


def mark_jpeg(data: bytes, attribute: str, strength: float) -> bytes:
    """A JPEG with the mark that `encode` writes, without encoding it again."""
    xmp = _XMP.format(source=DIGITAL_SOURCE_TYPE, maker=edited_by(attribute, strength)).encode()
    segment = b"http://ns.adobe.com/xap/1.0/\0" + xmp
    # An APP1 segment, whose length counts its own two bytes, after the two that begin every JPEG.
    return data[:2] + b"\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment + data[2:]


def is_marked(data: bytes) -> bool:
    """Whether a file carries the mark that `encode` writes."""
    return DIGITAL_SOURCE_TYPE.encode() in data


def edits_named(data: bytes) -> tuple[str, ...]:
    """The edits that a file names, see `edit_of`; none where it names none."""
    found = _EDITS.search(data)
    return tuple(found[1].decode().split(", ")) if found else ()
