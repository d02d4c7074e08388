import numpy as np
import pytest
from test_region import face_in

from diat.native.glasses import HEAD_SET, render_glasses
from diat.native.region import NativeFace, template_grid

WINDOW = HEAD_SET.window


def skin(shape=(520, 600), deviation=5.0, colour=(190, 150, 130)) -> np.ndarray:
    noise = np.random.default_rng(3).normal(0, deviation, (*shape, 1))
    return np.clip(np.rint(np.array(colour) + noise), 0, 255).astype(np.uint8)


def fields(**maps) -> dict[str, np.ndarray]:
    """Fields that say that there are no glasses, but for those given."""
    shape = HEAD_SET.map_shape
    nothing = {name: np.zeros(shape, np.float32) for name in HEAD_SET.maps} | {"alpha": np.full(shape, -9, np.float32)}
    return nothing | {name: np.asarray(value, np.float32) for name, value in maps.items()}


def box(inside: float, outside: float) -> np.ndarray:
    """A field with a bar where a rim might be: template rows 60 to 70, columns 40 to 90."""
    field = np.full(HEAD_SET.map_shape, outside, np.float32)
    field[28:38, 24:74] = inside
    return field


def behind(face: NativeFace) -> dict[str, np.ndarray]:
    """A fill of the photograph's mean colour."""
    mean = face.pixels.reshape(-1, 3).mean(0) / 255
    return {name: np.full(HEAD_SET.map_shape, mean[k]) for k, name in enumerate(("red", "green", "blue"))}


def face_with_bar(scale=3.0, degrees=0.0, photo=None) -> tuple[NativeFace, np.ndarray]:
    """A face with a black bar, and where the bar is."""
    face, _ = face_in(skin() if photo is None else photo, scale, degrees, WINDOW, margin=8)
    x, y = template_grid(face)
    bar = (x > 42) & (x < 88) & (y > 62) & (y < 68)
    pixels = face.pixels.copy()
    pixels[bar] = 20
    return NativeFace(pixels, face.to_template, face.points68), bar


@pytest.mark.parametrize(("scale", "degrees"), [(3, 0), (1.4, 0), (2.5, 20)])
def test_a_rim_is_replaced_by_skin_with_skins_grain(scale, degrees):
    face, bar = face_with_bar(scale, degrees)
    made = render_glasses(face, fields(alpha=box(9, -9), **behind(face)), {}, 1.0)
    skin_mean = face.pixels[~bar].mean(0)
    np.testing.assert_allclose(made[bar].mean(0), skin_mean, atol=6)
    if scale >= 2.5:  # the cheeks of a smaller face do not lie in the region of this test's random landmarks
        assert 0.3 < made[bar].std(0).mean() / face.pixels[~bar].std(0).mean() < 1.5


def test_nothing_changes_at_strength_zero_nor_without_glasses():
    face, _ = face_with_bar()
    worn = fields(alpha=box(9, -9), gain=box(0.5, 0), **behind(face))
    np.testing.assert_array_equal(render_glasses(face, worn, {}, 0.0), face.pixels)
    np.testing.assert_array_equal(render_glasses(face, fields(**behind(face)), {}, 1.0), face.pixels)


def test_outside_the_window_and_beside_the_glasses_all_is_bit_equal():
    face, _ = face_with_bar(2.5, 20)
    x, y = template_grid(face)
    everything = fields(alpha=np.full(HEAD_SET.map_shape, 9), gain=np.full(HEAD_SET.map_shape, 0.5), **behind(face))
    made = render_glasses(face, everything, {}, 1.5)
    out = (x < WINDOW[0] - 0.5) | (x > WINDOW[2] - 0.5) | (y < WINDOW[1] - 0.5) | (y > WINDOW[3] - 0.5)
    np.testing.assert_array_equal(made[out], face.pixels[out])
    made = render_glasses(face, fields(alpha=box(9, -9), **behind(face)), {}, 1.0)
    far = (np.abs(x - 65) > 28) | (np.abs(y - 65) > 9)
    np.testing.assert_array_equal(made[far], face.pixels[far])


def test_a_tint_is_undone_and_keeps_every_detail():
    face, _ = face_in(skin(), 3, 0, WINDOW, margin=8)
    clean = face.pixels.astype(np.float32)
    tinted = NativeFace(np.rint(0.6 * clean + 12).astype(np.uint8), face.to_template, face.points68)
    glow = {f"glow_{name}": box(-12 / 0.6 / 255, 0) for name in ("red", "green", "blue")}
    made = render_glasses(tinted, fields(gain=box(1 / 0.6 - 1, 0), **glow), {}, 1.0)
    x, y = template_grid(face)
    middle = (np.abs(x - 65) < 20) & (np.abs(y - 65) < 3)
    assert np.abs(made[middle] - clean[middle]).max() <= 2


def test_strength_is_continuous_and_stops_at_the_whole():
    face, _ = face_with_bar()
    worn = fields(alpha=box(9, -9), gain=box(0.3, 0), **behind(face))
    made = [render_glasses(face, worn, {}, strength).astype(int) for strength in np.linspace(0, 1, 11)]
    steps = [np.abs(b - a).mean() for a, b in zip(made, made[1:], strict=False)]
    assert max(steps) < 3 * np.mean(steps) and min(steps) > 0
    np.testing.assert_array_equal(render_glasses(face, worn, {}, 1.5), made[-1])


def test_a_grey_photograph_stays_grey():
    grey = np.repeat(skin()[..., :1], 3, -1)
    face, _ = face_with_bar(photo=grey)
    coloured = {"red": np.full(HEAD_SET.map_shape, 0.8), "glow_blue": box(0.2, 0)}
    made = render_glasses(face, fields(alpha=box(9, -9), **coloured), {}, 1.0)
    assert np.ptp(made, axis=-1).max() <= 1
    assert not np.array_equal(made, face.pixels)
