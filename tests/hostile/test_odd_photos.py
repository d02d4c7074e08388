"""Photographs that programs stumble over: broken EXIF, thin pictures, pipes, animations, images of PIL that fail."""

from __future__ import annotations

import io
import os
import struct
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import GifImagePlugin, Image
from test_photos import assert_sentence, encoded, psnr

from diat.errors import PhotoRejected
from diat.pages.live_session import decode_frame
from diat.photo import MAX_BYTES, Photo, is_photo, open_photo, photo_bytes
from diat.provenance import WRITTEN_AS


@pytest.fixture(scope="module")
def portrait(collins) -> Image.Image:
    return Image.fromarray(collins[40:240, 140:300])


BROKEN_EXIF = {
    "no TIFF": b"Exif\0\0no TIFF at all",
    "cut off": b"Exif\0\0MM\0*\0\0",
    "directory beyond the end": b"Exif\0\0MM\0*\xff\xff\xff\xf0",
    "entries beyond the end": b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\x01\x12\0\x03" * 3,
    "of a type that is none": b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\xff\0\0\0\x01\0\x06\0\0\0\0\0\0",
    "text for a number": b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x02\0\0\0\x04abc\0\0\0\0\0",
}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("name", BROKEN_EXIF)
def test_exif_that_cannot_be_read_says_nothing_about_the_pixels(portrait, kind, name):
    options = {"lossless": True} if kind == "WEBP" else {}
    pixels = open_photo(encoded(portrait, kind, exif=BROKEN_EXIF[name], **options)).pixels
    assert psnr(pixels, np.asarray(portrait)) > 30


def test_exif_that_pillow_cannot_write_back_turns_the_picture_all_the_same(portrait):
    # Orientation 6 and an entry of a type that is read but not written: rewriting it raised struct.error.
    entries = b"\x01\x12\0\x03\0\0\0\x01\0\x06\0\0" + b"\x01\x1a\0\x05\0\0\0\x01\xff\xff\xff\xff"
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x02" + entries + b"\0\0\0\0"
    pixels = open_photo(encoded(portrait.transpose(Image.Transpose.ROTATE_90), "PNG", exif=exif)).pixels
    np.testing.assert_array_equal(pixels, np.asarray(portrait))


@pytest.mark.parametrize("size", [(2000, 1), (1, 2000), (4000, 30)])
def test_a_picture_too_thin_for_a_face_is_refused(size):
    with pytest.raises(PhotoRejected, match="too thin") as error:
        open_photo(encoded(Image.new("RGB", size)))
    assert_sentence(error)


def test_a_pipe_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "photo.jpg")
    start = time.perf_counter()
    for path in (tmp_path / "photo.jpg", "/dev/zero"):
        with pytest.raises(PhotoRejected, match="a pipe or a device"):
            open_photo(path)
    assert time.perf_counter() - start < 1


def test_a_path_with_a_nul_is_refused():
    with pytest.raises(PhotoRejected, match="NUL"):
        open_photo("photo\0.jpg")


def test_an_animations_frames_are_not_counted(monkeypatch):
    data = encoded(Image.new("RGB", (8, 8)), "GIF", save_all=True, append_images=[Image.new("RGB", (8, 8), "red")])

    def counted(image):
        raise AssertionError("a file of a million frames would take seconds")

    monkeypatch.setattr(GifImagePlugin.GifImageFile, "n_frames", property(counted))
    assert "first frame" in open_photo(data).notices[0]


@pytest.mark.parametrize("name", ["La", "closed", "cut"])
def test_a_pil_image_that_cannot_be_read_is_refused(name, portrait):
    if name == "La":
        image = Image.new("La", (40, 40))
    elif name == "closed":
        image = Image.open(io.BytesIO(encoded(portrait)))
        image.close()
    else:
        image = Image.open(io.BytesIO(encoded(portrait)[:-3000]))
    try:
        assert open_photo(image).pixels.shape[2] == 3
    except PhotoRejected as error:
        assert "Traceback" not in str(error)


def test_what_counts_as_one_photograph(portrait):
    picture = np.asarray(portrait)
    for one in (picture, "a.jpg", b"", bytearray(), memoryview(b""), Path("a"), portrait, Photo(picture), io.BytesIO()):
        assert is_photo(one)
    for other in (picture[None], [picture], ("a.jpg",), None, 5):
        assert not is_photo(other)


def test_bytes_of_any_kind_are_taken_and_too_many_are_not(portrait):
    data = encoded(portrait, "PNG")
    for kind in (bytes, bytearray, memoryview):
        np.testing.assert_array_equal(open_photo(kind(data)).pixels, np.asarray(portrait))
    with pytest.raises(PhotoRejected, match="The file is more than 40 MiB large: at most 40 MiB are accepted"):
        open_photo(bytes(MAX_BYTES + 1))


