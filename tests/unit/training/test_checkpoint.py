import pytest
import torch
from torch import nn

from diat.errors import TrainingStopped
from diat.training.checkpoint import checkpoints, load_checkpoint, save_checkpoint


def trained(steps: int = 3) -> tuple[nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(steps):
        optimizer.zero_grad()
        network(torch.rand(2, 3, 8, 8)).square().mean().backward()
        optimizer.step()
    return network, optimizer


def save(folder, step, **options):
    network, optimizer = trained()
    return save_checkpoint(folder, step, {"n": network}, {"o": optimizer}, {"config": {"seed": 1}}, **options)


def test_what_was_saved_comes_back_bit_for_bit(tmp_path):
    path = save(tmp_path, 7)
    network, optimizer = trained(steps=9)
    meta = load_checkpoint(path, {"n": network}, {"o": optimizer})
    expected, its_optimizer = trained()
    assert meta == {"step": 7, "config": {"seed": 1}}
    for key, value in expected.state_dict().items():
        assert torch.equal(network.state_dict()[key], value)
    ours, theirs = optimizer.state_dict(), its_optimizer.state_dict()
    assert [dict(group, betas=tuple(group["betas"])) for group in ours["param_groups"]] == theirs["param_groups"]
    for index, state in theirs["state"].items():
        for key, value in state.items():
            assert torch.equal(ours["state"][index][key], value)


def test_only_the_newest_are_kept_and_orphans_are_swept(tmp_path):
    (tmp_path / "step-0000001.writing").mkdir()
    for step in (1, 2, 3, 10):
        save(tmp_path, step)
    assert [path.name for path in checkpoints(tmp_path)] == ["step-0000003", "step-0000010"]
    assert not list(tmp_path.glob("*.writing"))


def test_a_half_written_checkpoint_is_not_seen(tmp_path):
    save(tmp_path, 1)
    (tmp_path / "step-0000002.writing").mkdir()
    assert [path.name for path in checkpoints(tmp_path)] == ["step-0000001"]


def test_no_pickle_is_written(tmp_path):
    assert sorted(path.name for path in save(tmp_path, 1).iterdir()) == ["meta.json", "state.safetensors"]


@pytest.mark.parametrize("damage", ["missing", "no meta", "cut"])
def test_a_damaged_checkpoint_is_refused(tmp_path, damage):
    path = save(tmp_path, 1)
    if damage == "missing":
        path = tmp_path / "step-0000009"
    elif damage == "no meta":
        (path / "meta.json").unlink()
    else:
        data = (path / "state.safetensors").read_bytes()
        (path / "state.safetensors").write_bytes(data[:-10])
    network, optimizer = trained()
    with pytest.raises(TrainingStopped, match="No whole checkpoint"):
        load_checkpoint(path, {"n": network}, {"o": optimizer})


def test_a_checkpoint_of_another_network_is_refused(tmp_path):
    path = save(tmp_path, 1)
    with pytest.raises(TrainingStopped, match="other networks"):
        load_checkpoint(path, {"n": nn.Conv2d(3, 5, 3)}, {})
