"""Hostile files, generated: photographs, films and model folders, the same ones for the same seed.

`photographs()`, `films()` and `model_folders()` give names and contents. What they hold was found to break programs, or
is a whole file with random damage.
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from films import film
from PIL import Image

from diat.hub import EMBEDDED
from diat.models import CONFIG, MANIFEST, WEIGHTS

KINDS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF")
DAMAGED = 60  # of each kind of photograph
FILM_SUFFIXES = (".mp4", ".mkv", ".avi", ".ts")
DAMAGED_FILMS = 14  # of each kind


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """With bytes changed, cut out, doubled, or the end missing."""
    way, size = rng.integers(4), len(data)
    start = int(rng.integers(0, size))
    if way == 0:
        changed = np.frombuffer(data, np.uint8).copy()
        where = rng.integers(0, size, rng.integers(1, 30))
        changed[where] = rng.integers(0, 256, len(where))
        return changed.tobytes()
    if way == 1:
        return data[:start] + data[start + int(rng.integers(1, 200)) :]
    if way == 2:
        return data[:start] + data[start : start + 500] + data[start:]
    return data[:start]


def photographs(picture: np.ndarray, seed: int = 0) -> Iterator[tuple[str, bytes]]:
    """About 440 photographs of one picture, (H, W, 3) RGB, whole and not, and files that are none."""
    rng = np.random.default_rng(seed)
    image = Image.fromarray(picture)
    for kind in KINDS:
        whole = encoded(image, kind)
        yield f"whole.{kind}", whole
        for number in range(DAMAGED):
            yield f"damaged-{number}.{kind}", damaged(whole, rng)
    for mode in ("1", "L", "P", "LA", "RGBA", "CMYK", "YCbCr", "I;16"):
        for kind in ("PNG", "JPEG"):
            try:
                yield f"{mode}.{kind}", encoded(image.convert(mode), kind)
            except (OSError, ValueError):
                continue
    for orientation in (*range(10), 255, 65535):
        exif = Image.Exif()
        exif[274] = orientation
        for kind in ("JPEG", "PNG", "WEBP"):
            yield f"orientation-{orientation}.{kind}", encoded(image, kind, exif=exif)
    for number in range(30):
        body = b"MM\0*" + rng.integers(0, 256, int(rng.integers(0, 300))).astype(np.uint8).tobytes()
        yield f"exif-{number}.JPEG", encoded(image, "JPEG", exif=b"Exif\0\0" + body)
    for width, height in ((1, 1), (1, 5000), (5000, 1), (2, 90), (7000, 60), (17, 17)):
        yield f"size-{width}x{height}.png", encoded(Image.new("RGB", (width, height)), "PNG")
    yield from _bombs()
    for name, data in {
        "empty": b"", "text": b"no picture at all", "html": b"<!DOCTYPE html><p>404", "zeros": bytes(5000),
        "svg": b'<svg xmlns="http://www.w3.org/2000/svg"/>', "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n",
        "tiff": encoded(image, "TIFF"), "bmp": encoded(image, "BMP"), "zip": b"PK\3\4" + bytes(99),
    }.items():  # fmt: skip
        yield f"{name}.jpg", data
    for number in range(20):
        yield f"noise-{number}.jpg", b"\xff\xd8\xff" + rng.integers(0, 256, 3000).astype(np.uint8).tobytes()


def _bombs() -> Iterator[tuple[str, bytes]]:
    progressive = encoded(Image.new("L", (4000, 4000)), "JPEG", progressive=True)
    last = progressive.rindex(b"\xff\xda")
    for scans in (200, 1000):
        yield f"scans-{scans}.jpg", progressive[:last] + progressive[last:-2] * scans + progressive[-2:]
    for side in (12_000, 40_000, 2**31 - 1):
        header = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
        rows = b"IDAT" + zlib.compress(bytes(10_000))
        chunks = (
            struct.pack(">I", len(part) - 4) + part + struct.pack(">I", zlib.crc32(part)) for part in (header, rows)
        )
        yield f"bomb-{side}.png", b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
    yield "bomb.gif", b"GIF89a\xff\xff\xff\xff\xf0\0\0" + bytes(800)
    frames = encoded(Image.new("L", (16, 16)), "GIF", save_all=True, append_images=[Image.new("L", (16, 16), 200)] * 9)
    yield "frames.gif", frames


def films(pictures: list[np.ndarray], seed: int = 0) -> Iterator[tuple[str, bytes]]:
    """About 70 films of a few pictures: damaged, playlists, names that lie, and none."""
    rng = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as folder:
        for suffix in FILM_SUFFIXES:
            whole = film(Path(folder) / f"film{suffix}", pictures, sound=suffix != ".avi").read_bytes()
            yield f"whole{suffix}", whole
            for number in range(DAMAGED_FILMS):
                yield f"damaged-{number}{suffix}", damaged(whole, rng)
    for name, text in {
        "list.m3u8": "#EXTM3U\n#EXTINF:1,\n/etc/passwd\n", "list.mp4": "#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n",
        "concat.mp4": "ffconcat version 1.0\nfile whole.mp4\n", "dash.mp4": '<?xml version="1.0"?><MPD></MPD>',
        "sdp.mp4": "v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n", "empty.mp4": "", "text.mkv": "no film",
    }.items():  # fmt: skip
        yield name, text.encode()


def model_folders(seed: int = 0) -> Iterator[tuple[str, dict[str, bytes]]]:
    """About 130 folders of a model's three files; all but the one called "whole" must be refused."""
    rng = np.random.default_rng(seed)
    folder = EMBEDDED / "mouth_close"
    whole = {name: (folder / name).read_bytes() for name in (WEIGHTS, CONFIG, MANIFEST)}
    yield "whole", whole
    for name in whole:
        yield f"without-{name}", {other: data for other, data in whole.items() if other != name}
        for number in range(15):
            yield f"damaged-{number}-{name}", {**whole, name: damaged(whole[name], rng)}
    for number in range(40):  # with a manifest that fits
        yield f"signed-weights-{number}", _signed({**whole, WEIGHTS: damaged(whole[WEIGHTS], rng)})
    config = json.loads(whole[CONFIG])
    for key in (*config, "nothing"):
        for value in (None, "x", -1, 1e300, [], {}):
            if key not in ("training", "nothing") and config[key] != value and not (key == "strength" and value == "x"):
                changed = {**config, key: value}
                yield f"config-{key}-{value}", _signed({**whole, CONFIG: json.dumps(changed).encode()})
    for name, text in {"deep": "[" * 100_000, "list": "[]", "utf16": "{}", "number": "1e999"}.items():
        encoding = "utf-16" if name == "utf16" else "utf-8"
        yield f"manifest-{name}", {**whole, MANIFEST: text.encode(encoding)}
        yield f"config-{name}", _signed({**whole, CONFIG: text.encode(encoding)})


def _signed(files: dict[str, bytes]) -> dict[str, bytes]:
    digests = {name: hashlib.sha256(files[name]).hexdigest() for name in (WEIGHTS, CONFIG)}
    return {**files, MANIFEST: json.dumps(digests).encode()}
