"""What of a coarse cut-out are glasses."""

from __future__ import annotations

import numpy as np
import pytest

from diat.data.glasses_cut import rims_and_dark_lenses
from diat.data.glasses_shapes import draw_frame
from diat.data.pack import open_pack

UNIT = 1.0


def worn(pack, kind):
    """A face of the pack with glasses of a kind, its points, where they are roughly, and where exactly."""
    crop, points = np.asarray(pack.crops[0]), pack.points68[0]
    frame = draw_frame(crop.shape[:2], points, pack.size / 128, kind, np.random.default_rng(2))
    whole = np.maximum(frame.rims, frame.lenses)
    covered = whole if kind == "sunglasses" else frame.rims
    picture = np.rint(crop * (1 - covered[..., None]) + 12 * covered[..., None]).astype(np.uint8)
    return picture, points, (255 * (whole > 0.1)).astype(np.uint8), covered


@pytest.mark.parametrize("kind", ["acetate", "sunglasses"])
def test_rims_and_dark_lenses_are_found_again(tiny_pack, kind):
    pack = open_pack(tiny_pack)
    picture, points, coarse, covered = worn(pack, kind)
    cut = rims_and_dark_lenses(picture, coarse, points, pack.size / 128)
    assert (cut[covered > 0.9] > 127).mean() > (0.6 if kind == "acetate" else 0.9)


def test_eyes_seen_through_glass_stay(tiny_pack):
    pack = open_pack(tiny_pack)
    picture, points, coarse, _ = worn(pack, "acetate")
    cut = rims_and_dark_lenses(picture, coarse, points, pack.size / 128)
    eyes = np.rint([points[36:42].mean(0), points[42:48].mean(0)]).astype(int)
    assert (coarse[eyes[:, 1], eyes[:, 0]] == 255).all()
    assert (cut[eyes[:, 1], eyes[:, 0]] < 30).all()


def test_nothing_is_cut_out_of_nothing(tiny_pack):
    pack = open_pack(tiny_pack)
    nothing = np.zeros((pack.size, pack.size), np.uint8)
    assert not rims_and_dark_lenses(np.asarray(pack.crops[0]), nothing, pack.points68[0], UNIT).any()


def test_an_upper_rim_does_not_cross_its_lens():
    points = np.zeros((68, 2), np.float32)
    points[36:42], points[42:48] = [[44, 56]] * 6, [[84, 56]] * 6
    points[[36, 39, 42, 45]] = [[38, 56], [50, 56], [78, 56], [90, 56]]
    points[0], points[16] = [20, 60], [108, 60]
    for seed in range(20):
        frame = draw_frame((128, 128), points, 1.0, "half rim", np.random.default_rng(seed))
        # A bar from side to side would cover a row of every lens.
        lens = frame.lenses > 0.99
        shares = [(frame.rims[row][lens[row]] > 0.5).mean() for row in np.flatnonzero(lens.sum(1) > 20)]
        inner = shares[len(shares) // 3 : 2 * len(shares) // 3]
        assert max(inner) < 0.5, seed
