import logging
from pathlib import Path

import pytest
import torch

from diat.errors import InvalidArgument
from diat.runtime import devices
from diat.runtime.devices import choose_device
from diat.runtime.engine import Engine
from diat.runtime.ncnn_runtime import NcnnRuntime


@pytest.mark.parametrize("wanted", ["cpu", "CPU", torch.device("cpu")])
def test_the_processor_is_taken_however_it_is_named(wanted, drawn):
    engine = Engine(drawn("mouth_close").model, wanted)
    assert engine.device == "cpu"
    assert isinstance(engine._run, NcnnRuntime)


@pytest.mark.parametrize("wanted", ["gpu", "cuda:x", "", "cpu:0", 0])
def test_what_is_no_device_is_one_sentence(wanted):
    with pytest.raises(InvalidArgument, match="must be auto, cpu, cuda"):
        choose_device(wanted)


@pytest.fixture
def gpu(monkeypatch):
    """A machine with two NVIDIA GPUs, as torch would tell of it."""
    monkeypatch.setattr(devices, "_driver", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


def test_a_gpu_that_torch_sees_is_taken(gpu):
    assert choose_device(None) == choose_device("auto") == "cuda"
    assert choose_device(torch.device("cuda", 1)) == "cuda:1"
    with pytest.raises(InvalidArgument, match="no device 'cuda:2' here: use cuda"):
        choose_device("cuda:2")


def test_apples_gpu_is_taken(monkeypatch):
    monkeypatch.setattr(devices, "_driver", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device(None) == "mps"


def test_without_a_gpu_it_is_the_processor(monkeypatch):
    monkeypatch.setattr(devices, "_driver", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device(None) == "cpu"
    with pytest.raises(InvalidArgument, match="no device 'mps' here: use cpu"):
        choose_device("mps")


def test_without_torch_it_is_the_processor(gpu, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert choose_device(None) == "cpu"
    with pytest.raises(InvalidArgument, match="'cuda' needs torch"):
        choose_device("cuda")


@pytest.mark.parametrize("device", ["nvidiactl", "nvidia0", "nvmap", "dxg", "kfd"])
def test_a_driver_is_seen_by_its_device_wherever_its_libraries_lie(device, monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(Path, "exists", lambda path: str(path) == f"/dev/{device}")
    assert devices._driver()


def test_without_a_driver_torch_is_not_asked(monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(Path, "exists", lambda path: False)
    assert not devices._driver()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: pytest.fail("torch was asked"))
    assert choose_device(None) == "cpu"


def test_the_choice_is_logged(caplog, drawn):
    with caplog.at_level(logging.INFO, "diat"):
        Engine(drawn("mouth_close").model, "cpu")
    assert "mouth_close runs on cpu with NcnnRuntime" in caplog.text
