import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from torch import nn

from diat.errors import TrainingStopped
from diat.pixels import contact_sheet
from diat.tensors import composite
from diat.training.average import MovingAverage, average_over_processes
from diat.training.checkpoint import checkpoints, read_checkpoint
from diat.training.log import Log
from diat.training.run import Run, Schedule


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


class BesideAnother:
    """An accelerator of two processes, the other of which has nothing but zeros."""

    num_processes = 2

    def reduce(self, tensor: torch.Tensor, how: str) -> torch.Tensor:
        assert how == "mean"
        return tensor / 2


def test_processes_take_the_mean_of_their_gradients_and_of_the_norms_statistics():
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    network(torch.rand(2, 3, 8, 8) + 5).square().sum().backward()
    gradients = [parameter.grad.clone() for parameter in network.parameters()]
    mean, variance = network[1].running_mean.clone(), network[1].running_var.clone()
    assert mean.abs().min() > 0
    average_over_processes(BesideAnother(), network)
    for parameter, before in zip(network.parameters(), gradients, strict=True):
        torch.testing.assert_close(parameter.grad, before / 2)
    torch.testing.assert_close(network[1].running_mean, mean / 2)
    torch.testing.assert_close(network[1].running_var, variance / 2)


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


def linear_run(folder: Path, total: int = 6, **options) -> tuple[Run, nn.Module, torch.optim.Optimizer]:
    """A run of one layer that fits noise; ``options`` go to its schedule."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5), nn.Linear(3, 1))
    optimizer = torch.optim.Adam(network.parameters(), 0.1)
    schedule = Schedule(**{"log_every": 1, "sample_every": 2, "save_every": 2, **options})
    identity = {"config": {"steps": total, "rate": 0.1}, "data": "abc"}
    run = Run(folder, total, identity, {"network": network}, {"network": optimizer}, schedule, Accelerator(cpu=True))
    return run, network, optimizer


def train(folder: Path, total: int = 6, stop_after: int | None = None, saved: list[int] | None = None, **options):
    run, network, optimizer = linear_run(folder, total, **options)
    with run:
        for step in run.steps(lambda: np.zeros((4, 4, 3), np.uint8), None if saved is None else saved.append):
            loss = network(torch.randn(4, 3)).square().mean()
            run.update(loss, network, optimizer)
            run.record({"loss": loss})
            run.end_step(step, 4)
            if stop_after == step:
                raise KeyboardInterrupt
    return network


def state_of(folder: Path) -> bytes:
    return (checkpoints(folder / "checkpoints")[-1] / "state.safetensors").read_bytes()


def test_a_step_in_parts_is_the_step_on_all_of_them(tmp_path):
    data = torch.randn(8, 3)
    whole, parts = nn.Linear(3, 1), nn.Linear(3, 1)
    parts.load_state_dict(whole.state_dict())
    optimizers = [torch.optim.SGD(network.parameters(), 0.1) for network in (whole, parts)]
    run = linear_run(tmp_path)[0]
    run.update(whole(data).square().mean(), whole, optimizers[0])
    before = parts.weight.clone()
    for part in range(4):
        assert torch.equal(parts.weight, before)
        loss = parts(data[2 * part : 2 * part + 2]).square().mean()
        run.update(loss, parts, optimizers[1], part, 4)
    torch.testing.assert_close(parts.weight, whole.weight)


def test_a_run_leaves_its_log_samples_and_checkpoints(tmp_path):
    saved: list[int] = []
    train(tmp_path / "run", saved=saved)
    lines = [json.loads(line)["step"] for line in (tmp_path / "run" / "stats.jsonl").read_text().splitlines()]
    assert lines == [1, 2, 3, 4, 5, 6]
    assert saved == [2, 4, 6]
    assert sorted(path.name for path in (tmp_path / "run" / "samples").iterdir()) == [f"00000{n}.png" for n in saved]
    assert [path.name for path in checkpoints(tmp_path / "run" / "checkpoints")] == ["step-0000004", "step-0000006"]
    assert json.loads((tmp_path / "run" / "config.json").read_text())["config"] == {"steps": 6, "rate": 0.1}


def test_an_interrupted_run_resumes_to_the_same_weights_with_random_layers_too(tmp_path):
    train(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "half", stop_after=2)
    torch.manual_seed(99)
    train(tmp_path / "half", resume=True)
    assert state_of(tmp_path / "half") == state_of(tmp_path / "whole")
    assert len((tmp_path / "half" / "stats.jsonl").read_text().splitlines()) == 6


def test_a_folder_that_is_not_empty_is_refused_and_its_files_stay(tmp_path):
    (tmp_path / "thesis.txt").write_text("words")
    with pytest.raises(TrainingStopped, match="is not empty .it holds thesis.txt"):
        train(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "words"
    assert not (tmp_path / "stats.jsonl").exists()


def test_a_finished_run_is_not_overwritten(tmp_path):
    train(tmp_path / "run")
    before = state_of(tmp_path / "run")
    with pytest.raises(TrainingStopped, match="holds a run already"):
        train(tmp_path / "run")
    assert state_of(tmp_path / "run") == before


def test_a_run_killed_before_its_first_checkpoint_starts_anew(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "run", stop_after=0)
    train(tmp_path / "run")
    assert len((tmp_path / "run" / "stats.jsonl").read_text().splitlines()) == 6


def test_resuming_nothing_is_an_error_and_leaves_nothing(tmp_path):
    with pytest.raises(TrainingStopped, match="No checkpoint in"):
        train(tmp_path / "run", resume=True)
    assert not (tmp_path / "run").exists()


def test_resuming_with_another_setting_says_which(tmp_path):
    train(tmp_path / "run")
    before = state_of(tmp_path / "run")
    with pytest.raises(TrainingStopped, match=r"another config.steps \(6, now 8\)"):
        train(tmp_path / "run", total=8, resume=True)
    assert state_of(tmp_path / "run") == before


def test_a_process_that_sees_no_checkpoint_goes_on_from_what_the_first_one_sends(tmp_path, monkeypatch):
    network = train(tmp_path / "first")
    stored = read_checkpoint(checkpoints(tmp_path / "first" / "checkpoints")[-1])
    monkeypatch.setattr(
        "diat.training.checkpoint.broadcast_object_list", lambda given: [stored] if given == [None] else given
    )
    run, own, _ = linear_run(tmp_path / "second", resume=True)
    run.accelerator = SimpleNamespace(num_processes=2, is_main_process=False, wait_for_everyone=lambda: None)
    with run:
        assert run.first == 6
    for sent, taken in zip(network.state_dict().values(), own.state_dict().values(), strict=True):
        assert torch.equal(sent, taken)
    assert not (tmp_path / "second").exists()


HOLDER = """
import sys, time
from pathlib import Path
from accelerate import Accelerator
from diat.training.run import Run, Schedule
with Run(Path(sys.argv[1]), 5, {}, {}, {}, Schedule(), Accelerator(cpu=True)):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_folder_in_use_by_another_process_is_refused_until_that_is_killed(tmp_path):
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path / "run")], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(TrainingStopped, match="is in use by another run"):
            train(tmp_path / "run")
    finally:
        holder.kill()
        holder.wait()
    train(tmp_path / "run")


