import json

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from torch import nn

from diat.pixels import contact_sheet
from diat.tensors import composite
from diat.training.run import Log, MovingAverage, optimise


def test_the_moving_average_follows_and_smooths():
    network = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(network.weight)
    average = MovingAverage(network, decay=0.9)
    nn.init.ones_(network.weight)
    average.update(network, step=0)
    first = average.network.weight.item()
    assert first == pytest.approx(0.9)  # the warm-up forgets quickly
    for step in range(1000, 1030):
        average.update(network, step)
    assert 1 - average.network.weight.item() < (1 - first) * 0.9**29
    assert not average.network.weight.requires_grad


def test_the_moving_average_keeps_the_norms_statistics():
    network = nn.BatchNorm2d(3)
    average = MovingAverage(network, decay=0.5)
    network(torch.randn(8, 3, 4, 4) + 5)
    average.update(network, 10_000)
    torch.testing.assert_close(average.network.running_mean, network.running_mean / 2)


def test_the_log_writes_means_and_starts_over(tmp_path):
    log = Log(tmp_path / "stats.jsonl")
    log.add({"a": torch.tensor(1.0), "b": torch.tensor(5.0)})
    log.add({"a": torch.tensor(3.0)})
    log.write(2, 16)
    log.add({"a": torch.tensor(7.0)})
    log.write(3, 16)
    lines = [json.loads(line) for line in (tmp_path / "stats.jsonl").read_text().splitlines()]
    assert [(line["step"], line["a"]) for line in lines] == [(2, 2.0), (3, 7.0)]
    assert lines[0]["b"] == 5.0
    assert lines[0]["images_per_second"] > 0


def test_a_resumed_log_drops_what_comes_after_its_checkpoint(tmp_path):
    path = tmp_path / "stats.jsonl"
    path.write_text('{"step": 5}\n{"step": 10}\n{"step": 15}\n')
    Log(path, first=10)
    assert path.read_text() == '{"step": 5}\n{"step": 10}\n'


def test_a_sheet_holds_every_picture():
    pictures = [(np.full((8, 8, 3), value, np.uint8), np.full((8, 8, 3), value + 1, np.uint8)) for value in range(5)]
    sheet = contact_sheet(pictures, columns=2)
    assert sheet.shape == (3 * 12, 2 * 20, 3)
    for value in range(6):
        assert (sheet == value).all(2).sum() >= 64


def test_composite_takes_t_inside_the_mask_and_x_outside():
    x, t = torch.zeros(1, 3, 4, 4), torch.ones(1, 3, 4, 4)
    mask = torch.zeros(1, 1, 4, 4)
    mask[..., :2] = 1
    result = composite(t, x, mask)
    assert (result[..., :2] == 1).all()
    assert (result[..., 2:] == 0).all()


def test_a_step_in_parts_is_the_step_on_all_of_them():
    accelerator, data = Accelerator(cpu=True), torch.randn(8, 3)
    whole, parts = nn.Linear(3, 1), nn.Linear(3, 1)
    parts.load_state_dict(whole.state_dict())
    optimizers = [torch.optim.SGD(network.parameters(), 0.1) for network in (whole, parts)]
    optimise(accelerator, whole(data).square().mean(), whole, optimizers[0])
    before = parts.weight.clone()
    for part in range(4):
        assert torch.equal(parts.weight, before)
        loss = parts(data[2 * part : 2 * part + 2]).square().mean()
        optimise(accelerator, loss, parts, optimizers[1], part, 4)
    torch.testing.assert_close(parts.weight, whole.weight)
