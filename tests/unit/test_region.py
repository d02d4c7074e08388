import cv2
import numpy as np
import pytest

from diat.align import CELEBA_TEMPLATE_128, photo_to_crop_matrix, transform_points, warp_to_crop
from diat.native.region import (
    blended,
    coverage,
    displaced,
    inside,
    layered,
    native_face,
    points_in_template,
    sample,
    template_grid,
)

WINDOW = (32, 64, 96, 128)
WHOLE = (0, 0, 128, 128)


def template_to_photo(scale: float, degrees: float, centre=(300, 260)) -> np.ndarray:
    angle = np.radians(degrees)
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.hstack([linear, (np.array(centre) - linear @ [64, 64])[:, None]]).astype(np.float32)


def photo_of_waves(shape=(520, 600)) -> np.ndarray:
    """Smooth everywhere, so that two ways of sampling it can be compared."""
    y, x = np.indices(shape, dtype=np.float32)
    waves = [128 + 100 * np.sin(x / 17 + k) * np.cos(y / 13 - k) for k in range(3)]
    return np.stack(waves, -1).round().astype(np.uint8)


def face_in(photo, scale=3.0, degrees=0.0, window=WINDOW, margin=4.0):
    matrix = template_to_photo(scale, degrees)
    points5 = transform_points(CELEBA_TEMPLATE_128, matrix)
    points68 = transform_points(np.random.default_rng(0).uniform(40, 100, (68, 2)).astype(np.float32), matrix)
    return native_face(photo, points5, points68, window, margin)


@pytest.mark.parametrize(("scale", "degrees"), [(0.6, 0), (3, 0), (2.3, 25), (1.5, -110)])
def test_the_region_holds_the_window_and_is_a_view(scale, degrees):
    photo = photo_of_waves()
    face, (left, top, right, bottom) = face_in(photo, scale, degrees)
    assert np.shares_memory(face.pixels, photo)
    assert face.pixels.shape[:2] == face.shape == (bottom - top, right - left)
    assert face.scale == pytest.approx(scale, rel=1e-3)
    x, y = template_grid(face)
    assert x.min() < 32 - 3.5 and x.max() > 96 + 2.5 and y.min() < 64 - 3.5 and y.max() > 128 + 2.5
    original = transform_points(points_in_template(face), template_to_photo(scale, degrees))
    np.testing.assert_allclose(original - [left, top], face.points68, atol=0.01)


def test_a_face_at_the_photographs_edge_gives_what_is_there_of_it():
    photo = photo_of_waves((270, 310))
    face, (left, top, right, bottom) = face_in(photo, 3, 10)
    assert right <= 310 and bottom <= 270 and face.shape == (bottom - top, right - left)
    assert displaced(face, np.ones(face.shape, np.float32), np.ones(face.shape, np.float32)).shape == face.pixels.shape


@pytest.mark.parametrize("degrees", [0, 30])
@pytest.mark.parametrize("scale", [1, 3, 8])
def test_a_sampled_field_has_the_templates_values_at_its_places(scale, degrees):
    """Fields of the template's own coordinates come back as the grid of those coordinates."""
    face, _ = face_in(photo_of_waves(), scale, degrees)
    u, v = np.meshgrid(np.arange(48), np.arange(48))
    field = np.stack([(u + 0.5) * 64 / 48 - 0.5 + 32, (v + 0.5) * 64 / 48 - 0.5 + 64], -1).astype(np.float32)
    x, y = template_grid(face)
    within = inside(face, (36, 68, 92, 124), 0.01) == 1
    for cubic in (True, False):
        sampled = sample(field, WINDOW, face, cubic)
        assert np.abs(sampled[..., 0] - x)[within].max() < 0.05
        assert np.abs(sampled[..., 1] - y)[within].max() < 0.05
    np.testing.assert_allclose(sample(field[..., 0], WINDOW, face), sample(field, WINDOW, face)[..., 0], atol=0.02)


def test_more_channels_than_four_are_sampled_as_one_by_one():
    face, _ = face_in(photo_of_waves())
    field = np.random.default_rng(0).normal(size=(48, 48, 9)).astype(np.float32)
    together = sample(field, WINDOW, face)
    for channel in range(9):
        np.testing.assert_allclose(together[..., channel], sample(field[..., channel], WINDOW, face), atol=0.02)


