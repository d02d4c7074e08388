from dataclasses import replace
from pathlib import Path

import pytest
import torch
from accelerate import Accelerator

from diat.data.batches import Batch, Paired
from diat.networks import AttributeDiscriminator, TransformNetwork
from diat.training.adversarial import update_networks
from diat.training.average import MovingAverage
from diat.training.objectives import TransferNetworks, kept_statistics, pair_loss, transform_loss
from diat.training.recipes import TransferConfig
from diat.training.run import Run, Schedule


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    return TransferConfig(attribute="mouth_open", pack=folder / "pack", output=folder / "output")


def batch_of(target, mask):
    source = torch.zeros_like(target)
    return Batch(source, mask, source, [0], [0], Paired(source, mask, target))


def test_a_result_like_its_target_costs_nothing_whatever_lies_outside_the_mask(config):
    target, mask = torch.rand(1, 3, 16, 16), torch.zeros(1, 1, 16, 16)
    mask[..., 4:12, 4:12] = 1
    result = torch.where(mask > 0, target, torch.ones_like(target))
    assert pair_loss(torch.nn.Identity(), batch_of(target, mask), result, config, Accelerator(cpu=True)) == 0


def test_stripes_cost_more_than_an_even_tint_of_the_same_size(config):
    mask = torch.ones(1, 1, 16, 16)
    batch, accelerator = batch_of(torch.zeros(1, 3, 16, 16), mask), Accelerator(cpu=True)
    tint = torch.full((1, 3, 16, 16), 0.1)
    stripes = tint.clone()
    stripes[..., ::2] = -0.1
    even = pair_loss(torch.nn.Identity(), batch, tint, config, accelerator)
    striped = pair_loss(torch.nn.Identity(), batch, stripes, config, accelerator)
    assert even == pytest.approx(0.1)
    # 0.1 for the pixels and 0.2 for each of 15 of 16 neighbours.
    assert striped == pytest.approx(0.1 + 0.2 * 15 / 16)


def test_pairs_of_guided_images_go_through_the_network(config):
    target, mask = torch.zeros(1, 3, 16, 16), torch.ones(1, 1, 16, 16)
    given = torch.full((1, 3, 16, 16), 0.4)
    batch = Batch(torch.zeros_like(given), mask, target, [0], [0], Paired(given, mask, target))
    loss = pair_loss(torch.nn.Identity(), batch, torch.ones_like(given), config, Accelerator(cpu=True))
    assert loss == pytest.approx(0.4)


def test_statistics_are_of_inputs_alone_whatever_else_passes_through(config):
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 3, 1), torch.nn.BatchNorm2d(3))
    before = network[1].running_mean.clone()
    with kept_statistics(network):
        result = network(torch.rand(4, 3, 8, 8) + 5)
    assert torch.equal(network[1].running_mean, before)
    assert abs(result.mean()) < 1e-4  # by its own batch all the same
    network(torch.rand(4, 3, 8, 8) + 5)
    assert not torch.equal(network[1].running_mean, before)


@pytest.mark.parametrize("drawn", [False, True])
def test_guided_images_and_drawn_pairs_leave_ts_statistics_alone(config, drawn):
    torch.manual_seed(0)
    x, mask = torch.rand(2, 3, 32, 32) * 2 - 1, torch.ones(2, 1, 32, 32)
    paired = Paired(x + 1, mask, x) if drawn else None
    batch = Batch(x, mask, torch.rand(2, 3, 32, 32), [0, 1], [0, 1], paired)
    networks = TransferNetworks(TransformNetwork(), AttributeDiscriminator(32))
    transformed = networks.transform(x)
    before = {name: value.clone() for name, value in networks.transform.named_buffers() if "running" in name}
    stats = transform_loss(networks, batch, transformed, config, 0, Accelerator(cpu=True))[1]
    assert "T/keep" in stats and ("T/pair" in stats) == drawn
    for name, value in networks.transform.named_buffers():
        assert name not in before or torch.equal(value, before[name]), name


def test_a_step_of_several_parts_counts_each_of_them_in(config):
    config = replace(config, d_warmup=0, lambda_keep=0.0)
    networks = TransferNetworks(TransformNetwork(residual=True), AttributeDiscriminator(32))
    optimizers = {
        name: torch.optim.SGD(getattr(networks, name).parameters(), 0.0) for name in ("transform", "discriminator")
    }
    run = Run(Path("never"), 1, {}, {}, {}, Schedule(), Accelerator(cpu=True))
    recorded = []
    run.record = recorded.append
    mask = torch.ones(2, 1, 32, 32)
    share = [Batch(torch.rand(2, 3, 32, 32), mask, torch.rand(2, 3, 32, 32), [0], [0]) for _ in range(3)]
    update_networks(run, networks, optimizers, MovingAverage(networks.transform, 0.9), share, config, 0)
    assert [("D/loss" in stats, "T/loss" in stats) for stats in recorded] == [(True, False)] * 3 + [(False, True)] * 3
    assert len({stats["D/loss"].item() for stats in recorded[:3]}) == 3
