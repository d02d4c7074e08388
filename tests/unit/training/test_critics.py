"""Critics: classifiers of any width, drawn from as many faces of either kind, and their word as a loss."""

import sys

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from scripts import ROOT

sys.path.insert(0, str(ROOT / "train"))
from attribute_classifier import balanced, kinds_of  # noqa: E402 - lies beside the scripts

from diat.attributes import attribute_spec
from diat.errors import TrainingStopped
from diat.evaluation.classifier import AttributeClassifier, load_classifier
from diat.training.critics import Critics, augmented
from tests.unit.training.test_rendered_task import pack


def test_a_classifier_is_loaded_with_its_own_widths(tmp_path):
    narrow = AttributeClassifier((8, 12, 16)).eval()
    save_file(narrow.state_dict(), tmp_path / "critic.safetensors")
    images = torch.rand(2, 3, 128, 128)
    assert torch.equal(load_classifier(tmp_path / "critic.safetensors")(images), narrow(images))


def test_every_combination_is_drawn_equally_often():
    data = pack()
    data.attributes[2] = False  # the third kind, of one face
    kinds = kinds_of(data, data.rows("train"), ("Male", "Young"))
    assert sorted(len(kind) for kind in kinds) == [1, 2, 3]
    drawn = balanced(kinds, 30, 0)
    assert np.count_nonzero(drawn == 2) == 10 and np.array_equal(drawn, balanced(kinds, 30, 0))
    with pytest.raises(TrainingStopped, match="Nose"):
        kinds_of(data, data.rows("train"), ("Nose",))


def test_the_loss_falls_as_the_critics_word_rises():
    spec = attribute_spec("male_to_female")

    def critic(male):
        word = torch.zeros(40)
        word[20] = male
        return torch.nn.Sequential(torch.nn.Flatten(), Constant(word))

    losses = [Critics([critic(male)], spec)(torch.zeros(3, 3, 128, 128), torch.Generator()) for male in (4.0, -4.0)]
    assert losses[0] > 4 and losses[1] < 0.1


class Constant(torch.nn.Module):
    def __init__(self, word):
        super().__init__()
        self.word = word

    def forward(self, x):
        return self.word.expand(len(x), -1)


def test_a_view_is_differentiable():
    images = torch.zeros(2, 3, 128, 128, requires_grad=True)
    augmented(images, torch.Generator().manual_seed(1), (0.7, 1.0), 0.5).sum().backward()
    assert (images.grad != 0).float().mean() > 0.1
