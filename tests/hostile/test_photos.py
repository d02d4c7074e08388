"""Bad and odd photographs: one clear sentence, never a traceback, and the right pixels where there are any."""

from __future__ import annotations

import io
import re
import struct
import time
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms

from diat.errors import PhotoRejected
from diat.photo import MAX_BYTES, open_photo

pillow_heif.register_heif_opener()  # for the tests to write such files: the program reads them without it


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def portrait(collins) -> Image.Image:
    return Image.fromarray(collins[40:240, 140:300])


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / max(np.mean((a.astype(float) - b) ** 2), 1e-9)))


def assert_sentence(error: pytest.ExceptionInfo[PhotoRejected]) -> None:
    text = str(error.value)
    assert re.fullmatch(r"[A-Z].{20,240}\.", text), text
    assert "Traceback" not in text


# EXIF orientation -> how PIL must store the upright picture so that the tag turns it back.
TURNS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_exif_turned_photographs_come_out_upright(portrait, orientation, kind):
    turn = TURNS[orientation]
    stored = portrait if turn is None else portrait.transpose(turn)
    exif = Image.Exif()
    exif[274] = orientation
    options = {"quality": 98, "subsampling": 0} if kind == "JPEG" else {}
    pixels = open_photo(encoded(stored, kind, exif=exif, **options)).pixels
    if kind == "PNG":
        np.testing.assert_array_equal(pixels, np.asarray(portrait))
    else:
        assert psnr(pixels, np.asarray(portrait)) > 40


@pytest.mark.parametrize("adobe", [True, False])
def test_cmyk_jpegs_with_and_without_adobes_marker(portrait, adobe):
    cmyk = portrait.convert("CMYK")
    data = encoded(cmyk, "JPEG", quality=98, subsampling=0)
    assert b"Adobe" in data
    if not adobe:
        # The same picture as other programs write it: no marker, values not inverted.
        inverted = Image.eval(cmyk, lambda value: 255 - value)
        data = encoded(inverted, "JPEG", quality=98, subsampling=0)
        start = data.index(b"\xff\xee")
        length = struct.unpack(">H", data[start + 2 : start + 4])[0]
        data = data[:start] + data[start + 2 + length :]
    pixels = open_photo(data).pixels
    assert np.abs(pixels.astype(int) - np.asarray(cmyk.convert("RGB"))).mean() < 3


def test_sixteen_bit_greys_are_scaled_not_clipped():
    values = np.array([[0, 255, 256, 40000, 65535]], np.uint16).repeat(4, 0)
    pixels = open_photo(encoded(Image.fromarray(values))).pixels
    assert pixels[0, :, 0].tolist() == [0, 0, 1, 156, 255]
    assert pixels.shape == (4, 5, 3)


def test_hidden_colour_under_alpha_stays_hidden():
    array = np.zeros((8, 8, 4), np.uint8)
    array[..., 0] = 200
    array[:4, :, 3] = 255
    photo = open_photo(encoded(Image.fromarray(array, "RGBA")))
    assert photo.pixels[0, 0].tolist() == [200, 0, 0]
    assert photo.pixels[7, 0].tolist() == [255, 255, 255]
    assert photo.keepsake.alpha[0, 0] == 255 and photo.keepsake.alpha[7, 0] == 0


def test_a_transparent_palette_is_laid_on_white():
    image = Image.new("P", (4, 4), 0)
    image.putpalette([10, 20, 30, 40, 50, 60])
    photo = open_photo(encoded(image, "PNG", transparency=0))
    assert photo.pixels[0, 0].tolist() == [255, 255, 255]


def test_opaque_alpha_needs_no_notice(portrait):
    photo = open_photo(encoded(portrait.convert("RGBA")))
    np.testing.assert_array_equal(photo.pixels, np.asarray(portrait))
    assert photo.notices == () and photo.keepsake.alpha is None


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_the_first_frame_of_an_animation_is_taken_and_said(kind):
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "blue", "lime")]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=100, **options)
    photo = open_photo(data)
    assert photo.pixels[5, 5].tolist() == [255, 0, 0]
    assert "first frame" in photo.notices[0]


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA"])
def test_other_modes_become_rgb(portrait, mode):
    pixels = open_photo(encoded(portrait.convert(mode))).pixels
    assert pixels.shape == (*portrait.size[::-1], 3)
    assert pixels.dtype == np.uint8


def test_a_colour_profile_is_applied(portrait):
    # A profile with red and blue exchanged: who ignores it shows a blue face.
    srgb = ImageCms.createProfile("sRGB")
    lab = ImageCms.createProfile("LAB")
    plain = ImageCms.ImageCmsProfile(srgb).tobytes()
    unprofiled = open_photo(encoded(portrait, icc_profile=plain)).pixels
    assert np.abs(unprofiled.astype(int) - np.asarray(portrait)).max() <= 1
    wide = bytearray(plain)
    red, blue = (wide.index(tag, 128) for tag in (b"rXYZ", b"bXYZ"))
    wide[red : red + 4], wide[blue : blue + 4] = wide[blue : blue + 4], wide[red : red + 4]
    assert lab is not None
    swapped = open_photo(encoded(portrait, icc_profile=bytes(wide))).pixels
    assert np.abs(swapped.astype(int) - np.asarray(portrait)[..., ::-1]).mean() < 4


def test_a_damaged_profile_is_ignored(portrait):
    pixels = open_photo(encoded(portrait, icc_profile=b"no profile" * 20)).pixels
    np.testing.assert_array_equal(pixels, np.asarray(portrait))


