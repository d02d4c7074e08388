"""Runs that are killed, starved of disk, fed with nonsense, or lose a partner.

NIGHTLY=1 kills each of two runs ten times; otherwise it is twice.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from scripts import ROOT

from diat.data.celeba import SPLITS
from diat.data.pack import open_pack
from diat.errors import TrainingStopped
from diat.training.adversarial import new_networks, train_transfer
from diat.training.checkpoint import checkpoints, load_checkpoint, save_checkpoint
from diat.training.recipes import transfer_config
from diat.training.run import Schedule

NIGHTLY = bool(os.environ.get("NIGHTLY"))
KILLS = 10 if NIGHTLY else 2  # of each of two runs
STEPS = 10 + 6 * KILLS  # a kill comes some steps after the last
ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1"}  # each, as two run side by side


def command(pack: Path, output: Path, *more: object) -> list[str]:
    arguments = ["--attribute", "eyeglasses_remove", "--pack", pack, "--output", output, "--size", 64, "--batch", 2]
    arguments += [
        "--steps",
        STEPS,
        "--save-every",
        2,
        "--sample-every",
        1000,
        "--log-every",
        1,
        "--d-warmup",
        4,
        *more,
    ]
    return [sys.executable, str(ROOT / "train" / "diat_a.py"), *map(str, arguments)]


def digest(output: Path) -> str:
    return sha256((output / "model" / "model.safetensors").read_bytes()).hexdigest()


def test_runs_killed_at_random_moments_end_in_the_same_weights(tiny_pack, tmp_path):
    subprocess.run(command(tiny_pack, tmp_path / "whole"), check=True, capture_output=True, timeout=600, env=ONE_THREAD)
    log = (tmp_path / "whole" / "stats.jsonl").read_text()
    # Two runs side by side, since most of the time goes into starting them.
    with ThreadPoolExecutor(2) as pool:
        killed = list(pool.map(lambda seed: run_with_kills(tiny_pack, tmp_path / f"run{seed}", seed), (0, 1)))
    for output in killed:
        assert digest(output) == digest(tmp_path / "whole")
        assert without_rates((output / "stats.jsonl").read_text()) == without_rates(log)
        assert not list((output / "checkpoints").glob("*.writing"))


def run_with_kills(pack: Path, output: Path, seed: int) -> Path:
    """Train to the end, killed `KILLS` times on the way."""
    rng, kills = random.Random(seed), 0
    while kills < KILLS:
        resume = ["--resume"] if checkpoints(output / "checkpoints") else []
        if output.exists() and not resume:
            shutil.rmtree(output)
        process = subprocess.Popen(
            command(pack, output, *resume), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=ONE_THREAD
        )
        before = newest(output)
        # Wait for a sign of life, then kill within the next couple of steps and saves.
        while newest(output) == before and process.poll() is None and before < STEPS - 2:
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.4))
        if process.poll() is not None:
            assert process.returncode == 0, process.stderr.read().decode()
            break
        process.send_signal(signal.SIGKILL)
        process.wait()
        kills += 1
    subprocess.run(command(pack, output, "--resume"), check=True, capture_output=True, timeout=600, env=ONE_THREAD)
    assert kills == KILLS, "the run ended before it could be killed"
    return output


def test_ctrl_c_ends_a_run_and_its_workers_without_a_traceback(tiny_pack, tmp_path):
    process = subprocess.Popen(
        command(tiny_pack, tmp_path / "run", "--steps", 100_000),
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=ONE_THREAD, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # shells' background jobs ignore it
    )  # fmt: skip
    while newest(tmp_path / "run") < 2 and process.poll() is None:
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers too
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "diat_a: stopped" in said
    assert "Traceback" not in said
    assert not subprocess.run(["pgrep", "-g", str(process.pid)], capture_output=True, text=True).stdout.split()


def newest(output: Path) -> int:
    done = checkpoints(output / "checkpoints") if output.exists() else []
    return int(done[-1].name.removeprefix("step-")) if done else 0


def without_rates(log: str) -> list[dict[str, float]]:
    lines = [json.loads(line) for line in log.splitlines()]
    return [{key: value for key, value in line.items() if key != "images_per_second"} for line in lines]


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_last_good_weights(tiny_pack, tmp_path, monkeypatch):
    from accelerate import Accelerator

    from diat.training import losses

    config = transfer_config(
        "eyeglasses_remove", tiny_pack, tmp_path / "run", "DIAT-A", "release", size=64, batch=2, steps=10, d_warmup=0
    )
    calls, true_loss = [], losses.attribute_loss_transform

    def fails_at_the_sixth(logits: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        return true_loss(logits) * (float("nan") if len(calls) == 6 else 1)

    monkeypatch.setattr(losses, "attribute_loss_transform", fails_at_the_sixth)
    networks = new_networks(config)
    with pytest.raises(TrainingStopped, match="loss at step 5 is nan"):
        train_transfer(config, networks, Schedule(log_every=1, sample_every=100, save_every=2), Accelerator(cpu=True))
    report = json.loads((config.output / "stopped.json").read_text())
    assert report["step"] == 5
    assert len(report["source_rows"]) == len(report["guided_rows"]) == 2
    assert newest(config.output) == 4
    state = load_file(checkpoints(config.output / "checkpoints")[-1] / "state.safetensors")
    assert all(torch.isfinite(value).all() for value in state.values() if value.is_floating_point())
    assert all(torch.isfinite(parameter).all() for parameter in networks.transform.parameters())


@pytest.fixture
def small_disk(tmp_path: Path):
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("needs the right to mount a small tmpfs")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_leaves_the_previous_checkpoint_whole(small_disk):
    network = torch.nn.Linear(600, 600)  # 1.4 MB: two checkpoints fit, a third beside them does not
    optimizer = torch.optim.SGD(network.parameters(), 0.1)
    first = save_checkpoint(small_disk / "c", 1, {"n": network}, {"o": optimizer}, {})
    save_checkpoint(small_disk / "c", 2, {"n": network}, {"o": optimizer}, {})
    with pytest.raises(TrainingStopped, match="disk"):
        save_checkpoint(small_disk / "c", 3, {"n": network}, {"o": optimizer}, {})
    assert [path.name for path in checkpoints(small_disk / "c")] == ["step-0000001", "step-0000002"]
    for path in (first, small_disk / "c" / "step-0000002"):
        load_checkpoint(path, {"n": torch.nn.Linear(600, 600)}, {})
    assert not list((small_disk / "c").glob("*.writing"))


def test_too_little_disk_is_said_before_the_first_step(small_disk, tiny_pack):
    done = subprocess.run(command(tiny_pack, small_disk / "run"), capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "make room" in done.stderr


def two_processes(*arguments: object) -> subprocess.Popen[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--master_port", str(port)]
    environment = {**os.environ, "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [*launcher, *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, start_new_session=True,
    )  # fmt: skip


def test_two_processes_train_on_different_data_to_the_same_weights(tiny_pack, tmp_path):
    process = two_processes(Path(__file__).with_name("two_ranks.py"), tiny_pack, tmp_path)
    printed, _ = process.communicate(timeout=600)
    assert process.returncode == 0, printed[-3000:]
    reports = [json.loads((tmp_path / f"rank{rank}.json").read_text()) for rank in (0, 1)]
    assert [report["processes"] for report in reports] == [2, 2]
    assert reports[0]["weights"] == reports[1]["weights"]
    # One epoch is 48 images: within it, no image is seen by both, nor twice.
    seen = [row for report in reports for batch in report["rows"][:6] for row in batch]
    assert len(seen) == len(set(seen)) == 48


def test_two_processes_share_the_images_of_a_pack_out(tiny_pack, tiny_celeba, tmp_path):
    output = tmp_path / "shared.pack"
    process = two_processes(ROOT / "train" / "prepare.py", "--dataset", tiny_celeba, "--output", output)
    printed, _ = process.communicate(timeout=600)
    assert process.returncode == 0, printed[-3000:]
    pack, alone = open_pack(output), open_pack(tiny_pack)
    assert [len(pack.rows(split)) for split in SPLITS] == [96, 24]
    crops = [{crop.tobytes() for crop in which.crops} for which in (pack, alone)]
    assert crops[0] == crops[1]
    assert pack.crops.tobytes() != alone.crops.tobytes()  # one process's images come after the other's
    assert not output.with_name("shared.pack.partial").exists()


def on_two_machines(tmp_path: Path, *arguments: object) -> list[str]:
    """Run a script by a launcher on each of two machines that have no disk in common; what each printed."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    machines = []
    for number in range(2):
        disk = tmp_path / f"machine{number}"
        disk.mkdir(exist_ok=True)
        launcher = [sys.executable, "-m", "torch.distributed.run", "--nnodes", "2", "--node_rank", str(number),
                    "--nproc_per_node", "1", "--master_addr", "127.0.0.1", "--master_port", str(port)]  # fmt: skip
        machines.append(
            subprocess.Popen(
                [*launcher, *map(str, arguments)],
                cwd=disk,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )  # fmt: skip
        )
    try:
        printed = [machine.communicate(timeout=300)[0] for machine in machines]
    finally:
        for machine in machines:
            if machine.poll() is None:
                os.killpg(machine.pid, signal.SIGKILL)
    assert [machine.returncode for machine in machines] == [0, 0], printed[0][-2000:] + printed[1][-2000:]
    return printed


