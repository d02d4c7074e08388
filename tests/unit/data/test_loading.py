"""Batches made ahead are those that would have been made in turn."""

import pytest
import torch

from diat.attributes import ATTRIBUTES
from diat.data.batches import Batch, BatchSettings, TransferBatches
from diat.data.loading import batches_ahead
from diat.data.pack import open_pack


def tensors(batch: Batch) -> list[torch.Tensor]:
    paired = [batch.paired.source, batch.paired.mask, batch.paired.target] if batch.paired else []
    return [batch.source, batch.mask, batch.guided, *paired]


@pytest.mark.parametrize("workers", [0, 1, 3])
@pytest.mark.parametrize("name", ["eyeglasses_remove", "mouth_close"])
def test_any_number_of_workers_makes_the_same_batches_in_the_same_order(tiny_pack, workers, name):
    settings = BatchSettings(size=64, batch=4, shift=2, degraded=0.5, paired=True)
    stream = TransferBatches(open_pack(tiny_pack), ATTRIBUTES[name], settings)
    ahead = list(batches_ahead(stream, range(3, 8), torch.device("cpu"), workers))
    assert len(ahead) == 5
    for step, batch in enumerate(ahead, start=3):
        expected = stream[step]
        assert batch.source_rows == expected.source_rows
        assert all(torch.equal(a, b) for a, b in zip(tensors(batch), tensors(expected), strict=True))
        assert (batch.paired.source is batch.source) == (expected.paired.source is expected.source)


def test_no_steps_make_no_batches(tiny_pack):
    stream = TransferBatches(open_pack(tiny_pack), ATTRIBUTES["mouth_close"], BatchSettings(size=64, batch=4))
    assert list(batches_ahead(stream, range(8, 8), torch.device("cpu"), 1)) == []
