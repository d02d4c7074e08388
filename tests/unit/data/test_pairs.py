from dataclasses import replace

import pytest
import torch

from diat.attributes import ATTRIBUTES, attribute_spec
from diat.data.batches import BatchSettings, TransferBatches
from diat.data.mouths import gaps
from diat.data.pack import Pack, open_pack
from diat.data.pairs import DRAWINGS, SHUT, VARIED
from diat.errors import TrainingStopped


@pytest.fixture(scope="module")
def pack(tiny_pack) -> Pack:
    return open_pack(tiny_pack)


def batches(pack: Pack, name: str, paired: bool, shift: int = 2) -> TransferBatches:
    settings = BatchSettings(size=64, batch=4, shift=shift, paired=paired)
    return TransferBatches(pack, attribute_spec(name), settings)


@pytest.mark.parametrize("name", [name for name, spec in ATTRIBUTES.items() if spec.pairs is not None])
def test_batches_carry_the_pairs_and_stay_pure_functions_of_the_step(pack, name):
    streams = [batches(pack, name, paired) for paired in (True, True, False)]
    streams[0][1]
    a, b, plain = (stream[2] for stream in streams)
    assert torch.equal(a.paired.source, b.paired.source)
    assert torch.equal(a.paired.target, b.paired.target)
    assert torch.equal(a.source, b.source)
    drawing = DRAWINGS.get(ATTRIBUTES[name].pairs.kind)
    if drawing is None or drawing.certain is None:
        assert torch.equal(a.guided, plain.guided)  # the pairs take no randomness from the batch
    if drawing is None or drawing.vary is None:
        assert torch.equal(a.source, plain.source)
    else:
        every = torch.cat([(streams[0][k].source != streams[2][k].source).flatten(1).any(1) for k in range(12)])
        assert abs(every.float().mean() - VARIED) < 0.2  # of 48
    assert not torch.equal(a.paired.source, a.paired.target)
    if drawing is not None and drawing.of_guided:
        assert a.paired.target is a.guided
    else:
        assert a.paired.source is a.source


def test_mouths_that_only_the_labels_call_shut_do_not_train(pack):
    points = pack.points68.copy()
    half = len(points) // 2
    points[:half, [67, 66, 65], 1] = points[:half, [61, 62, 63], 1] + 0.2 * pack.size  # half stand wide open
    pack = replace(pack, points68=points)
    paired, plain = (batches(pack, "mouth_close", on, shift=0) for on in (True, False))
    assert (gaps(pack.points68[paired.guided]) <= SHUT).all()
    left_out = sorted(set(plain.guided) - set(paired.guided))
    assert 0 < len(left_out) < len(plain.guided)
    assert (gaps(pack.points68[left_out]) > SHUT).all()


def test_an_attribute_without_pairs_is_refused(pack):
    with pytest.raises(TrainingStopped, match="Smiling has no pairs, only mouth_open, .* have"):
        batches(pack, "Smiling", paired=True)