def test_machines_without_a_disk_in_common_each_make_a_pack_and_resume_what_the_first_one_has(
    tiny_pack, tiny_celeba, tmp_path
):
    printed = on_two_machines(tmp_path, ROOT / "train" / "prepare.py", "--dataset", tiny_celeba, "--output", "x.pack")
    for number in range(2):
        assert open_pack(tmp_path / f"machine{number}" / "x.pack").digest == open_pack(tiny_pack).digest
        assert "will hold" in printed[number]
    options = ["--attribute", "mouth_close", "--pack", "x.pack", "--output", "run", "--size", 64, "--batch", 2,
               "--d-warmup", 0, "--log-every", 1, "--save-every", 1, "--sample-every", 100, "--workers", 0]  # fmt: skip
    train = ROOT / "train" / "diat_a.py"
    on_two_machines(tmp_path, train, *options, "--steps", 2)
    state = tmp_path / "machine0" / "run" / "checkpoints" / "step-0000002" / "state.safetensors"
    whole = state.read_bytes()
    shutil.rmtree(state.parent)
    assert not (tmp_path / "machine1" / "run" / "checkpoints").exists()
    on_two_machines(tmp_path, train, *options, "--steps", 2, "--resume", "yes")
    assert state.read_bytes() == whole


def test_the_death_of_one_process_ends_the_other(tiny_pack, tmp_path):
    process = two_processes(*command(tiny_pack, tmp_path / "run", "--steps", 100_000)[1:])
    try:
        while newest(tmp_path / "run") < 4:
            assert process.poll() is None, process.communicate()[0][-3000:]
            time.sleep(0.2)
        listed = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True).stdout.split()
        os.kill(int(listed[-1]), signal.SIGKILL)
        start = time.monotonic()
        assert process.wait(60) != 0
        assert time.monotonic() - start < 60
        while left := subprocess.run(["pgrep", "-f", str(tmp_path / "run")], capture_output=True, text=True).stdout:
            assert time.monotonic() - start < 60, left  # torch ends the loaders of a killed rank after some seconds
            time.sleep(0.5)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


def test_a_checkpoint_of_other_networks_can_be_told_from_a_damaged_one(tmp_path):
    network = torch.nn.Linear(4, 4)
    path = save_checkpoint(tmp_path, 1, {"n": network}, {}, {})
    save_file({"module/n/weight": torch.zeros(4, 4)}, path / "state.safetensors")
    with pytest.raises(TrainingStopped, match="other networks"):
        load_checkpoint(path, {"n": network}, {})