def test_edges_of_enlarged_distances_have_no_stairs():
    """A straight slanted edge of a coarse distance field crosses each row where it should."""
    face, _ = face_in(photo_of_waves((1400, 1500)), 8)
    u, v = np.meshgrid(np.arange(48), np.arange(48))
    distance = (((v + 0.5) * 64 / 48 + 64) - ((u + 0.5) * 64 / 48 + 32) * 0.1 - 88).astype(np.float32)
    covered = coverage(sample(distance, WINDOW, face), face)
    crossing = covered.shape[0] - covered.sum(0)  # the row where each column crosses the edge
    part = crossing[100:-100]
    straight = np.polyval(np.polyfit(np.arange(len(part)), part, 1), np.arange(len(part)))
    assert np.abs(part - straight).max() < 0.15  # of a pixel of the photograph


def test_no_displacement_is_bit_equal():
    face, _ = face_in(photo_of_waves(), 2.7, 17)
    nothing = np.zeros(face.shape, np.float32)
    np.testing.assert_array_equal(displaced(face, nothing, nothing), face.pixels)


@pytest.mark.parametrize(("scale", "degrees"), [(3, 0), (2, 40), (1.5, -90)])
def test_a_displacement_moves_along_the_templates_axes_at_every_scale(scale, degrees):
    """Seen in the aligned crop, moved pixels are the crop moved by as many template pixels."""
    photo = photo_of_waves()
    face, (left, top, right, bottom) = face_in(photo, scale, degrees, WHOLE, 8)
    moved = photo.copy()
    ones = np.ones(face.shape, np.float32)
    moved[top:bottom, left:right] = displaced(face, 3 * ones, -2 * ones)
    matrix = photo_to_crop_matrix(transform_points(CELEBA_TEMPLATE_128, template_to_photo(scale, degrees)))
    before, after = (warp_to_crop(picture, matrix).astype(int) for picture in (photo, moved))
    difference = np.abs(after[20:100, 20:100] - before[18:98, 23:103])
    assert difference.mean() < 1.5
    assert np.abs(after - before)[20:100, 20:100].mean() > 5


def test_a_mask_of_a_window_is_nought_outside_it():
    face, _ = face_in(photo_of_waves(), 3, 20, margin=10)
    mask, (x, y) = inside(face, WINDOW, 6), template_grid(face)
    outside = (x < 31.5) | (x > 95.5) | (y < 63.5) | (y > 127.5)
    assert not mask[outside].any() and mask.max() == 1 and mask[~outside].min() >= 0


def test_what_alpha_leaves_out_stays_bit_equal_and_the_photograph_is_never_written():
    photo = photo_of_waves()
    original = photo.copy()
    face, _ = face_in(photo)
    alpha = inside(face, WINDOW, 6)
    result = blended(face, np.full(face.pixels.shape, 300.7, np.float32), alpha)
    np.testing.assert_array_equal(result[alpha == 0], face.pixels[alpha == 0])
    assert (result[alpha == 1] == 255).all()
    np.testing.assert_array_equal(photo, original)


def test_layers_are_joined_by_their_weights():
    light, dark = np.full((2, 2, 3), 200, np.uint8), np.full((2, 2, 3), 100, np.uint8)
    weight = np.array([[1, 0], [2, 0.5]], np.float32)
    joined = layered([(light, weight), (dark, 1 - weight.clip(0, 1) + (weight == 2))])
    np.testing.assert_allclose(joined[..., 0], [[200, 100], [500 / 3, 150]], rtol=1e-6)


def test_black_and_white_is_told_from_colour():
    grey = cv2.cvtColor(photo_of_waves()[..., 0], cv2.COLOR_GRAY2RGB)
    assert face_in(grey)[0].is_grey
    assert not face_in(photo_of_waves())[0].is_grey


def test_a_part_of_a_face_is_the_same_face():
    face, _ = face_in(photo_of_waves(), 2.5, 20)
    part = face.part((30, 20, 120, 90))
    assert np.shares_memory(part.pixels, face.pixels) and part.shape == (70, 90) and part.scale == face.scale
    field = np.random.default_rng(0).normal(size=(32, 32)).astype(np.float32)
    np.testing.assert_allclose(sample(field, WINDOW, part), sample(field, WINDOW, face)[20:90, 30:120], atol=1e-3)
    np.testing.assert_allclose(points_in_template(part), points_in_template(face), atol=1e-3)
