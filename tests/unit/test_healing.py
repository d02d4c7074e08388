import numpy as np
import pytest
from test_region import face_in, photo_of_waves

from diat.native.healing import _without_lines, grain, healed, membrane, on_grid
from diat.native.region import NativeFace

WINDOW = (16, 32, 112, 96)


def disc(shape, radius) -> np.ndarray:
    y, x = np.indices(shape)
    return (((y - shape[0] / 2) ** 2 + (x - shape[1] / 2) ** 2) < radius**2).astype(np.float32)


def skin(shape=(240, 320), deviation=6.0) -> np.ndarray:
    """Skin with grain of a known size."""
    noise = np.random.default_rng(3).normal(0, deviation, (*shape, 1))
    return np.clip(np.rint(np.array([190, 150, 130]) + noise), 0, 255).astype(np.uint8)


def portrait(pixels, scale=3.0) -> NativeFace:
    """A face whose cheeks lie at a quarter and three quarters of the width."""
    height, width = pixels.shape[:2]
    points = np.full((68, 2), (width / 2, height / 2), np.float32)
    points[[41, 31, 3]], points[[46, 35, 13]] = (width / 4, height / 2), (3 * width / 4, height / 2)
    return NativeFace(pixels, np.array([[1 / scale, 0, 0], [0, 1 / scale, 0]], np.float32), points)


def test_a_membrane_keeps_what_is_known_and_carries_it_inwards():
    y, x = np.indices((60, 80), dtype=np.float32)
    slope = np.stack([x, y], -1)
    known = 1 - disc((60, 80), 12)
    filled = membrane(slope, known)
    np.testing.assert_allclose(filled[known == 1], slope[known == 1], atol=1e-3)
    assert np.abs(filled - slope)[known == 0].mean() < 2  # of a disc 24 across


def test_a_membrane_of_nothing_is_zero_and_one_of_one_plane_stays_one():
    values = np.full((20, 30), 7, np.float32)
    assert membrane(values, np.zeros((20, 30), np.float32)).max() == 0
    np.testing.assert_allclose(membrane(values, disc((20, 30), 4)), values, rtol=1e-4)


def test_a_healed_fill_meets_its_surroundings_and_ignores_borders_between_things():
    surroundings = np.full((50, 70, 3), 160, np.float32)
    fill = surroundings + np.array([12, -8, 5], np.float32)
    replaced = disc((50, 70), 15)
    known = 1 - disc((50, 70), 18)
    np.testing.assert_allclose(healed(fill, surroundings, known, replaced), surroundings, atol=0.5)
    surroundings[:, :20] = 20  # dark hair beside the skin
    met = healed(fill, surroundings, known, replaced)
    np.testing.assert_allclose(met[:, 30:], surroundings[:, 30:], atol=1)


def test_a_fill_of_another_tint_takes_the_surroundings_and_keeps_its_lights():
    surroundings = np.full((50, 70, 3), (180, 120, 100), np.float32)
    replaced = disc((50, 70), 15)
    light = 20 * disc((50, 70), 5)[..., None]
    fill = np.where(replaced[..., None] > 0, np.float32([140, 140, 100]), surroundings) + light
    met = healed(fill, surroundings, 1 - disc((50, 70), 17), replaced)
    tint = met - met.mean(-1, keepdims=True)
    wanted = surroundings - surroundings.mean(-1, keepdims=True)
    assert (
        np.abs(tint - wanted)[replaced > 0].mean()
        < 0.3 * np.abs(fill - fill.mean(-1, keepdims=True) - wanted)[replaced > 0].mean()
    )
    assert met[25, 35].mean() - met[25, 45].mean() > 12


def test_grain_has_the_cheeks_variance_where_it_is_wanted_and_none_elsewhere():
    face = portrait(skin())
    where = disc(face.shape, 30)
    made = grain(face, where, seed=1)
    assert np.all(made[where == 0] == 0)
    expected = np.std(face.pixels.astype(float) - face.pixels.mean((0, 1)))
    assert np.std(made[where > 0]) == pytest.approx(expected, rel=0.15)
    assert abs(made[where > 0].mean()) < 0.5
    np.testing.assert_array_equal(made, grain(face, where, seed=1))
    assert not np.array_equal(made, grain(face, where, seed=2))


def test_grain_of_a_flat_face_is_nothing():
    grey = np.repeat(skin()[..., :1], 3, -1)
    made = grain(portrait(grey), disc(grey.shape[:2], 30))
    assert made.shape == grey.shape[:2] and np.abs(made).max() > 1
    flat = np.full_like(grey, 120)
    assert np.abs(grain(portrait(flat), disc(grey.shape[:2], 30))).max() == 0


def test_grain_has_no_lines_of_the_cheek():
    rng = np.random.default_rng(0)
    patches = 0.3 * rng.normal(size=(4, 32, 32)).astype(np.float32)
    patches[np.arange(4), [3, 10, 16, 27]] += 8.0  # a fold across each
    window = np.outer(*[np.sin(np.pi * (np.arange(32) + 0.5) / 32) ** 2] * 2).astype(np.float32)
    made = _without_lines(patches, window, rng)
    assert made.std() == pytest.approx(patches.std(), rel=0.5)
    assert np.abs(made).max() < 0.75 * np.abs(patches).max()
    assert np.abs(made).mean(2).max() < 0.6 * np.abs(patches).mean(2).max()


def test_no_cheek_no_grain():
    face = portrait(skin())
    everywhere = np.ones(face.shape, np.float32)
    assert np.abs(grain(face, everywhere)).max() == 0
    hidden = NativeFace(face.pixels, face.to_template, face.points68 - 1000)
    assert np.abs(grain(hidden, disc(face.shape, 30))).max() == 0


@pytest.mark.parametrize(("scale", "degrees"), [(3, 0), (2.3, 20), (1.4, -30)])
def test_the_photograph_on_a_grid_is_the_photograph_averaged(scale, degrees):
    photo = photo_of_waves()
    face, (left, top, *_) = face_in(photo, scale, degrees, WINDOW)
    made = on_grid(face, WINDOW, (64, 96))
    template = np.stack(np.meshgrid(np.arange(16, 112), np.arange(32, 96)), -1).reshape(-1, 2).astype(np.float32)
    to_region = np.linalg.inv(np.vstack([face.to_template, [0, 0, 1]]))[:2]
    x, y = (template @ to_region[:, :2].T + to_region[:, 2] + [left, top]).T
    wanted = np.stack([128 + 100 * np.sin(x / 17 + k) * np.cos(y / 13 - k) for k in range(3)], -1)
    there = (x > 2) & (y > 2) & (x < photo.shape[1] - 3) & (y < photo.shape[0] - 3)
    assert there.mean() > 0.9
    assert np.abs(made.reshape(-1, 3) - wanted)[there].max() < 6
    assert np.abs(made.reshape(-1, 3) - wanted)[there].mean() < 1.5
