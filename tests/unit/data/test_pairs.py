from dataclasses import replace

import pytest
import torch

from diat.attributes import ATTRIBUTES, attribute_spec
from diat.data.batches import TransferBatches
from diat.data.mouths import gaps
from diat.data.pack import open_pack
from diat.data.pairs import PAIRINGS, SHUT, VARIED
from diat.errors import TrainingStopped


@pytest.mark.parametrize("name", PAIRINGS)
def test_batches_carry_the_pairs_and_stay_pure_functions_of_the_step(tiny_pack, name):
    pack = open_pack(tiny_pack)
    streams = [
        TransferBatches(
            pack, ATTRIBUTES[name], size=64, batch=4, seed=0, num_inputs=None, matched=False, shift=2, paired=paired
        )
        for paired in (True, True, False)
    ]
    streams[0][1]
    a, b, plain = (stream[2] for stream in streams)
    assert torch.equal(a.paired.source, b.paired.source)
    assert torch.equal(a.paired.target, b.paired.target)
    if PAIRINGS[name].certain is None:
        assert torch.equal(a.guided, plain.guided)  # the pairs take no randomness from the batch
    assert torch.equal(a.source, b.source)
    if PAIRINGS[name].vary is None:
        assert torch.equal(a.source, plain.source)
    else:
        every = torch.cat([(streams[0][k].source != streams[2][k].source).flatten(1).any(1) for k in range(12)])
        assert abs(every.float().mean() - VARIED) < 0.2  # of 48
    assert not torch.equal(a.paired.source, a.paired.target)
    if PAIRINGS[name].of_guided:
        assert a.paired.target is a.guided
    else:
        assert a.paired.source is a.source
        assert a.to(torch.device("cpu")).paired.source is a.source or torch.equal(a.paired.source, a.source)


def test_mouths_that_only_the_labels_call_shut_do_not_train(tiny_pack):
    pack = open_pack(tiny_pack)
    points = pack.points68.copy()
    half = len(points) // 2
    points[:half, [67, 66, 65], 1] = points[:half, [61, 62, 63], 1] + 0.2 * pack.size  # half stand wide open
    pack = replace(pack, points68=points)
    paired, plain = (
        TransferBatches(
            pack,
            ATTRIBUTES["mouth_close"],
            size=64,
            batch=4,
            seed=0,
            num_inputs=None,
            matched=False,
            shift=0,
            paired=on,
        )
        for on in (True, False)
    )
    assert (gaps(pack.points68[paired.guided]) <= SHUT).all()
    left_out = sorted(set(plain.guided) - set(paired.guided))
    assert 0 < len(left_out) < len(plain.guided)
    assert (gaps(pack.points68[left_out]) > SHUT).all()


def test_an_attribute_without_pairs_is_refused(tiny_pack):
    pack = replace(open_pack(tiny_pack))
    with pytest.raises(TrainingStopped, match="Smiling has no pairs"):
        TransferBatches(
            pack,
            attribute_spec("Smiling"),
            size=64,
            batch=4,
            seed=0,
            num_inputs=None,
            matched=False,
            shift=0,
            paired=True,
        )
