from dataclasses import replace

import numpy as np
import pytest
import torch

from diat.attributes import ATTRIBUTES, REGIONS, attribute_spec
from diat.data.batches import BatchSettings, TransferBatches
from diat.data.cache import BoundedCache
from diat.data.pack import Pack, open_pack
from diat.errors import TrainingStopped
from diat.networks import AttributeDiscriminator


@pytest.fixture(scope="module")
def pack(tiny_pack) -> Pack:
    return open_pack(tiny_pack)


def batches(pack: Pack, name: str = "eyeglasses_remove", rank: int = 0, world: int = 1, **settings) -> TransferBatches:
    defaults = dict(size=64, batch=8, shift=2)
    return TransferBatches(pack, ATTRIBUTES[name], BatchSettings(**{**defaults, **settings}), rank, world)


def test_a_batch_has_the_shapes_and_ranges_it_says(pack):
    batch = batches(pack)[0]
    assert batch.source.shape == batch.guided.shape == (8, 3, 64, 64)
    assert batch.mask.shape == (8, 1, 64, 64)
    assert batch.source.min() >= -1
    assert batch.source.max() <= 1
    assert batch.mask.min() == 0
    assert batch.mask.max() == 1


def test_a_step_gives_the_same_batch_whenever_it_is_asked_for(pack):
    a, b = batches(pack), batches(pack)
    for step in range(4):
        a[step]
    for name in ("source", "mask", "guided"):
        assert torch.equal(getattr(a[9], name), getattr(b[9], name))
    assert not torch.equal(a[9].source, a[10].source)


def test_ranks_see_different_images(pack):
    first, second = (batches(pack, rank=rank, world=2, shift=0)[0].source for rank in (0, 1))
    assert not any(torch.equal(a, b) for a in first for b in second)


def test_the_mask_moves_with_its_image(pack):
    plain, moved = batches(pack, shift=0), batches(pack, shift=6)
    assert plain[0].mask.mean() == pytest.approx(moved[0].mask.mean().item(), rel=0.1)
    a, b = plain[0], moved[0]
    # Where the image was not moved the mask was not either, and the other way round.
    for n in range(8):
        assert torch.equal(a.source[n], b.source[n]) == torch.equal(a.mask[n], b.mask[n])


def test_a_window_is_cut_from_images_and_mask_alike_and_holds_the_mask(pack):
    whole, cut = batches(pack, "mouth_close", size=128)[3], batches(pack, "mouth_close", size=128, windowed=True)[3]
    assert cut.source.shape == cut.guided.shape == (8, 3, 64, 64)
    for name in ("source", "mask", "guided"):
        assert torch.equal(getattr(cut, name), getattr(whole, name)[..., 64:128, 32:96])
    assert cut.mask.sum() > 0.98 * whole.mask.sum()


@pytest.mark.parametrize("name", [name for name, region in REGIONS.items() if region.window])
@pytest.mark.parametrize("size", [64, 128])
def test_d_takes_every_regions_window(name, size):
    left, top, right, bottom = attribute_spec("Smiling", name).window(size)
    logits, _ = AttributeDiscriminator((bottom - top, right - left))(torch.zeros(2, 3, bottom - top, right - left))
    assert logits.shape == (2,)
    assert 0 <= left < right <= size
    assert 0 <= top < bottom <= size


def test_a_region_without_a_window_and_a_size_that_d_could_not_halve_give_the_whole_crop():
    assert attribute_spec("male_to_female").window(128) == (0, 0, 128, 128)
    assert attribute_spec("mouth_open").window(32) == (0, 0, 32, 32)


def test_matched_guided_images_share_the_inputs_values(pack):
    labels = pack.attributes.copy()
    repeated = replace(
        pack,
        crops=np.concatenate([pack.crops] * 10),
        attributes=np.concatenate([labels] * 10),
        identity=np.concatenate([pack.identity] * 10),
        split=np.concatenate([pack.split] * 10),
        points5=np.concatenate([pack.points5] * 10),
        points68=np.concatenate([pack.points68] * 10),
    )
    spec = replace(ATTRIBUTES["eyeglasses_remove"], matched=("Male",))
    stream = TransferBatches(repeated, spec, BatchSettings(size=64, batch=32, matched=True))
    sources = stream.inputs[:32]
    guided = stream._draw_guided(sources, np.random.default_rng(0), 0)
    np.testing.assert_array_equal(repeated.column("Male")[guided], repeated.column("Male")[sources])
    assert not repeated.column("Eyeglasses")[guided].any()


def test_sets_smaller_than_a_batch_are_refused_with_the_counts(pack):
    with pytest.raises(TrainingStopped, match="guided set of eyeglasses_remove holds 48 images"):
        batches(pack, batch=64)
    nobody = replace(pack, attributes=np.ones_like(pack.attributes))
    with pytest.raises(TrainingStopped, match="holds 0 images"):
        batches(nobody)


def test_a_size_that_does_not_divide_the_packs_is_refused(pack):
    with pytest.raises(TrainingStopped, match="not a multiple of 96"):
        batches(pack, size=96)


def test_a_share_of_the_images_is_degraded_and_masks_never(pack):
    plain, poor, all_poor = (batches(pack, shift=0, degraded=share) for share in (0.0, 0.5, 1.0))
    steps = range(6)
    changed = [(poor[k].source != plain[k].source).flatten(1).any(1).float().mean().item() for k in steps]
    assert 0.3 < np.mean(changed) < 0.7  # of 48
    assert (all_poor[0].source != plain[0].source).flatten(1).any(1).all()
    assert (all_poor[0].guided != plain[0].guided).flatten(1).any(1).all()
    assert torch.equal(all_poor[0].mask, plain[0].mask)
    assert torch.equal(poor[3].source, batches(pack, shift=0, degraded=0.5)[3].source)


def test_no_more_masks_are_kept_than_there_is_room_for_and_the_batches_stay_the_same(pack, monkeypatch):
    roomy, narrow = batches(pack), batches(pack)
    monkeypatch.setattr(narrow.crops, "_masks", BoundedCache(5))
    for step in range(6):
        assert torch.equal(roomy[step].mask, narrow[step].mask)
    assert len(narrow.crops._masks) == 5
    assert len(roomy.crops._masks) > 5


def test_a_value_that_is_kept_is_made_once_and_one_that_is_not_each_time():
    made = []
    cache = BoundedCache(2)
    for row in (1, 2, 3, 1, 2, 3):
        assert cache.get(row, lambda row: made.append(row) or 10 * row) == 10 * row
    assert made == [1, 2, 3, 3]
