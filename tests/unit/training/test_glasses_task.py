import numpy as np
import pytest
import torch
from torch.nn import functional as F

from diat.data.fields_glasses import HEAD_SET
from diat.data.glasses_layers import draw_layers
from diat.training.fields_glasses import ALPHA, FILL, GAIN, GLOW, GlassesTask, clean_face


@pytest.fixture(scope="module")
def batch(laughing) -> dict[str, torch.Tensor]:
    """Four drawn pairs of glasses on a smooth face."""
    height, width = HEAD_SET.input_shape
    y, x = np.indices((height, width), dtype=np.float32)
    face = np.stack([150 + 60 * np.sin(x / 40 + k) * np.cos(y / 30) for k in range(3)], -1).round().astype(np.uint8)
    points = 2 * (laughing[1] - np.array(HEAD_SET.window[:2], np.float32)) + 0.5
    worn = [draw_layers(face, points, 2.0, np.random.default_rng(seed)) for seed in range(4)]
    picture = torch.from_numpy(np.stack([one.picture for one in worn])).permute(0, 3, 1, 2).float() / 255
    return {
        "picture": picture,
        "behind": (torch.from_numpy(face).permute(2, 0, 1).float() / 255).expand_as(picture),
        "hidden": torch.from_numpy(np.stack([one.hidden for one in worn]))[:, None],
        "gain": torch.from_numpy(np.stack([one.gain for one in worn]))[:, None],
        "glow": torch.from_numpy(np.stack([one.glow for one in worn])).permute(0, 3, 1, 2) / 255,
        "needed": torch.ones(4),
        "known": torch.ones(4, 1, 1, 1),
    }


def truth(batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Fields, at half the size, that say what the glasses did."""
    hidden, undone = batch["hidden"], 1 - batch["hidden"]
    share = F.avg_pool2d(undone, 2).clamp_min(0.05)
    maps = torch.zeros(4, len(HEAD_SET.maps), *HEAD_SET.map_shape)
    maps[:, [ALPHA]] = F.max_pool2d(F.max_pool2d(hidden, 3, 1, 1), 2) * 18 - 9
    maps[:, FILL] = F.avg_pool2d(batch["behind"], 2)
    maps[:, [GAIN]] = F.avg_pool2d(batch["gain"] * undone, 2) / share
    maps[:, GLOW] = F.avg_pool2d(batch["glow"] * undone, 2) / share
    return maps


def test_true_fields_give_the_face_without_glasses(batch):
    made, _ = clean_face(truth(batch), batch["picture"])
    before = (batch["picture"] - batch["behind"]).abs().mean()
    assert (made - batch["behind"]).abs().mean() < 0.15 * before


def test_true_fields_cost_least_and_each_false_one_is_felt(batch):
    task, scalars, true = GlassesTask(None), torch.full((4, 1), 9.0), truth(batch)
    least = task.losses(true, scalars, batch)
    nothing = task.losses(torch.zeros_like(true), scalars, batch)
    assert sum(least.values()) < 0.3 * sum(nothing.values())
    for name, channels in (("alpha", [ALPHA]), ("fill", FILL), ("tint", [GAIN]), ("tint", GLOW)):
        false = true.clone()
        false[:, channels] += 0.3 if name != "alpha" else 6
        assert task.losses(false, scalars, batch)[name] > least[name] + 0.01, name
    assert task.losses(true, -scalars, batch)["gate"] > least["gate"] + 0.5


def test_of_real_wearers_only_the_gate_is_asked(batch):
    unknown = batch | {"known": torch.zeros(4, 1, 1, 1)}
    losses = GlassesTask(None).losses(torch.randn_like(truth(batch)), torch.zeros(4, 1), unknown)
    assert losses["gate"] > 0
    assert losses["alpha"] == losses["tint"] == losses["face"] == 0
