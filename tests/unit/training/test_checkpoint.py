import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from diat.errors import TrainingStopped
from diat.training.checkpoint import checkpoints, load_checkpoint, save_checkpoint, save_weights


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


def test_a_full_disk_leaves_the_checkpoints_before_whole(tmp_path, monkeypatch):
    save(tmp_path, 1)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("diat.training.checkpoint.os.fsync", full)
    with pytest.raises(TrainingStopped, match="of step 2 could not be written .*No space.*: make room on the disk"):
        save(tmp_path, 2)
    assert [path.name for path in tmp_path.iterdir()] == ["step-0000001"]
    network, optimizer = trained()
    assert load_checkpoint(tmp_path / "step-0000001", {"n": network}, {"o": optimizer})["step"] == 1


def test_a_step_that_is_saved_again_takes_the_place_of_the_first(tmp_path):
    save(tmp_path, 1)
    (tmp_path / "step-0000001" / "more").write_text("old")
    path = save(tmp_path, 1, keep=1)
    assert sorted(file.name for file in path.iterdir()) == ["meta.json", "state.safetensors"]


def test_a_checkpoint_without_an_optimizer_that_is_asked_for_is_refused(tmp_path):
    path = save(tmp_path, 1)
    network, optimizer = trained()
    with pytest.raises(TrainingStopped, match="of other networks .*: resume with the same settings"):
        load_checkpoint(path, {"n": network}, {"another": optimizer})


def test_moments_are_laid_out_as_their_parameters_are(tmp_path):
    path = save(tmp_path, 1)
    network, optimizer = trained()
    network.to(memory_format=torch.channels_last)
    load_checkpoint(path, {"n": network}, {"o": optimizer})
    weight = network[0].weight
    state = optimizer.state[weight]
    assert state["exp_avg"].stride() == weight.stride() != state["exp_avg"].contiguous().stride()
    assert state["step"].shape == ()


def test_weights_are_written_whole_into_folders_that_are_made(tmp_path):
    network, _ = trained()
    path = tmp_path / "deep" / "er" / "weights.safetensors"
    for _ in range(2):  # also over what is there
        save_weights(network, path)
    found = load_file(path)
    assert found.keys() == network.state_dict().keys()
    assert all(torch.equal(found[key], value) for key, value in network.state_dict().items())
    assert [file.name for file in path.parent.iterdir()] == [path.name]
