import pytest
import torch

from diat.field_network import FieldNetwork
from diat.heads import HEADS, PART_MAPS, PARTS, HeadSet


@pytest.mark.parametrize("name", HEADS)
def test_maps_come_at_half_the_resolution_and_start_at_zero(name):
    heads = HEADS[name]
    maps, scalars = FieldNetwork(heads).eval()(torch.rand(2, 3, *heads.input_shape) * 2 - 1)
    assert maps.shape == (2, len(heads.maps), *heads.map_shape)
    assert scalars.shape == (2, len(heads.scalars))
    assert not maps.any() and not scalars.any()


@pytest.mark.parametrize("name", HEADS)
def test_every_parameter_is_reached_by_a_gradient(name):
    torch.manual_seed(0)
    network = FieldNetwork(HEADS[name])
    for layer in (
        network.maps,
        network.scalars,
        *([network.gate_scalar, network.paint.maps, network.parts.maps] if name == "skin" else []),
    ):
        torch.nn.init.normal_(layer.weight)
    maps, scalars = network(torch.rand(2, 3, *HEADS[name].input_shape))
    (maps.square().sum() + scalars.square().sum()).backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in network.parameters())
    assert 0.8e6 < sum(parameter.numel() for parameter in network.parameters()) < 2.5e6


def test_rows_that_contradict_themselves_are_refused():
    with pytest.raises(ValueError, match="multiples of 8"):
        HeadSet((32, 64, 98, 128), 192, ("a",), (1.0,))
    with pytest.raises(ValueError, match="scale"):
        HeadSet((32, 64, 96, 128), 192, ("a", "b"), (1.0,))
    with pytest.raises(ValueError, match="gate"):
        HeadSet((32, 64, 96, 128), 192, ("a",), (1.0,), scalars=("light",))
    with pytest.raises(ValueError, match="gate"):  # whose own layers' word comes first
        HeadSet((32, 64, 96, 128), 192, ("a",), (1.0,), scalars=("light", "gate"), own_gate=True)
    with pytest.raises(ValueError, match="parts come first"):
        HeadSet((32, 64, 96, 128), 192, ("a", *PART_MAPS), (1.0,) * 8, own_parts=True)


def test_parts_are_the_word_of_their_own_layers():
    torch.manual_seed(0)
    heads, images = HEADS["skin"], torch.rand(1, 3, *HEADS["skin"].input_shape)
    network = FieldNetwork(heads).eval()
    torch.nn.init.normal_(network.parts.maps.weight)
    maps, _ = network(images)
    said = network.parts.decoded(*network.parts.encoded(torch.nn.functional.pixel_unshuffle(images, 2)))
    assert torch.equal(maps[:, : len(PARTS)], said * heads.scales[0]) and said.any() and not maps[:, len(PARTS) :].any()
