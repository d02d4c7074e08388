"""From VGG-Face as published to the ten tensors that `vgg_face.load_features` takes."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from diat.errors import ModelRejected
from diat.training.vgg_face import LAYERS


def published_tensors(path: Path) -> dict[str, Tensor]:
    """The first five convolutions of a published VGG-Face.

    Args:
        path: Oxford's ``vgg_face.mat`` for MatConvNet, or a state dict of PyTorch with its layers' names, such as
            ``vgg_face_dag.pth``. Both take RGB in 0..255 less the mean colour; Caffe's weights take BGR and are none.

    Returns:
        ``conv1_1.weight`` (64, 3, 3, 3) to ``conv3_1.bias`` (256,), float32.

    Raises:
        ModelRejected: the file is neither, or its layers are not VGG-Face's.
    """
    try:
        tensors = _from_matlab(path) if path.suffix == ".mat" else _from_torch(path)
    except OSError as error:
        raise ModelRejected(f"{path} cannot be read ({error.strerror or error}): give VGG-Face's file.") from error
    except (ValueError, KeyError, NotImplementedError, RuntimeError, pickle.UnpicklingError) as error:
        first = (str(error).splitlines() or [""])[0]
        raise ModelRejected(
            f"{path} is no VGG-Face that this reads ({first}): give vgg_face.mat, or a state dict of PyTorch."
        ) from error
    for name, (inputs, outputs) in LAYERS.items():
        for end, shape in ((".weight", (outputs, inputs, 3, 3)), (".bias", (outputs,))):
            found = tuple(tensors[name + end].shape) if name + end in tensors else None
            if found != shape:
                raise ModelRejected(f"{name}{end} in {path} is {found}, expected {shape}: give VGG-Face's own file.")
    return {f"{name}{end}": tensors[name + end].float().contiguous() for name in LAYERS for end in (".weight", ".bias")}


def _from_torch(path: Path) -> dict[str, Tensor]:
    # Tensors alone are read; whatever else a pickle could do is refused by torch.
    loaded: Any = torch.load(path, map_location="cpu", weights_only=True)
    return {str(name): value for name, value in loaded.items() if isinstance(value, Tensor)}


def _from_matlab(path: Path) -> dict[str, Tensor]:
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        content = loadmat(path, squeeze_me=True, struct_as_record=False)
    except MatReadError as error:
        raise ValueError(str(error)) from error
    layers = content["layers"] if "layers" in content else content["net"].layers
    tensors = {}
    for layer in np.atleast_1d(layers):
        if str(layer.name) not in LAYERS:
            continue
        # Versions differ in where a layer keeps its parameters.
        pair = layer.weights if hasattr(layer, "weights") else (layer.filters, layer.biases)
        filters, biases = np.asarray(pair[0], np.float32), np.asarray(pair[1], np.float32)
        # Height, width, inputs, outputs there; outputs, inputs, height, width here. Neither flips its kernels.
        tensors[f"{layer.name}.weight"] = torch.from_numpy(filters.transpose(3, 2, 0, 1).copy())
        tensors[f"{layer.name}.bias"] = torch.from_numpy(biases.ravel().copy())
    return tensors
