"""HEIC and AVIF files, whole, turned and damaged, and photographs of more pixels than are worked on."""

from __future__ import annotations

import struct
import sys
import time

import numpy as np
import pytest
from PIL import Image
from test_photos import TURNS, assert_sentence, encoded, psnr

from diat.errors import PhotoRejected
from diat.photo import open_photo


@pytest.fixture(scope="module")
def portrait(collins) -> Image.Image:
    return Image.fromarray(collins[40:240, 140:300])


def test_a_photograph_of_a_telephone_is_taken(portrait):
    for kind in ("HEIF", "AVIF"):
        photo = open_photo(encoded(portrait, kind, quality=95))
        assert photo.keepsake.kind == kind
        assert psnr(photo.pixels, np.asarray(portrait)) > 30
        assert photo.notices == ()


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
def test_a_telephone_held_in_any_way(portrait, orientation, kind):
    exif = Image.Exif()
    exif[274] = orientation
    turn = TURNS[orientation]
    stored = portrait if turn is None else portrait.transpose(turn)
    pixels = open_photo(encoded(stored, kind, quality=95, exif=exif.tobytes())).pixels
    assert psnr(pixels, np.asarray(portrait)) > 30


def renamed_sizes(data: bytes, width: int, height: int) -> bytes:
    """The file with other sizes in its header ("ispe" boxes)."""
    changed, place = bytearray(data), -1
    while (place := changed.find(b"ispe", place + 1)) >= 0:
        changed[place + 8 : place + 16] = struct.pack(">II", width, height)
    return bytes(changed)


@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
def test_the_header_of_a_telephones_photograph_is_believed_before_anything_is_decoded(portrait, kind):
    start = time.process_time()
    with pytest.raises(PhotoRejected) as error:
        open_photo(renamed_sizes(encoded(portrait, kind), 15_000, 15_000))
    assert time.process_time() - start < 0.5
    assert_sentence(error)


def test_a_heic_file_larger_than_its_header_says_is_refused(portrait):
    with pytest.raises(PhotoRejected) as error:
        open_photo(renamed_sizes(encoded(portrait, "HEIF"), 16, 16))
    assert_sentence(error)


def test_a_heic_photograph_without_its_library_is_one_sentence(portrait, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(PhotoRejected, match="HEIC photograph: run `pip install 'diat"):
        open_photo(encoded(portrait, "HEIF"))


def test_a_photograph_too_large_to_work_on_is_reduced_and_that_is_said(monkeypatch):
    monkeypatch.setattr("diat.photo.WORKING_PIXELS", 10_000)
    for mode in ("RGB", "RGBA", "L", "P", "CMYK", "I;16"):
        image = Image.new("RGB", (400, 100), (200, 60, 30)).convert(mode if mode != "I;16" else "L")
        if mode == "I;16":
            image = Image.fromarray(np.asarray(image).astype(np.uint16) << 8)
        data = encoded(image, "JPEG" if mode == "CMYK" else "PNG")
        photo = open_photo(data)
        assert photo.pixels.shape == (50, 200, 3), mode
        assert photo.notices == ("The photograph was reduced from 400x100 to 200x50 pixels.",)
        assert open_photo(data, full_size=True).pixels.shape == (100, 400, 3)
        # A palette is dithered, and a JPEG not exact.
        assert np.abs(photo.pixels.mean((0, 1)) - open_photo(data, full_size=True).pixels.mean((0, 1))).max() <= 2
