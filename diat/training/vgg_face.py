"""The frozen features phi_1..phi_5 of Eq. (1), (2), (4) and (10): the first five convolutions of a VGG-16.

The paper takes VGG-Face (Parkhi et al. 2015). Where it cannot be had, the embedded default stands in under its own
name: the same layers of Simonyan and Zisserman's VGG-16, trained on ImageNet.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from diat.errors import ModelRejected

IMAGENET = "imagenet-vgg16"
EMBEDDED = Path(__file__).parents[1] / "weights" / "vgg16_imagenet_to_conv3_1.safetensors"
LAYERS = {"conv1_1": (3, 64), "conv1_2": (64, 64), "conv2_1": (64, 128), "conv2_2": (128, 128), "conv3_1": (128, 256)}
# A 2x2 maximum precedes the third and the fifth convolution.
_POOLED_BEFORE = ("conv2_1", "conv3_1")


@dataclass(frozen=True)
class Normalisation:
    """What the weights expect of an RGB image in 0..255: ``(image - mean) / deviation``."""

    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]


VGG_FACE_NORMALISATION = Normalisation((129.1863, 104.7624, 93.5940), (1.0, 1.0, 1.0))
IMAGENET_NORMALISATION = Normalisation((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))


class VggFeatures(nn.Module):
    """phi_1..phi_5 after their ReLUs, frozen. The image is taken at its own size.

    Args:
        normalisation: of the weights that will be loaded.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, normalisation: Normalisation = VGG_FACE_NORMALISATION) -> None:
        super().__init__()
        for name, (inputs, outputs) in LAYERS.items():
            self.add_module(name, nn.Conv2d(inputs, outputs, 3, padding=1))
        self.register_buffer("mean", torch.tensor(normalisation.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(normalisation.deviation).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False)

    def forward(self, x: Tensor) -> dict[int, Tensor]:
        """(N, 3, H, W) in [-1, 1] -> feature maps by layer number 1..5; layer 0 is the pixels (Eq. 10)."""
        features = {0: x}
        y = ((x + 1) * 127.5 - self.mean) / self.deviation
        for number, name in enumerate(LAYERS, start=1):
            if name in _POOLED_BEFORE:
                y = nn.functional.max_pool2d(y, 2)
            y = torch.relu(cast(nn.Module, getattr(self, name))(y))
            features[number] = y
        return features


def load_features(name: str = IMAGENET) -> VggFeatures:
    """Load frozen features.

    Args:
        name: ``"imagenet-vgg16"`` for the embedded stand-in, a safetensors file of VGG-Face, or a Hub repository whose
            ``model.safetensors`` is one. Its tensors are named ``conv1_1.weight`` to ``conv3_1.bias``.

    Raises:
        ModelRejected: the weights are missing or not these layers.
    """
    if name == IMAGENET:
        features, path = VggFeatures(IMAGENET_NORMALISATION), EMBEDDED
    else:
        features, path = VggFeatures(VGG_FACE_NORMALISATION), _vgg_face_file(name)
    try:
        features.load_state_dict({key: value.float() for key, value in load_file(path).items()}, strict=True)
    except (OSError, SafetensorError, RuntimeError) as error:
        raise ModelRejected(f"{path} does not hold VGG's first five convolutions ({error}): choose another.") from error
    return features.eval()


def _vgg_face_file(name: str) -> Path:
    if Path(name).is_file():
        return Path(name)
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        return Path(hf_hub_download(name, "model.safetensors", etag_timeout=5))
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        raise ModelRejected(
            f"VGG-Face could not be fetched from {name!r} ({type(error).__name__}): check the name and the network, "
            f"or take the stand-in {IMAGENET!r}."
        ) from error
