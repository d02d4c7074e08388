"""What training minimises and in which order, on the code that trains: Eq. (7) and (14), Algorithm 1, section 4.2."""

import copy
import math
from pathlib import Path

import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import save_file

from diat.data.batches import Batch
from diat.errors import TrainingStopped
from diat.networks import AttributeDiscriminator, DenoisingNetwork, TransformNetwork
from diat.training import adversarial
from diat.training.adversarial import new_networks, train_transfer, update_networks
from diat.training.average import MovingAverage
from diat.training.objectives import TransferNetworks, discriminator_loss, transform_loss
from diat.training.recipes import VARIANTS, TransferConfig, transfer_config
from diat.training.run import Run, Schedule
from diat.training.start import Start, starting_networks
from diat.training.vgg_face import load_features

CPU = Accelerator(cpu=True)


def paper(variant: str, **given) -> TransferConfig:
    return transfer_config("mouth_close", Path("p"), Path("o"), variant, "paper", **{"size": 64, **given})


def noise_batch() -> Batch:
    images = [torch.rand(2, 3, 64, 64) * 2 - 1 for _ in range(2)]
    return Batch(images[0], torch.ones(2, 1, 64, 64), images[1], [0, 1], [2, 3])


def networks_of(config: TransferConfig) -> TransferNetworks:
    networks = new_networks(config)
    if config.gamma:
        networks.denoiser = DenoisingNetwork().eval().requires_grad_(False)
    return networks


def feature_distance(a: dict[int, torch.Tensor], b: dict[int, torch.Tensor]) -> float:
    """Eq. (1) and (2) by hand: layers 4 and 5, each by 2 C H W, mean over the batch."""
    return sum(((a[layer] - b[layer]) ** 2).sum().item() / (2 * a[layer].numel()) for layer in (4, 5))


@pytest.mark.parametrize("variant", VARIANTS)
def test_t_minimises_eq_7_or_eq_14_or_what_its_variant_leaves_of_them(variant):
    config, batch = paper(variant), noise_batch()
    networks = networks_of(config)
    transformed = networks.transform(batch.source)
    loss, _ = transform_loss(networks, batch, transformed, config, 0, CPU)
    with torch.no_grad():
        logits, features = networks.discriminator(transformed)
        by_hand = sum(math.log1p(math.exp(-logit)) for logit in logits.tolist()) / 2  # -log D(T(x))
        if variant in ("DIAT-A", "DIAT-A0"):
            by_hand += 0.1 * feature_distance(features, networks.discriminator(batch.source)[1])
        elif variant != "DIAT1":
            vgg = load_features()
            by_hand += 0.1 * feature_distance(vgg(transformed), vgg(batch.source))
        if variant in ("DIAT", "DIAT3"):
            by_hand += 0.001 * ((networks.denoiser(transformed) - transformed) ** 2).sum().item() / 2
    assert loss.item() == pytest.approx(by_hand, rel=1e-4)


def test_ds_loss_is_eq_3_of_guided_and_transformed_images_alone():
    config, batch = paper("DIAT-A"), noise_batch()
    d, transformed = AttributeDiscriminator(64), torch.rand(2, 3, 64, 64)
    loss, stats = discriminator_loss(d, batch, transformed, config, 0, CPU)
    with torch.no_grad():
        guided, fake = d(batch.guided)[0].sigmoid(), d(transformed)[0].sigmoid()
    by_hand = -guided.log().mean() - (1 - fake).log().mean()
    assert loss.item() == pytest.approx(by_hand.item(), rel=1e-4)
    assert set(stats) == {"D/guided", "D/transformed", "D/loss"}


@pytest.mark.parametrize("variant", ["DIAT", "DIAT-A"])
def test_ts_loss_teaches_t_and_never_d_nor_f(variant):
    config, batch = paper(variant), noise_batch()
    networks = networks_of(config)
    transform_loss(networks, batch, networks.transform(batch.source), config, 0, CPU)[0].backward()
    assert all(parameter.grad is None for parameter in networks.discriminator.parameters())
    assert all(parameter.grad.abs().sum() > 0 for parameter in networks.transform.parameters())
    for network in (networks.vgg, networks.denoiser):
        assert network is None or all(parameter.grad is None for parameter in network.parameters())
    assert all(parameter.requires_grad for parameter in networks.discriminator.parameters())  # for its own next step


