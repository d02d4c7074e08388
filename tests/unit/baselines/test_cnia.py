import numpy as np
import pytest
import torch
from scripts import run_script

from diat.attributes import attribute_spec
from diat.baselines.cnia import ATTRIBUTE_LAYER, CniaSettings, most_alike, optimise, relative_distance, thumbs
from diat.training.vgg_face import load_features

GLASSES, SEX = attribute_spec("eyeglasses_remove"), attribute_spec("male_to_female")


@pytest.fixture(scope="module")
def phi():
    return load_features()


def band(size: int = 32) -> torch.Tensor:
    mask = torch.zeros(1, 1, size, size)
    mask[..., 8:20, :] = 1
    return mask


def smooth(seed: int, count: int = 1) -> torch.Tensor:
    low = torch.rand(count, 3, 4, 4, generator=torch.Generator().manual_seed(seed)) * 1.6 - 0.8
    return torch.nn.functional.interpolate(low, size=(32, 32), mode="bicubic").clamp(-1, 1)


def test_a_face_moves_to_the_guided_features_in_the_mask_and_stays_elsewhere(phi):
    source, guided, mask = smooth(0), smooth(1, 5), band()
    settings = CniaSettings(size=32, iterations=40, learning_rate=0.05)
    made, history = optimise(source, guided, mask, GLASSES, phi, settings)
    assert made.abs().max() <= 1
    assert history[-1] < 0.7 * history[0]
    with torch.no_grad():
        target, of_source = phi(guided)[ATTRIBUTE_LAYER].mean(0, keepdim=True), phi(source)[ATTRIBUTE_LAYER]
        before, after = (
            relative_distance(phi(y)[ATTRIBUTE_LAYER], target, of_source, mask).item() for y in (source, made)
        )
    assert after < 0.7 * before
    change = (made - source).abs()
    assert change[:, :, 8:20].mean() > 3 * change[:, :, 26:].mean()


def test_an_attribute_of_the_whole_face_may_change_all_of_it(phi):
    settings = CniaSettings(size=32, iterations=20, learning_rate=0.05)
    made, _ = optimise(smooth(0), smooth(1, 5), band(), SEX, phi, settings)
    assert (made - smooth(0)).abs()[:, :, 26:].mean() > 0.02


def test_the_most_alike_are_so_outside_the_mask():
    rng = np.random.default_rng(0)
    guided = rng.integers(0, 256, (6, 64, 64, 3)).astype(np.uint8)
    mask = np.zeros((64, 64), np.float32)
    mask[16:40] = 1
    crop = guided[4].copy()
    crop[16:40] = 0  # where the attribute shows, nothing is compared
    assert most_alike(crop, thumbs(guided), mask, 3)[0] == 4
    assert len(most_alike(crop, thumbs(guided), mask, 3)) == 3


def test_the_distance_is_relative_to_the_references_own_size():
    a, b = torch.rand(1, 4, 8, 8), torch.rand(1, 4, 8, 8)
    where = torch.ones(1, 1, 32, 32)
    by_hand = ((a - b) ** 2).mean() / (b**2).mean()
    torch.testing.assert_close(relative_distance(a, b, b, where), by_hand)
    torch.testing.assert_close(relative_distance(10 * a, 10 * b, 10 * b, where), by_hand)  # VGG-Face's are larger


def test_the_command_makes_what_is_missing_and_refuses_other_settings(tiny_pack, tmp_path):
    arguments = ["--attribute", "mouth_open", "--pack", tiny_pack, "--output", tmp_path / "cnia", "--size", 32]
    assert "median of 3" in run_script("train/cnia.py", *arguments, "--iterations", 2, "--faces", 3).stdout
    assert len(list((tmp_path / "cnia").glob("*.png"))) == 3
    refused = run_script("train/cnia.py", *arguments, "--iterations", 9, "--faces", 3, check=False)
    assert refused.returncode == 1 and "choose another --output" in refused.stderr
