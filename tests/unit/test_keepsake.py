"""What an edited file keeps of its original: colours, transparency, dates; and what it does not."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageCms

from diat.keepsake import MAX_PROFILE, Keepsake, dates_of, writable_profile
from diat.photo import open_photo

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
# Where an edit is pretended.
PART = np.s_[100:140, 200:260]


def swapped_profile() -> bytes:
    """A profile with red and blue exchanged, which nobody can take for sRGB."""
    wide = bytearray(SRGB)
    red, blue = (wide.index(tag, 128) for tag in (b"rXYZ", b"bXYZ"))
    wide[red : red + 4], wide[blue : blue + 4] = wide[blue : blue + 4], wide[red : red + 4]
    return bytes(wide)


def file_of(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def result(editors, hopper):
    return editors("eyeglasses_remove").edit(hopper)


def edited(result, data: bytes):
    """As if ``data`` had been edited: a part of it turned green."""
    photo = open_photo(data)
    changed = photo.pixels.copy()
    changed[PART] = (10, 200, 30)
    return replace(result, photo=changed, original=photo.pixels, keepsake=photo.keepsake)


def test_a_photographs_own_colours_come_back_with_their_profile(result, hopper):
    data = file_of(Image.fromarray(hopper), "PNG", icc_profile=swapped_profile())
    done = edited(result, data)
    assert not np.array_equal(done.original, hopper)
    saved = Image.open(io.BytesIO(done.to_bytes("PNG", invisible=False)))
    assert saved.info["icc_profile"] == swapped_profile()
    pixels = np.asarray(saved)
    outside = np.ones(hopper.shape[:2], bool)
    outside[PART] = False
    np.testing.assert_array_equal(pixels[outside], hopper[outside])
    assert np.abs(open_photo(done.to_bytes("PNG", invisible=False)).pixels[PART].astype(int) - (10, 200, 30)).max() <= 3
    assert Image.open(io.BytesIO(done.to_bytes("JPEG"))).info["icc_profile"] == swapped_profile()


def test_a_damaged_profile_and_one_of_greys_do_not_come_back(result, hopper):
    assert edited(result, file_of(Image.fromarray(hopper), "PNG", icc_profile=b"x" * 300)).keepsake.profile is None
    grey = Image.fromarray(hopper).convert("CMYK")
    assert edited(result, file_of(grey, "JPEG", icc_profile=SRGB)).keepsake.profile is None


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_transparency_comes_back_and_what_it_hides_does_too(result, hopper, kind):
    alpha = np.full(hopper.shape[:2], 255, np.uint8)
    alpha[:, :100], alpha[120:140] = 0, 128
    source = np.dstack([hopper, alpha])
    done = edited(result, file_of(Image.fromarray(source, "RGBA"), "PNG"))
    pixels = np.asarray(Image.open(io.BytesIO(done.to_bytes(kind, invisible=False))))
    np.testing.assert_array_equal(pixels[..., 3], alpha)
    outside = np.ones(alpha.shape, bool)
    outside[PART] = False
    np.testing.assert_array_equal(pixels[outside], source[outside])
    # Laid on white again, what was changed looks as it was changed, also where it is half transparent.
    again = open_photo(done.to_bytes(kind, invisible=False)).pixels
    assert np.abs(again[105:119, 200:260].astype(int) - (10, 200, 30)).max() <= 1
    half = again[121:139, 200:260].astype(int)
    assert np.abs(half[..., 1] - 200).max() <= 1 and half[..., 0].min() >= 127  # half white is the darkest there


def test_a_jpeg_of_a_transparent_photograph_is_laid_on_white(result, hopper):
    alpha = np.full(hopper.shape[:2], 255, np.uint8)
    alpha[:, :100] = 0
    done = edited(result, file_of(Image.fromarray(np.dstack([hopper, alpha]), "RGBA"), "PNG"))
    saved = Image.open(io.BytesIO(done.to_bytes("JPEG")))
    assert saved.mode == "RGB"
    assert np.asarray(saved)[:, :90].min() > 245


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_dates_stay_and_place_camera_and_owner_go(result, hopper, kind):
    exif = Image.Exif()
    exif[0x0132], exif[0x010F], exif[0x013B] = "2024:05:06 07:08:09", "Canon", "Ada Lovelace"
    exif[0x9C9D] = b"author"
    exif[0x8769] = {0x9003: "2024:05:06 07:08:09", 0x9011: "+02:00", 0xA431: "serial 42", 0x927C: b"maker note"}
    exif[0x8825] = {1: "N", 2: (48.0, 51.0, 30.0), 3: "E", 4: (2.0, 17.0, 40.0)}
    done = edited(result, file_of(Image.fromarray(hopper), "JPEG", exif=exif))
    photo = open_photo(file_of(Image.fromarray(hopper), "JPEG", exif=exif))
    assert photo.notices == ("The place (GPS) in the file is left out of the result.",)
    data = done.to_bytes(kind)
    kept = Image.open(io.BytesIO(data)).getexif()
    assert dict(kept.get_ifd(0x8769)) == {0x9003: "2024:05:06 07:08:09", 0x9011: "+02:00"}
    assert kept[0x0132] == "2024:05:06 07:08:09"
    assert not kept.get_ifd(0x8825)
    assert not [word for word in (b"Canon", b"Lovelace", b"serial", b"maker") if word in data]


def test_a_date_that_is_something_else_goes(result, hopper):
    exif = Image.Exif()
    exif[0x0132] = "Ada Lovelace"
    assert edited(result, file_of(Image.fromarray(hopper), "JPEG", exif=exif)).keepsake.exif == b""


def test_a_date_of_the_camera_alone_stays_and_a_place_alone_is_told():
    exif = Image.Exif()
    exif[0x8769] = {0x9003: "2024:05:06 07:08:09", 0x9004: "x" * 25}
    image = Image.new("RGB", (8, 8))
    kept, located = dates_of(Image.open(io.BytesIO(file_of(image, "PNG", exif=exif))))
    again = Image.Exif()
    again.load(kept)
    assert dict(again.get_ifd(0x8769)) == {0x9003: "2024:05:06 07:08:09"} and 0x0132 not in again and not located
    place = Image.Exif()
    place[0x8825] = {1: "N"}
    assert dates_of(Image.open(io.BytesIO(file_of(image, "PNG", exif=place)))) == (b"", True)


def test_a_profile_is_written_if_it_is_of_rgb_and_not_absurdly_large():
    assert writable_profile(SRGB) == SRGB
    assert writable_profile(None) is writable_profile(b"") is writable_profile(b"x" * 300) is None
    assert writable_profile(SRGB + bytes(MAX_PROFILE - len(SRGB))) is not None
    assert writable_profile(SRGB + bytes(MAX_PROFILE - len(SRGB) + 1)) is None
    assert writable_profile(ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()) is None


def test_a_profile_that_leads_nowhere_leaves_the_colours_as_they_are():
    colours, pixels = np.full((4, 4, 3), 7, np.uint8), np.full((4, 4, 3), 90, np.uint8)
    kept = Keepsake(colours=colours, profile=b"no profile")
    changed = pixels.copy()
    changed[1, 2] = (1, 2, 3)
    restored = kept.restored(pixels, changed)
    assert restored[1, 2].tolist() == [1, 2, 3] and (restored != 7).any(axis=2).sum() == 1
    assert (kept.restored(pixels, pixels) == colours).all()
    assert (Keepsake().restored(pixels, changed) == changed).all()


@pytest.mark.parametrize(
    ("kind", "suffix"),
    [
        ("JPEG", ".jpg"),
        ("PNG", ".png"),
        ("WEBP", ".webp"),
        ("GIF", ".png"),
        ("BMP", ".png"),
        ("HEIF", ".jpg"),
        ("AVIF", ".jpg"),
    ],
)
def test_a_result_is_of_its_originals_format_where_that_can_be_written(result, kind, suffix):
    assert replace(result, keepsake=replace(result.keepsake, kind=kind)).suffix == suffix


def test_a_change_on_top_of_a_change_keeps_both_in_the_files_own_colours(result, hopper):
    data = file_of(Image.fromarray(hopper), "PNG", icc_profile=swapped_profile())
    first = edited(result, data)
    again = first.as_photo.pixels.copy()
    again[300:320, 300:320] = (200, 0, 90)
    second = replace(first, original=first.photo, photo=again, keepsake=first.as_photo.keepsake)
    pixels = open_photo(second.to_bytes("PNG")).pixels
    assert np.abs(pixels[PART].astype(int) - (10, 200, 30)).max() <= 3
    assert np.abs(pixels[300:320, 300:320].astype(int) - (200, 0, 90)).max() <= 3
    assert second.as_photo.keepsake.profile == swapped_profile()


def test_a_results_name_says_whose_and_what(result):
    assert result.file_name("/somewhere/anna.heic", ".jpg") == "anna-remove-glasses.jpg"
    assert len(result.file_name("a" * 300)) < 130