def test_algorithm_1_transforms_then_updates_d_dstep_times_then_t_tstep_times(monkeypatch):
    config, batch = paper("DIAT-A", d_steps=2, t_steps=3), noise_batch()
    networks = networks_of(config)
    before = copy.deepcopy(networks.transform)
    optimizers = {
        name: torch.optim.Adam(getattr(networks, name).parameters(), 1e-3) for name in ("transform", "discriminator")
    }
    run = Run(Path("never"), 1, {}, {}, {}, Schedule(), CPU)
    order, judged, update = [], [], run.update

    def recorded(loss, network, *rest):
        order.append("D" if network is networks.discriminator else "T")
        update(loss, network, *rest)

    def seen(discriminator, batch, transformed, *rest):
        judged.append(transformed)
        return discriminator_loss(discriminator, batch, transformed, *rest)

    monkeypatch.setattr(run, "update", recorded)
    monkeypatch.setattr(adversarial, "discriminator_loss", seen)
    update_networks(run, networks, optimizers, MovingAverage(networks.transform, 0.9), [batch], config, 0)
    assert "".join(order) == "DDTTT"
    # D is shown T(x) of the T before its update, and no gradient goes back through it.
    assert all(torch.equal(images, before(batch.source)) and not images.requires_grad for images in judged)


def test_t_is_judged_by_the_d_of_the_same_turn(monkeypatch):
    config, batch = paper("DIAT1"), noise_batch()
    networks = networks_of(config)
    optimizers = {
        name: torch.optim.Adam(getattr(networks, name).parameters(), 1e-3) for name in ("transform", "discriminator")
    }
    old, current = copy.deepcopy(networks.discriminator), copy.deepcopy(networks.transform)
    run, losses = Run(Path("never"), 1, {}, {}, {}, Schedule(), CPU), {}
    monkeypatch.setattr(run, "record", losses.update)
    update_networks(run, networks, optimizers, MovingAverage(networks.transform, 0.9), [batch], config, 0)
    with torch.no_grad():
        transformed = current(batch.source)
        by_new, by_old = (
            torch.nn.functional.softplus(-d(transformed)[0]).mean() for d in (networks.discriminator, old)
        )
    assert losses["T/attribute"].item() == pytest.approx(by_new.item(), rel=1e-4)
    assert losses["T/attribute"].item() != pytest.approx(by_old.item(), rel=1e-4)


@pytest.mark.parametrize(("variant", "rate"), [("DIAT-A", 1e-5), ("DIAT3", 1e-4)])
def test_the_optimisers_have_section_4_2s_rates_from_the_first_step_to_the_last(
    tiny_pack, tmp_path, monkeypatch, variant, rate
):
    config = transfer_config(
        "mouth_close", tiny_pack, tmp_path, variant, "paper", size=64, batch=2, steps=3, subset="frontal"
    )
    rates = []

    def recorded(run, networks, optimizers, *_):
        rates.append({name: o.param_groups[0]["lr"] for name, o in optimizers.items()})
        assert all(isinstance(optimizer, torch.optim.Adam) for optimizer in optimizers.values())

    monkeypatch.setattr(adversarial, "update_networks", recorded)
    train_transfer(config, networks_of(config), Schedule(workers=0), CPU)
    assert rates == [{"transform": rate, "discriminator": rate}] * 3


def test_what_was_pretrained_arrives_bit_for_bit_in_t_d_f_and_the_average(tmp_path):
    config = paper("DIAT")
    torch.manual_seed(7)
    trained = {
        "transform": TransformNetwork(), "discriminator-mouth_close": AttributeDiscriminator(64),
        "denoiser": DenoisingNetwork(),
    }  # fmt: skip
    for name, network in trained.items():
        save_file(network.state_dict(), tmp_path / f"{name}.safetensors")
    networks = starting_networks(config, Start(pretrained=tmp_path))
    average = MovingAverage(networks.transform, config.decay)
    arrived = (networks.transform, networks.discriminator, networks.denoiser, average.network)
    for network, start in zip(arrived, (*trained.values(), trained["transform"]), strict=True):
        assert all(torch.equal(network.state_dict()[key], value) for key, value in start.state_dict().items())


def test_the_papers_recipe_does_not_start_untrained_without_a_word(tmp_path):
    with pytest.raises(TrainingStopped, match="lines 2-3.*--pretrained.*--from-scratch"):
        starting_networks(paper("DIAT-A"), Start())
    assert starting_networks(paper("DIAT-A"), Start(from_scratch=True)).transform is not None
