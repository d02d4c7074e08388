import cv2
import numpy as np
import pytest

from diat import align
from diat.attributes import ATTRIBUTES
from diat.detail import DetailFade


def smooth_picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).random((height // 20 + 2, width // 20 + 2, 3)).astype(np.float32)
    return (cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC).clip(0, 1) * 255).astype(np.uint8)


def matrix_of(scale: float, degrees: float, x: float, y: float) -> np.ndarray:
    angle = np.radians(degrees)
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.hstack([linear, [[x], [y]]]).astype(np.float32)


@pytest.mark.parametrize("degrees", [-170, -30, 0, 45, 90])
def test_similarity_recovers_a_known_transform(degrees):
    truth = matrix_of(0.3, degrees, 12, -7)
    points = np.random.default_rng(1).random((5, 2)).astype(np.float32) * 300
    found = align.similarity(points, align.transform_points(points, truth))
    np.testing.assert_allclose(found, truth, atol=1e-3)


def test_similarity_is_the_least_squares_one():
    rng = np.random.default_rng(2)
    source, target = rng.random((5, 2)).astype(np.float32) * 100, rng.random((5, 2)).astype(np.float32) * 100
    found = align.similarity(source, target)

    def error(matrix):
        return ((align.transform_points(source, matrix) - target) ** 2).sum()

    for _ in range(50):
        scale, turn = 1 + rng.normal() * 0.02, rng.normal() * 2
        other = align.similarity(source, target)
        other[:, :2] = other[:, :2] @ matrix_of(scale, turn, 0, 0)[:, :2]
        other[:, 2] += rng.normal(size=2)
        assert error(other) >= error(found)


def test_similarity_refuses_points_that_coincide():
    with pytest.raises(ValueError, match="coincide"):
        align.similarity(np.ones((5, 2), np.float32), align.CELEBA_TEMPLATE_128)


def test_the_crop_puts_the_points_on_the_template(collins, collins_face, detector):
    crop = align.warp_to_crop(collins, align.photo_to_crop_matrix(collins_face.points5))
    again = detector.detect(crop)[0].points5
    assert crop.shape == (128, 128, 3)
    assert np.linalg.norm(again - align.CELEBA_TEMPLATE_128, axis=1).mean() < 3


def test_a_much_larger_photograph_gives_the_same_crop():
    # The same scene at 256 and at 1,700 pixels; without the reduction the large one would alias.
    picture = smooth_picture(256, 256)
    picture[::2] //= 2
    large = cv2.resize(picture, (1792, 1792), interpolation=cv2.INTER_NEAREST)
    to_small = matrix_of(0.5, 0, -0.25, -0.25)
    to_large = to_small.copy()
    to_large[:, :2] /= 7
    to_large[:, 2] = to_small[:, :2] @ np.array([(1 / 7 - 1) / 2] * 2) + to_small[:, 2]
    a, b = align.warp_to_crop(picture, to_small), align.warp_to_crop(large, to_large)
    assert np.abs(a.astype(int) - b).mean() < 2


def test_paste_back_of_nothing_is_bit_equal():
    photo = smooth_picture(240, 320)
    matrix = matrix_of(0.6, 10, 5, 5)
    crop = align.warp_to_crop(photo, matrix)
    mask = np.ones((128, 128), np.float32)
    change = np.random.default_rng(0).normal(size=(128, 128, 3)).astype(np.float32) * 50
    np.testing.assert_array_equal(align.paste_back(photo, crop, change, mask, matrix, strength=0), photo)
    np.testing.assert_array_equal(align.paste_back(photo, crop, change * 0, mask, matrix), photo)
    np.testing.assert_array_equal(align.paste_back(photo, crop, change, mask * 0, matrix), photo)


@pytest.mark.parametrize("scale", [0.2, 0.7, 1.9])
def test_paste_back_leaves_everything_outside_the_mask(scale):
    photo = smooth_picture(400, 500)
    matrix = matrix_of(scale, 25, -20, 10)
    mask = np.zeros((128, 128), np.float32)
    mask[40:90, 30:100] = 1
    change = np.full((128, 128, 3), 60, np.float32)
    result = align.paste_back(photo, align.warp_to_crop(photo, matrix), change, mask, matrix)
    touched = cv2.warpAffine(cv2.dilate(mask, np.ones((3, 3))), matrix, (500, 400), flags=cv2.WARP_INVERSE_MAP) > 0
    np.testing.assert_array_equal(result[~touched], photo[~touched])
    assert (result[touched] != photo[touched]).any()


def test_paste_back_adds_the_change_where_it_belongs():
    photo = np.full((400, 400, 3), 100, np.uint8)
    matrix = matrix_of(0.5, 0, 10, 20)
    mask = np.zeros((128, 128), np.float32)
    mask[60:80, 50:70] = 1
    change = np.full((128, 128, 3), 8, np.float32)
    result = align.paste_back(photo, align.warp_to_crop(photo, matrix), change, mask, matrix, strength=1.5)
    x, y = align.transform_points(np.array([[60, 70]], np.float32), cv2.invertAffineTransform(matrix))[0]
    assert result[round(float(y)), round(float(x))].tolist() == [112, 112, 112]


def test_paste_back_keeps_fine_detail_under_a_tint_and_drops_it_under_new_content():
    rng = np.random.default_rng(0)
    photo = (128 + rng.integers(-40, 40, (512, 512, 1)).repeat(3, 2)).astype(np.uint8)
    matrix = matrix_of(0.25, 0, 0, 0)
    crop = align.warp_to_crop(photo, matrix)
    mask = np.zeros((128, 128), np.float32)
    mask[40:90, 40:90] = 1
    inside = (slice(220, 300), slice(220, 300))

    def spread(amount: float, *fade: DetailFade) -> float:
        change = np.full((128, 128, 3), amount, np.float32)
        return float(align.paste_back(photo, crop, change, mask, matrix, 1.0, *fade)[inside].std())

    assert spread(5) == pytest.approx(photo[inside].std(), rel=0.02)
    assert spread(60) < 0.4 * photo[inside].std()
    # Clear rims of glasses are a faint change, and yet are to go.
    assert spread(12, ATTRIBUTES["eyeglasses_remove"].detail_fade) < 0.4 * photo[inside].std()
    assert spread(12, ATTRIBUTES["male_to_female"].detail_fade) > 0.9 * photo[inside].std()


def test_a_face_at_the_edge_is_pasted_within_the_photograph():
    photo = smooth_picture(200, 200)
    matrix = matrix_of(0.8, 0, 60, 60)  # most of the crop lies above and to the left of the photograph
    crop = align.warp_to_crop(photo, matrix)
    change, mask = np.full((128, 128, 3), 30, np.float32), np.ones((128, 128), np.float32)
    result = align.paste_back(photo, crop, change, mask, matrix)
    assert result.shape == photo.shape
    assert (result[:40, :40] != photo[:40, :40]).any()


def test_what_replaces_a_small_face_hides_it_as_it_does_a_large_one():
    rng = np.random.default_rng(0)
    photo = (128 + rng.integers(-60, 60, (90, 90, 1)).repeat(3, 2)).astype(np.uint8)
    matrix = matrix_of(1.5, 0, 0, 0)  # the crop is finer than the photograph
    crop = align.warp_to_crop(photo, matrix)
    mask = np.zeros((128, 128), np.float32)
    mask[30:100, 30:100] = 1
    change = 200 - crop.astype(np.float32)
    result = align.paste_back(photo, crop, change, mask, matrix, 1.0, DetailFade(1.0, 2.0))
    np.testing.assert_allclose(result[25:62, 25:62], 200, atol=1)
