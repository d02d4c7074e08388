"""The invisible mark: it stays where pictures are saved anew and scaled, and is found in no picture without it."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from diat.watermark import MIN_MARKED_SIDE, MOST, MOST_BOOST, THRESHOLD, is_watermarked, score, watermarked


def jpeg(pixels: np.ndarray, quality: int) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def scaled(pixels: np.ndarray, factor: float) -> np.ndarray:
    return cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)


WAYS = {
    "as it is": lambda p: p,
    "JPEG 75": lambda p: jpeg(p, 75),
    "halved": lambda p: scaled(p, 0.5),
    "halved, JPEG 75": lambda p: jpeg(scaled(p, 0.5), 75),
    "a screenshot": lambda p: jpeg(scaled(p, 0.73), 60),
    "out of proportion": lambda p: cv2.resize(p, (480, 700)),
    "lighter": lambda p: np.clip(p * 0.8 + 40, 0, 255).astype(np.uint8),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["collins", "hopper"])
def test_the_mark_is_read_back(request, name, way):
    picture = request.getfixturevalue(name)
    assert is_watermarked(WAYS[way](watermarked(picture)))
    assert score(WAYS[way](picture)) < THRESHOLD - 2


@pytest.mark.parametrize("size", [(100, 128), (178, 218), (640, 480), (3000, 2000)])
def test_the_mark_of_any_size_outlives_jpeg(collins, size):
    picture = cv2.resize(collins, size, interpolation=cv2.INTER_AREA)
    assert is_watermarked(jpeg(watermarked(picture), 75))


def test_the_mark_is_hard_to_see(collins):
    difference = np.abs(watermarked(collins).astype(int) - collins)
    assert difference.max() <= MOST + 2
    assert 10 * np.log10(255**2 / np.mean(difference**2)) > 45
    small = cv2.resize(collins, (100, 120))
    assert np.abs(watermarked(small).astype(int) - small).max() <= MOST * MOST_BOOST + 2


def test_transparency_is_left_alone(collins):
    alpha = np.arange(collins.shape[0] * collins.shape[1]).reshape(collins.shape[:2]).astype(np.uint8)
    marked = watermarked(np.dstack([collins, alpha]))
    np.testing.assert_array_equal(marked[..., 3], alpha)
    seen = alpha > 0
    np.testing.assert_array_equal(marked[seen][:, :3], watermarked(collins)[seen])
    np.testing.assert_array_equal(marked[~seen][:, :3], collins[~seen])


def test_what_has_no_room_for_it_stays_as_it_is():
    tiny = np.full((MIN_MARKED_SIDE - 1, 300, 3), 128, np.uint8)
    assert watermarked(tiny) is tiny
    assert score(tiny) == 0


@pytest.mark.parametrize("name", ["flat", "noise", "ramp", "checks"])
def test_drawn_pictures_do_not_seem_marked(name):
    rng = np.random.default_rng(0)
    rows, columns = np.indices((400, 500))
    picture = {
        "flat": np.full((400, 500), 128),
        "noise": rng.integers(0, 256, (400, 500)),
        "ramp": rows // 2,
        "checks": (rows + columns) // 4 % 2 * 255,
    }[name]
    assert score(np.dstack([picture.astype(np.uint8)] * 3)) < THRESHOLD