def test_limits_are_taken_at_their_edge(tmp_path):
    assert open_photo(np.zeros((1, 100, 3), np.uint8)).pixels.shape == (1, 100, 3)
    (tmp_path / "full.jpg").write_bytes(b"x" * MAX_BYTES)
    assert len(photo_bytes(tmp_path / "full.jpg")) == MAX_BYTES
    with pytest.raises(PhotoRejected, match="is not a JPEG"):
        open_photo(io.BytesIO(b"x" * MAX_BYTES))


def test_an_open_file_is_read_no_further_than_the_limit():
    class Endless(io.RawIOBase):
        def read(self, size=-1):
            assert 0 < size <= MAX_BYTES + 1
            return bytes(size)

    with pytest.raises(PhotoRejected, match="more than 40 MiB"):
        open_photo(Endless())


def test_a_long_name_is_cut_in_the_sentence_and_a_folder_that_is_not_there_suggests_nothing(tmp_path):
    with pytest.raises(PhotoRejected, match="'x{100}\\.\\.\\.' cannot be read"):
        photo_bytes(tmp_path / ("x" * 200))
    with pytest.raises(PhotoRejected, match="'a.jpg' cannot be read .*: check the path"):
        photo_bytes(tmp_path / "none" / "a.jpg")


def test_exif_that_raises_when_it_is_read_leaves_the_pixels_as_they_are(portrait, monkeypatch):
    data = encoded(portrait, "PNG")

    def fail(*_):
        raise struct.error("no exif")

    monkeypatch.setattr(Image.Image, "getexif", fail)
    photo = open_photo(data)
    np.testing.assert_array_equal(photo.pixels, np.asarray(portrait))
    assert photo.keepsake.exif == b""


@pytest.mark.parametrize(("reader", "size"), [(open_photo, (5000, 5000)), (decode_frame, (1920, 1080))])
def test_a_jpeg_of_a_thousand_scans_is_refused_before_it_is_decoded(reader, size):
    """On the way of /edit, and of /live/frame."""
    data = encoded(Image.new("L", size), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    bomb = data[:last] + data[last:-2] * 1000 + data[-2:]
    start = time.process_time()
    with pytest.raises(PhotoRejected, match="more than 100 scans") as error:
        reader(bomb)
    assert time.process_time() - start < 0.05  # 2 ms of work; decoding the larger takes 35 s
    assert_sentence(error)


def test_a_progressive_photograph_is_taken(portrait):
    pixels = open_photo(encoded(portrait, "JPEG", progressive=True, quality=95)).pixels
    assert psnr(pixels, np.asarray(portrait)) > 30


def test_grey_and_transparent_arrays_are_taken_as_their_pictures_are(portrait):
    grey, rgba = np.asarray(portrait.convert("L")), np.asarray(portrait.convert("RGBA")).copy()
    rgba[:20, :, 3] = 0
    for array in (grey, rgba, np.asfortranarray(grey), rgba[::-1]):
        taken, wanted = open_photo(array), open_photo(Image.fromarray(np.ascontiguousarray(array)))
        np.testing.assert_array_equal(taken.pixels, wanted.pixels)
        np.testing.assert_equal(taken.keepsake.alpha, wanted.keepsake.alpha)
    assert open_photo(rgba).keepsake.alpha is not None


@pytest.mark.parametrize(
    "array",
    [np.zeros((64, 64, 3)), np.zeros((64, 64), np.float32), np.zeros((64, 64, 1), np.uint8), np.zeros((64, 64), bool)],
)
def test_other_arrays_are_refused_by_a_sentence_that_says_which_are_taken(array):
    with pytest.raises(PhotoRejected, match=r"An array must be uint8: .* RGB, .* RGBA or .* grey; not \(64, 64"):
        open_photo(array)


def test_a_tiff_is_told_what_to_do(portrait):
    with pytest.raises(PhotoRejected, match="TIFF files are not read: export the photograph as JPEG or PNG."):
        open_photo(encoded(portrait, "TIFF"))


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "1", "RGBA"])
def test_a_bmp_is_read_and_its_result_is_a_png(portrait, mode):
    converted = portrait.convert(mode)
    photo = open_photo(encoded(converted, "BMP"))
    np.testing.assert_array_equal(photo.pixels, np.asarray(converted.convert("RGB")))
    assert WRITTEN_AS[str(photo.keepsake.kind)] == ".png"


@pytest.mark.parametrize("compression", [1, 2, 4, 5, 77])
def test_a_compressed_bmp_is_refused_before_it_is_decoded(portrait, compression):
    data = bytearray(encoded(portrait.convert("P"), "BMP"))
    data[30:34] = compression.to_bytes(4, "little")
    with pytest.raises(PhotoRejected, match="compressed|damaged"):
        open_photo(bytes(data))