KINDS = ["JPEG", "PNG", "WEBP", "GIF", "BMP", "HEIF", "AVIF"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_truncated_photograph_is_refused(portrait, kind):
    data = encoded(portrait, kind)
    with pytest.raises(PhotoRejected) as error:
        open_photo(data[: len(data) // 2])
    assert_sentence(error)
    assert "(" not in str(error.value)  # a decoder's own words, of bytes and blocks, help nobody


NOT_PHOTOGRAPHS = {
    "empty": b"",
    "html": b"<!DOCTYPE html><html><body>404</body></html>",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9"/></svg>',
    "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n",
    "tiff": encoded(Image.new("RGB", (9, 9)), "TIFF"),
    "bmp header alone": encoded(Image.new("RGB", (9, 9)), "BMP")[:54],
    "bmp, said to be huge": encoded(Image.new("RGB", (9, 9)), "BMP").replace(
        struct.pack("<ii", 9, 9), struct.pack("<ii", 10**6, 99)
    ),
    "a text": b"BM is how this text begins, and it goes on for a while.",
    "heic header alone": b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + b"\x00" * 64,
    "avif header alone": b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00avifmif1miaf" + b"\x00" * 64,
    "mp4": b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2" + b"\x00" * 64,
    "zeros": b"\x00" * 4096,
    "png header alone": b"\x89PNG\r\n\x1a\n",
    "jpeg header alone": b"\xff\xd8\xff",
}


@pytest.mark.parametrize("name", NOT_PHOTOGRAPHS)
def test_what_is_no_photograph_is_refused_by_content(name, tmp_path):
    path = tmp_path / "holiday.jpg"
    path.write_bytes(NOT_PHOTOGRAPHS[name])
    with pytest.raises(PhotoRejected) as error:
        open_photo(path)
    assert_sentence(error)


@pytest.mark.parametrize("side", [10_955, 13_000, 30_000])
def test_too_many_pixels_are_refused_from_the_header(side):
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    chunk = b"IHDR" + header
    rows = zlib.compress(b"\x00" * 1000)
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    data += struct.pack(">I", len(rows)) + b"IDAT" + rows + struct.pack(">I", zlib.crc32(b"IDAT" + rows))
    start = time.process_time()
    with pytest.raises(PhotoRejected, match="120 megapixels") as error:
        open_photo(data)
    assert time.process_time() - start < 0.5
    assert_sentence(error)


def test_a_file_of_too_many_bytes_is_refused_unread(tmp_path):
    path = tmp_path / "large.jpg"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(PhotoRejected, match="40 MiB"):
        open_photo(path)


@pytest.mark.parametrize("name", ["missing.jpg", "folder"])
def test_a_path_that_cannot_be_read_is_refused(tmp_path, name):
    (tmp_path / "folder").mkdir()
    with pytest.raises(PhotoRejected, match=name):
        open_photo(tmp_path / name)
    with pytest.raises(PhotoRejected, match="Addresses are not opened: download"):
        open_photo(f"https://example.org/{name}")


@pytest.mark.parametrize(
    "array",
    [np.zeros((9, 9, 2), "u1"), np.zeros((9, 9, 3), "f4"), np.zeros((0, 9, 3), "u1"), np.zeros((0, 9), "u1")],
    ids=["two channels", "float", "no rows", "no grey rows"],
)
def test_arrays_of_another_kind_are_refused(array):
    with pytest.raises(PhotoRejected) as error:
        open_photo(array)
    assert_sentence(error)


def test_random_damage_never_raises_anything_else(portrait):
    rng = np.random.default_rng(0)
    for kind in KINDS:
        whole = np.frombuffer(encoded(portrait, kind), np.uint8)
        for _ in range(60):
            data = whole.copy()
            where = rng.integers(0, len(data), rng.integers(1, 12))
            data[where] = rng.integers(0, 256, len(where))
            try:
                pixels = open_photo(data.tobytes()).pixels
            except PhotoRejected:
                continue
            assert pixels.ndim == 3
            assert pixels.shape[2] == 3


def test_a_pil_image_of_a_truncated_file_is_refused(portrait, tmp_path):
    path = tmp_path / "cut.png"
    Image.fromarray(np.asarray(portrait)).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with Image.open(path) as image, pytest.raises(PhotoRejected, match="damaged or cut off"):
        open_photo(image)


def test_a_file_name_nearly_right_is_suggested(tmp_path):
    (tmp_path / "portrait.jpg").write_bytes(b"")
    with pytest.raises(PhotoRejected, match=r"'portrat.jpg' cannot be read.*did you mean 'portrait.jpg'\?"):
        open_photo(tmp_path / "portrat.jpg")


def test_an_open_file_that_cannot_be_used_is_one_sentence(tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"\xff\xd8 no photograph")
    with path.open(encoding="latin-1") as file, pytest.raises(PhotoRejected, match='mode "rb"'):
        open_photo(file)
    with pytest.raises(PhotoRejected, match="cannot be read"):
        open_photo(file)  # closed by now
    with pytest.raises(PhotoRejected, match="more than 40 MiB"):
        open_photo(io.BytesIO(bytes(MAX_BYTES + 1)))
    with pytest.raises(PhotoRejected, match="not list"):
        open_photo([path])


def test_pictures_opened_in_many_threads_leave_the_processs_warnings_alone(portrait):
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(portrait)).save(buffer, "JPEG")
    before = list(warnings.filters)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(open_photo, [buffer.getvalue()] * 64))
    assert warnings.filters == before
