import pytest
import torch

from diat.field_network import FieldNetwork
from diat.heads import HEADS, HeadSet


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
        *([network.gate_scalar, network.paint.maps] if name == "skin" else []),
    ):
        torch.nn.init.normal_(layer.weight)
    maps, scalars = network(torch.rand(2, 3, *HEADS[name].input_shape))
    (maps.square().sum() + scalars.square().sum()).backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in network.parameters())
    assert 0.8e6 < sum(parameter.numel() for parameter in network.parameters()) < 2e6


def test_rows_that_contradict_themselves_are_refused():
    with pytest.raises(ValueError, match="multiples of 8"):
        HeadSet((32, 64, 98, 128), 192, ("a",), (1.0,))
    with pytest.raises(ValueError, match="scale"):
        HeadSet((32, 64, 96, 128), 192, ("a", "b"), (1.0,))
    with pytest.raises(ValueError, match="gate"):
        HeadSet((32, 64, 96, 128), 192, ("a",), (1.0,), scalars=("light",))
    with pytest.raises(ValueError, match="gate"):  # whose own layers' word comes first
        HeadSet((32, 64, 96, 128), 192, ("a",), (1.0,), scalars=("light", "gate"), own_gate=True)