def test_a_kill_between_a_checkpoint_and_its_result_is_made_good_on_resuming(tmp_path):
    class KilledAtTheEnd(list):
        def append(self, done):
            if done == 6:
                raise KeyboardInterrupt
            super().append(done)

    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "run", saved=KilledAtTheEnd())
    saved: list[int] = []
    train(tmp_path / "run", resume=True, saved=saved)
    assert saved == [6]


def test_only_the_first_process_writes_and_remembers(tmp_path, monkeypatch):
    run, network, optimizer = linear_run(tmp_path / "run")
    monkeypatch.setattr(Accelerator, "is_main_process", False)
    with run:
        for step in run.steps():
            loss = network(torch.randn(4, 3)).square().mean()
            run.update(loss, network, optimizer)
            run.record({"loss": loss})
            run.end_step(step, 4)
    assert run._log is None  # nothing that could pile up
    assert not (tmp_path / "run").exists()


def test_a_gradient_that_is_not_finite_stops_the_run_before_it_harms_the_weights(tmp_path):
    run, network, optimizer = linear_run(tmp_path)
    before = [parameter.clone() for parameter in network.parameters()]
    with run, pytest.raises(TrainingStopped, match="gradient at step 0 is not finite"):
        for _ in run.steps():
            root = network(torch.zeros(4, 3)) * 0  # the square root's slope at 0 is infinite
            run.update(root.abs().sqrt().mean(), network, optimizer, about={"rows": [3, 4]})
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))
    assert json.loads((tmp_path / "stopped.json").read_text())["rows"] == [3, 4]


def test_a_line_that_was_cut_short_is_dropped_on_resuming(tmp_path):
    path = tmp_path / "stats.jsonl"
    path.write_text('{"step": 5}\n{"step": 1')
    Log(path, first=10)
    assert path.read_text() == '{"step": 5}\n'
