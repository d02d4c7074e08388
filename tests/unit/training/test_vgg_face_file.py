"""VGG-Face's own files, as MatConvNet and PyTorch keep them, against the same weights as they are."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from scipy.io import savemat
from scripts import run_script

from diat.errors import ModelRejected
from diat.training.vgg_face import LAYERS, VggFeatures, load_features
from diat.training.vgg_face_file import published_tensors


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return VggFeatures().state_dict()


def matlab_layers(weights, parameters) -> np.ndarray:
    kind = [("name", object), ("type", object), *[(name, object) for name in parameters]]
    rows = []
    for name in LAYERS:
        filters = weights[f"{name}.weight"].numpy().transpose(2, 3, 1, 0)
        biases = weights[f"{name}.bias"].numpy()[None]
        pair = np.empty(2, object)
        pair[:] = filters, biases
        rows.append((name, "conv", *((pair,) if len(parameters) == 1 else (filters, biases))))
    rows.append(("fc8", "conv", *rows[0][2:]))  # and what comes after, which is left out
    return np.array(rows, dtype=kind)


@pytest.mark.parametrize("parameters", [("weights",), ("filters", "biases")])
def test_oxfords_file_gives_the_features_of_its_weights(tmp_path, weights, parameters):
    savemat(tmp_path / "vgg_face.mat", {"layers": matlab_layers(weights, parameters)})
    tensors = published_tensors(tmp_path / "vgg_face.mat")
    assert tensors.keys() == weights.keys()
    assert all(torch.equal(tensors[name], value) for name, value in weights.items())
    save_file(tensors, tmp_path / "features.safetensors")
    images = torch.rand(1, 3, 32, 32) * 2 - 1
    network = VggFeatures()
    network.load_state_dict(weights)
    torch.testing.assert_close(load_features(str(tmp_path / "features.safetensors"))(images)[5], network(images)[5])


def test_a_state_dict_is_converted_by_the_command_and_what_follows_is_left_out(tmp_path, weights):
    torch.save({**weights, "fc8.bias": torch.zeros(2622)}, tmp_path / "vgg_face_dag.pth")
    said = run_script("train/convert_vgg_face.py", tmp_path / "vgg_face_dag.pth", tmp_path / "new" / "face.safetensors")
    assert "10 tensors" in said.stdout
    assert torch.equal(load_features(str(tmp_path / "new" / "face.safetensors")).conv3_1.bias, weights["conv3_1.bias"])


def test_what_is_no_vgg_face_is_refused_in_one_sentence(tmp_path, weights):
    (tmp_path / "text.mat").write_text("no matrix")
    torch.save({"conv1_1.weight": torch.zeros(64, 3, 5, 5)}, tmp_path / "other.pth")
    torch.save({"layer": VggFeatures}, tmp_path / "code.pth")  # a pickle that would run code
    for name, sentence in (
        ("text.mat", "no VGG-Face"),
        ("other.pth", "conv1_1.weight in .*5, 5.*expected"),
        ("code.pth", "no VGG-Face"),
        ("nowhere.mat", "cannot be read|no VGG-Face"),
    ):
        with pytest.raises(ModelRejected, match=sentence) as refused:
            published_tensors(tmp_path / name)
        assert "\n" not in str(refused.value)
