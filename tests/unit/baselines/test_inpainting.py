import json

import numpy as np
import pytest
import torch
from scripts import run_script

from diat.baselines import dcgan
from diat.baselines.inpainting import InpaintingSettings, blend, context_weights, losses, search


@pytest.fixture(scope="module")
def prior():
    torch.manual_seed(0)
    networks = dcgan.Generator(8), dcgan.Discriminator(8)
    for network in networks:
        network.eval().requires_grad_(False)
    for norm in networks[0].norms:  # untrained, all faces would look alike
        norm.running_var.fill_(0.01)
    return networks


def hole() -> np.ndarray:
    missing = np.zeros((64, 64), np.float32)
    missing[20:36, 12:52] = 1
    return missing


def test_the_networks_are_radfords_at_64():
    generator, discriminator = dcgan.Generator(), dcgan.Discriminator()
    images = generator(torch.zeros(2, dcgan.LATENT))
    assert images.shape == (2, 3, 64, 64) and images.abs().max() <= 1
    assert discriminator(images).shape == (2,)
    assert [conv.out_channels for conv in generator.convs] == [256, 128, 64, 3]
    assert [conv.out_channels for conv in discriminator.convs] == [64, 128, 256, 512]


def test_the_context_counts_most_beside_the_hole_and_never_in_it():
    weights = context_weights(hole())
    assert (weights[hole() > 0] == 0).all()
    assert weights[19, 30] == pytest.approx(21 / 49) and weights[17, 30] == pytest.approx(7 / 49)  # rows of the window
    assert weights[10, 30] == 0


def test_the_loss_is_the_weighted_context_and_lambda_times_the_prior(prior):
    generator, discriminator = prior
    made, source = generator(torch.rand(2, 100) * 2 - 1), torch.rand(1, 3, 64, 64)
    weights = torch.from_numpy(context_weights(hole()))[None, None]
    settings = InpaintingSettings(prior_weight=0.5)
    by_hand = [
        (weights * (face - source[0]).abs()).sum() + 0.5 * torch.log(1 - discriminator(face[None])[0].sigmoid())
        for face in made
    ]
    torch.testing.assert_close(losses(made, source, weights, discriminator, settings), torch.stack(by_hand))


def test_the_search_comes_near_a_face_that_the_prior_knows(prior):
    generator, discriminator = prior
    known = generator(torch.rand(1, 100, generator=torch.Generator().manual_seed(5)) * 2 - 1)
    weights = torch.from_numpy(context_weights(hole()))[None, None]
    settings = InpaintingSettings(iterations=30, learning_rate=0.15, starts=2)
    made, history = search(known, weights, generator, discriminator, settings)
    assert history[-1] < 0.5 * history[0]
    inside = torch.from_numpy(hole()) > 0
    start, _ = search(known, weights, generator, discriminator, InpaintingSettings(iterations=0, starts=2))
    # What the hole hides is found by what lies around it.
    assert (made - known)[..., inside].abs().mean() < 0.8 * (start - known)[..., inside].abs().mean()


def test_blending_fills_the_hole_alone_keeps_gradients_and_meets_the_border():
    rng = np.random.default_rng(0)
    ramp = np.linspace(40, 120, 64)[None, :, None] + np.zeros((64, 64, 3))
    source = ramp.astype(np.uint8)
    made = np.clip(ramp + 70 + rng.normal(0, 8, (64, 64, 1)), 0, 255).astype(np.uint8)  # lighter, with texture
    result = blend(source, made, hole())
    assert (result[hole() == 0] == source[hole() == 0]).all()
    inside = result[24:32, 16:48].astype(float)
    assert abs(inside.mean() - source[24:32, 16:48].mean()) < 10  # the 70 levels are gone
    texture = (made[24:32, 16:48].astype(float) - ramp[24:32, 16:48] - 70)[..., 0]
    assert np.corrcoef(texture.ravel(), (inside - ramp[24:32, 16:48])[..., 0].ravel())[0, 1] > 0.9


def test_a_face_blended_into_itself_stays_where_it_is():
    face = np.random.default_rng(1).integers(60, 200, (64, 64, 3)).astype(np.uint8)
    assert np.abs(blend(face, face, hole()).astype(int) - face).max() <= 2


def test_the_commands_train_a_prior_resume_it_and_fill_faces(tiny_pack, tmp_path):
    common = ["--pack", tiny_pack, "--batch", 4, "--avoid", "Bangs", "--log-every", 1, "--save-every", 2]
    gan = tmp_path / "gan"
    run_script("train/inpainting.py", "--what", "dcgan", "--output", gan, "--steps", 4, *common)
    lines = [json.loads(line) for line in (gan / "stats.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 3, 4] and "D/loss" in lines[0]
    arguments = ["--what", "pictures", "--attribute", "mouth_open", "--pack", tiny_pack, "--dcgan", gan]
    arguments += ["--output", tmp_path / "pictures", "--iterations", 3, "--faces", 2]
    assert "median of 2" in run_script("train/inpainting.py", *arguments).stdout
    assert len(list((tmp_path / "pictures").glob("*.png"))) == 2
