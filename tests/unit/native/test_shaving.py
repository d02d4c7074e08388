import cv2
import numpy as np
import pytest

from diat.align import CROP_SIZE
from diat.native import shaving
from diat.native.color import to_lab
from diat.native.geometry import blurred
from diat.native.region import crop_face
from diat.native.shaving import LEAST_HAIR, LIGHTENED, shaven
from diat.native.skin import MOST_SHADE, render_skin
from diat.native.style import FEMALE, YOUNGER
from diat.native.working import WORK, Work
from tests.unit.test_native_skin import POINTS68, fields

CHIN = np.s_[216:236, 112:144]  # of the working picture
SKIN = np.float32([190, 145, 125])


def face(chin=1.0, rough=0.0, seed=0):
    """A face of even skin with fine noise, its lower part in another light and as rough as stubble."""
    rng = np.random.default_rng(seed)
    light, noise = np.ones((WORK, WORK), np.float32), rng.normal(0, 1, (WORK, WORK)).astype(np.float32)
    light[204:] = chin
    light = cv2.GaussianBlur(light, (0, 0), 4)
    amplitude = np.full((WORK, WORK), 2.5, np.float32)
    amplitude[204:] += rough
    picture = SKIN * light[..., None] + (amplitude * noise)[..., None]
    return crop_face(np.clip(picture, 0, 255).astype(np.uint8), POINTS68 * WORK / CROP_SIZE)


def shaved(picture):
    made, scalars = fields(beard=4.0)
    work = Work.of(picture, made)
    after, _, replaced = shaven(work, work.lab, made, scalars, 1.0, FEMALE)
    return work, after, replaced


@pytest.mark.parametrize(("chin", "rough"), [(0.6, 0.0), (1.0, 12.0), (0.7, 8.0)])
def test_what_is_dark_or_rough_is_replaced(chin, rough):
    _, _, replaced = shaved(face(chin, rough))
    assert replaced[CHIN].mean() > 0.85


def test_even_skin_that_is_taken_for_a_beard_stays_for_the_most_part(monkeypatch):
    monkeypatch.setattr(shaving, "chin_relief", lambda points, side: np.zeros((WORK, WORK), np.float32))
    _, after, replaced = shaved(face())
    assert replaced[CHIN].mean() == pytest.approx(LEAST_HAIR, abs=0.05)
    work, after, replaced = shaved(face(chin=0.94))
    assert replaced[CHIN].mean() < 0.8
    lighter = (after - work.lab)[CHIN][..., 0]
    assert 0.5 < lighter.mean() < LIGHTENED  # but comes nearer to clean skin


def test_without_a_beard_nothing_is_done():
    made, scalars = fields(beard=-6.0)
    work = Work.of(face(0.6), made)
    after, _, replaced = shaven(work, work.lab, made, scalars, 1.0, YOUNGER)
    assert after is work.lab and not replaced.any()


def test_what_paint_makes_darker_gets_no_redder_and_what_is_dark_already_stays():
    made, scalars = fields(flow=0.0)
    made["paint_l"] += 2 * MOST_SHADE / FEMALE.paint
    made["paint_a"] += 6.0
    cheek = np.s_[150:170, 88:104]

    def change(level):
        picture = crop_face(np.full((WORK, WORK, 3), level, np.float32).astype(np.uint8), POINTS68 * WORK / CROP_SIZE)
        picture.pixels[..., 0] = np.minimum(picture.pixels[..., 0] * 1.3, 255)
        without = {**made, "paint_l": 0 * made["paint_l"], "paint_a": 0 * made["paint_a"]}
        with_paint, plain = (to_lab(render_skin(picture, maps, scalars, 1.0, FEMALE)) for maps in (made, without))
        return blurred(with_paint - plain, 3.0)[cheek].mean((0, 1))

    bright, dark = change(150), change(30)
    assert bright[0] < MOST_SHADE and bright[1] < 1.0 and abs(bright[2]) < 2.0
    assert abs(dark[0]) < 0.3 * abs(bright[0])
