import numpy as np
import pytest

from diat.attributes import COLUMNS
from diat.data.fields_glasses import HEAD_SET, KINDS, MIRRORED_68, GlassesBatches
from diat.data.glasses import BorrowedGlasses
from diat.data.pack import Pack
from diat.errors import TrainingStopped


@pytest.fixture(scope="module")
def pack(laughing) -> Pack:
    """Six crops of one face at 256, of which the last two are said to wear glasses."""
    crop, points = laughing
    crops = np.repeat(np.repeat(crop, 2, 0), 2, 1)[None].repeat(6, 0)
    attributes = np.zeros((6, len(COLUMNS)), bool)
    attributes[4:, COLUMNS.index("Eyeglasses")] = True
    points68 = (2 * points + 0.5)[None].repeat(6, 0).astype(np.float32)
    points5 = np.stack([points[[38, 43, 30, 48, 54]]] * 6) * 2
    return Pack(crops, attributes, np.arange(6, dtype=np.int32), np.zeros(6, np.uint8), points5, points68)


def test_a_batch_is_a_pure_function_of_the_step(pack):
    batches = GlassesBatches(pack, 8, seed=1)
    first, again = batches(5), GlassesBatches(pack, 8, seed=1)(5)
    np.testing.assert_array_equal(first.picture, again.picture)
    assert not np.array_equal(first.picture, batches(6).picture)
    assert first.picture.shape == first.behind.shape == (8, *HEAD_SET.input_shape, 3)


def test_each_kind_says_what_it_knows(pack):
    batch = GlassesBatches(pack, len(KINDS), seed=0)(0)
    for k, kind in enumerate(KINDS):
        assert batch.needed[k] == (kind != "without")
        assert batch.known[k] == (kind != "wearer")
        worn = kind in ("drawn", "borrowed")
        assert (np.abs(batch.picture[k].astype(int) - batch.behind[k]).max() > 20) == worn
        assert bool(batch.hidden[k].any()) == worn


def test_borrowed_glasses_hide_where_they_were_cut_out(pack):
    cut = np.zeros((1, 256, 256), np.uint8)
    cut[0, 120:140, 80:180] = 255
    lender = np.full((1, 256, 256, 3), 30, np.uint8)
    batches = GlassesBatches(pack, 8, seed=0, borrowed=BorrowedGlasses(lender, cut, pack.points68[:1]))
    batch = batches(0)
    k = KINDS.index("borrowed")
    hidden = batch.hidden[k] > 0.9
    assert 0.02 < hidden.mean() < 0.2
    assert batch.picture[k][hidden].mean() < batch.behind[k][hidden].mean() - 30


def test_mirroring_landmarks_twice_gives_them_back():
    np.testing.assert_array_equal(MIRRORED_68[MIRRORED_68], np.arange(68))


def test_a_pack_of_another_size_gives_the_same_faces(pack):
    small = Pack(
        pack.crops[:, ::2, ::2], pack.attributes, pack.identity, pack.split, pack.points5, (pack.points68 - 0.5) / 2
    )
    fine, coarse = GlassesBatches(pack, 8, seed=0)(0), GlassesBatches(small, 8, seed=0)(0)
    k = KINDS.index("without")
    assert np.abs(fine.behind[k].astype(int) - coarse.behind[k]).mean() < 6


def test_a_pack_without_glasses_is_refused(pack):
    bare = Pack(pack.crops, np.zeros_like(pack.attributes), pack.identity, pack.split, pack.points5, pack.points68)
    with pytest.raises(TrainingStopped, match="with and without glasses"):
        GlassesBatches(bare, 8, seed=0)
