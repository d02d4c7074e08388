from pathlib import Path

import pytest
import torch

from diat.adversarial import new_players
from diat.feature_discriminator import FeatureDiscriminator
from diat.networks import AttributeDiscriminator
from diat.recipes import transfer_config
from diat.vgg_face import load_features


def discriminator(size: int | tuple[int, int] = 64) -> FeatureDiscriminator:
    torch.manual_seed(0)
    return FeatureDiscriminator(load_features(), size)


def test_it_takes_a_windows_two_sides_and_gives_the_layers_of_the_identity_loss():
    logits, features = discriminator((64, 96))(torch.zeros(2, 3, 64, 96))
    assert logits.shape == (2,)
    assert features[4].shape == (2, 192, 16, 24)
    assert features[5].shape == (2, 128, 8, 12)
    with pytest.raises(ValueError, match="multiple of 16"):
        discriminator(72)


def test_only_its_own_layers_learn_and_the_features_stay_frozen():
    d = discriminator()
    d.requires_grad_(False).requires_grad_(True)
    learning = {name for name, parameter in d.named_parameters() if parameter.requires_grad}
    assert learning
    assert not any(name.startswith("phi") for name in learning)
    images = torch.rand(2, 3, 64, 64, requires_grad=True)
    d(images)[0].sum().backward()
    assert images.grad.abs().sum() > 0  # T learns through the frozen features


def test_its_score_moves_no_faster_than_its_input():
    """Spectral norms bound each layer, however large its weights have become."""
    d = discriminator()
    with torch.no_grad():
        for parameter in d.parameters():
            if parameter.requires_grad:
                parameter.mul_(100)
        images = torch.rand(4, 3, 64, 64) * 2 - 1
        logits = d(images)[0]
    assert logits.abs().max() < 200


@pytest.mark.parametrize(("chosen", "kind"), [(True, FeatureDiscriminator), (False, AttributeDiscriminator)])
def test_a_setting_chooses_it(chosen, kind):
    config = transfer_config("mouth_close", Path(), Path(), "DIAT-A", "release", size=64, feature_discriminator=chosen)
    assert isinstance(new_players(config).discriminator, kind)
