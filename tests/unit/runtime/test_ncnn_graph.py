import subprocess
import sys

import numpy as np
import pytest
import torch

from diat.layers import expected_shapes
from diat.models import ENHANCER_PREFIX, PREFIXES, Model, ModelConfig
from diat.networks import GlobalEnhancer, LocalEnhancer, TransformNetwork
from diat.runtime import torch_runtime
from diat.runtime.ncnn_runtime import NcnnRuntime
from diat.runtime.torch_runtime import TorchRuntime

ENHANCERS = {"local": LocalEnhancer, "global": GlobalEnhancer}


def model_of(residual: bool, enhancer: str) -> Model:
    """A model whose every weight matters: random, norms included."""
    torch.manual_seed(0)
    networks = [TransformNetwork(residual=residual)]
    networks += [ENHANCERS[enhancer]()] if enhancer in ENHANCERS else []
    weights = {}
    for network, prefix in zip(networks, PREFIXES, strict=False):
        for key, value in network.state_dict().items():
            if value.is_floating_point():
                random = torch.rand_like(value) + 0.5 if "var" in key else torch.randn_like(value) * 0.06
                weights[prefix + key] = (random + (1 if key.startswith("norm") and "weight" in key else 0)).numpy()
    return Model(ModelConfig("male_to_female", residual=residual, enhancer=enhancer, strength=1.2), weights, {}, "test")


@pytest.mark.parametrize("enhancer", ["none", "local", "global"])
def test_the_graphs_layers_are_the_networks(enhancer):
    networks = {
        "": TransformNetwork(),
        ENHANCER_PREFIX: {"local": LocalEnhancer, "global": GlobalEnhancer}.get(enhancer),
    }
    expected = {}
    for prefix, network in networks.items():
        if network is not None:
            state = (network if prefix == "" else network()).state_dict()
            expected |= {prefix + k: tuple(v.shape) for k, v in state.items() if v.is_floating_point()}
    assert expected_shapes(5, enhancer, ENHANCER_PREFIX) == expected


@pytest.mark.parametrize("residual", [True, False])
@pytest.mark.parametrize("enhancer", ["none", "local", "global"])
def test_the_graph_computes_what_torch_computes(residual, enhancer):
    model = model_of(residual, enhancer)
    crops = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), np.uint8)
    ours, reference = NcnnRuntime(model)(crops), TorchRuntime(model, "cpu")(crops)
    assert np.abs(reference).max() > 20
    np.testing.assert_allclose(ours, reference, atol=0.02)


def test_an_edit_on_the_processor_does_not_import_torch(tmp_path, collins_path):
    arguments = ["edit", str(collins_path), "-o", str(tmp_path / "x.png"), "--attribute", "mouth_close"]
    code = (
        f"import sys; from diat.cli import main; main({arguments!r}) and sys.exit(2); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


@pytest.mark.parametrize("residual", [True, False])
@pytest.mark.parametrize("enhancer", ["none", "local", "global"])
def test_every_network_runs_in_half_precision_as_on_a_gpu(residual, enhancer):
    model = model_of(residual, enhancer)
    crops = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
    half, full = TorchRuntime(model, "cpu", torch.float16)(crops), TorchRuntime(model, "cpu")(crops)
    assert half.dtype == np.float32
    assert np.abs(half - full).mean() < 0.01 * np.abs(full).mean()


def test_crops_travel_to_the_device_as_bytes(monkeypatch):
    arrived, to_tensor = [], torch_runtime.to_tensor
    monkeypatch.setattr(torch_runtime, "to_tensor", lambda crops: arrived.append(crops.dtype) or to_tensor(crops))
    TorchRuntime(model_of(True, "none"), "cpu")(np.zeros((1, 64, 64, 3), np.uint8))
    assert arrived == [torch.uint8]  # a quarter of what float32 takes
