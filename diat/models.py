"""Models on disk: `model.safetensors`, `config.json` and a manifest of their SHA-256, written and strictly read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_safetensors
from safetensors.numpy import save as save_safetensors

from diat.attributes import attribute_spec
from diat.errors import DiatError, ModelRejected
from diat.files import read_file, write_folder
from diat.heads import HEADS, RGB
from diat.layers import expected_shapes, field_shapes

if TYPE_CHECKING:  # training alone needs torch
    from torch import nn

    from diat.field_network import FieldNetwork
    from diat.networks import GlobalEnhancer, LocalEnhancer, TransformNetwork

WEIGHTS, CONFIG, MANIFEST = "model.safetensors", "config.json", "manifest.json"
FORMAT = "diat-model-1"
# Of any file of a model; the largest network that `ModelConfig` can describe has 30 MiB.
MAX_FILE_BYTES = 256 * 2**20
RGB_SIZES = (64, 128, 192, 256)  # sides in pixels of the crops that T is trained on and run at
ENHANCER_PREFIX = "enhancer."  # of the names of E's tensors
PREFIXES = ("", ENHANCER_PREFIX)


@dataclass(frozen=True)
class ModelConfig:
    """What `config.json` says of a network: the paper's T, which draws the result, or one with heads.

    Of the latter, ``n_blocks``, ``residual``, ``windowed`` and ``enhancer`` say nothing.
    """

    attribute: str  # see diat.attributes.attribute_spec
    region: str = "face"  # a name in diat.attributes.REGIONS
    heads: str = RGB  # "rgb" is T; else a name in diat.heads.HEADS: fields that change the photograph's own pixels
    size: int = 128  # side of the crops it was trained on, pixels
    n_blocks: int = 5
    residual: bool = True
    windowed: bool = False  # T was trained in the region's window and runs there, see AttributeSpec.window
    enhancer: str = "none"  # the network E that follows T (section 3.2): "none", "local" or "global"
    strength: float = 1.0  # of the change that users get at strength 1.0
    dtype: str = "float16"  # of the tensors in the file
    format: str = FORMAT


@dataclass(frozen=True, eq=False)
class Model:
    """A loaded model: its configuration and float32 weights by name, those of E with ``enhancer.`` before them."""

    config: ModelConfig
    weights: Mapping[str, NDArray[np.float32]]
    training: Mapping[str, Any]  # what produced it
    source: str  # where it came from, for the user: "embedded", a path, or a repository with its revision
    notices: tuple[str, ...] = ()
    revision: str | None = None  # the commit, of a Hub repository


def load_networks(model: Model) -> tuple[TransformNetwork, LocalEnhancer | GlobalEnhancer | None]:
    """T and E as torch networks with the model's weights, in evaluation mode.

    Raises:
        ModelRejected: the model has heads instead of a T.
    """
    if model.config.heads != RGB:
        raise ModelRejected(
            f"{model.source} predicts fields and has no network T: choose a model that draws the result."
        )
    from diat.networks import GlobalEnhancer, LocalEnhancer, TransformNetwork

    transform = TransformNetwork(model.config.n_blocks, model.config.residual)
    enhancers = {"local": LocalEnhancer, "global": GlobalEnhancer}
    enhancer = enhancers[model.config.enhancer]() if model.config.enhancer in enhancers else None
    for network, prefix in zip((transform, enhancer), PREFIXES, strict=True):
        if network is not None:
            _fill(network, model, prefix)
    return transform, enhancer


def load_field_network(model: Model) -> FieldNetwork:
    """The network of a model with heads, in evaluation mode."""
    from diat.field_network import FieldNetwork

    network = FieldNetwork(HEADS[model.config.heads])
    _fill(network, model)
    return network


def _fill(network: nn.Module, model: Model, prefix: str = "") -> None:
    import torch

    names = (name for name in network.state_dict() if prefix + name in model.weights)
    # Only the norms' counters are not in the file; load_model has checked the rest.
    network.load_state_dict({n: torch.from_numpy(model.weights[prefix + n]) for n in names}, strict=False)
    network.eval()


def save_model(
    transform: TransformNetwork | FieldNetwork,
    config: ModelConfig,
    folder: Path,
    training: Mapping[str, Any],
    enhancer: LocalEnhancer | GlobalEnhancer | None = None,
) -> None:
    """Write T, and E if there is one, or a network with heads, as fp16 safetensors with configuration and manifest.

    Args:
        training: what produced it (recipe, steps, data), kept in the configuration for the model card.
    """
    tensors = {
        prefix + key: value.detach().half().cpu().numpy()
        for network, prefix in zip((transform, enhancer), PREFIXES, strict=True)
        for key, value in (network.state_dict().items() if network is not None else ())
        if value.is_floating_point()
    }
    write_model(folder, config, tensors, training)


def write_model(
    folder: Path, config: ModelConfig, weights: Mapping[str, NDArray[Any]], training: Mapping[str, Any]
) -> None:
    """Write a model's three files; the folder holds the old model or the new one, whole, whatever happens.

    Args:
        folder: other files in it are kept.
        config: of the network.
        weights: by name; they are written as fp16.
        training: what produced it, JSON-able.

    Raises:
        OSError: the folder cannot be written.
    """
    half = {name: np.ascontiguousarray(value, np.float16) for name, value in sorted(weights.items())}
    settings = json.dumps({**asdict(config), "training": dict(training)}, indent=2) + "\n"
    files = {WEIGHTS: save_safetensors(half, metadata={"format": "pt"}), CONFIG: settings.encode()}
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    write_folder(folder, {**files, MANIFEST: (json.dumps(digests, indent=2) + "\n").encode()})


def load_folder(folder: Path, source: str, attribute: str | None) -> Model:
    """Load the model of a folder; see `diat.hub.load_model`.

    Args:
        folder: holds the three files.
        source: what the user is told of where it came from.
        attribute: what it must transfer; None takes any.

    Raises:
        ModelRejected: anything about the files is not as it should be.
    """
    manifest = _json(folder, MANIFEST)
    files = {name: _verified(folder, name, manifest) for name in (CONFIG, WEIGHTS)}
    config = _config(files[CONFIG], folder)
    if attribute is not None and config.attribute != attribute:
        raise ModelRejected(f"{folder.name} holds {config.attribute!r}, not {attribute!r}: choose the matching model.")
    return Model(config, _weights(files[WEIGHTS], config), json.loads(files[CONFIG]).get("training", {}), source)


def model_folders(path: Path) -> list[Path]:
    """The folder itself if it holds a model, else those in it that do.

    Raises:
        DiatError: there are none.
    """
    folders = [path] if (path / CONFIG).is_file() else sorted(folder.parent for folder in path.glob(f"*/{CONFIG}"))
    if not folders:
        raise DiatError(f"{path} holds no model: give the folder of one, or a folder of such folders.")
    return folders


def _json(folder: Path, name: str) -> dict[str, Any]:
    try:
        value = json.loads(read_file(folder / name, MAX_FILE_BYTES))
    except OSError:
        found = ", ".join(sorted(path.name for path in folder.glob("*"))[:5]) if folder.is_dir() else "nothing"
        raise ModelRejected(
            f"{folder} lacks {name} (found {found or 'nothing'}): expected {WEIGHTS}, {CONFIG} and {MANIFEST}."
        ) from None
    except (ValueError, RecursionError) as error:
        raise ModelRejected(f"{name} in {folder} is not JSON ({error}): download the model again.") from None
    if not isinstance(value, dict):
        raise ModelRejected(f"{name} in {folder} is not a JSON object: download the model again.")
    return value


def _verified(folder: Path, name: str, manifest: Mapping[str, Any]) -> bytes:
    try:
        data = read_file(folder / name, MAX_FILE_BYTES)
    except OSError:
        raise ModelRejected(f"{folder} lacks {name}, which its manifest names: download the model again.") from None
    if hashlib.sha256(data).hexdigest() != manifest.get(name):
        raise ModelRejected(
            f"{name} in {folder} differs from its manifest (damaged or tampered with): download it again."
        )
    return data


def _config(data: bytes, folder: Path) -> ModelConfig:
    try:
        values = {"heads": RGB, **json.loads(data)}  # models that were made before there were heads do not name them
        config = ModelConfig(**{field.name: values[field.name] for field in fields(ModelConfig)})
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelRejected(
            f"{CONFIG} in {folder} is not a model's configuration ({error}): download it again."
        ) from None
    for field in fields(ModelConfig):
        found, wanted = getattr(config, field.name), type(getattr(ModelConfig(""), field.name))
        if not isinstance(found, (wanted, int) if wanted is float else wanted):
            raise ModelRejected(
                f"{field.name} in {folder / CONFIG} is {str(found)[:50]!r}, no {wanted.__name__}: download it again."
            )
    if config.format != FORMAT:
        raise ModelRejected(
            f"{folder} is of format {config.format[:50]!r}, and this version reads {FORMAT!r}: update diat."
        )
    try:
        attribute_spec(config.attribute, config.region)
    except DiatError as error:
        raise ModelRejected(
            f"{CONFIG} in {folder} is of an attribute that is not known here ({str(error)[:300]}): update diat."
        ) from None
    if config.heads in HEADS:
        known = config.size == HEADS[config.heads].size and config.enhancer == "none"
    else:
        known = config.heads == RGB and config.enhancer in ("none", "local", "global") and config.size in RGB_SIZES
    if not (known and 0 < config.n_blocks <= 16 and 0 < config.strength <= 4):
        raise ModelRejected(f"{CONFIG} in {folder} describes no known network: download it again.")
    return config


def _weights(data: bytes, config: ModelConfig) -> dict[str, NDArray[np.float32]]:
    try:
        tensors = load_safetensors(data)
    except (SafetensorError, ValueError, KeyError) as error:
        raise ModelRejected(f"{WEIGHTS} is not a whole safetensors file ({error}): download it again.") from None
    if config.heads == RGB:
        expected = expected_shapes(config.n_blocks, config.enhancer, ENHANCER_PREFIX)
    else:
        expected = field_shapes(HEADS[config.heads])
    missing, extra = sorted(expected.keys() - tensors.keys()), sorted(tensors.keys() - expected.keys())
    if missing or extra:
        raise ModelRejected(
            f"{WEIGHTS} is of another network: missing {missing[:3] or 'none'}, unknown {extra[:3] or 'none'}. "
            "Choose a model of this version."
        )
    for key, shape in expected.items():
        if tensors[key].shape != shape or str(tensors[key].dtype) != config.dtype:
            raise ModelRejected(
                f"{key} in {WEIGHTS} is {tensors[key].shape} {tensors[key].dtype}, expected {shape} {config.dtype}: "
                "choose a model of this version."
            )
        if not np.isfinite(tensors[key]).all():
            raise ModelRejected(
                f"{key} in {WEIGHTS} holds values that are no numbers: the training run failed, train again."
            )
    return {key: tensors[key].astype(np.float32) for key in expected}
