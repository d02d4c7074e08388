"""How training begins: T, D and f anew, pre-trained, from a checkpoint or from a released model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from diat.errors import TrainingStopped
from diat.hub import load_model
from diat.models import WEIGHTS, load_networks
from diat.networks import DenoisingNetwork
from diat.training.adversarial import new_networks
from diat.training.objectives import TransferNetworks
from diat.training.recipes import TransferConfig


@dataclass(frozen=True)
class Start:
    """What training begins with."""

    pretrained: Path | None = None  # folder of pretrain.py: T, D, and f where the variant needs it
    init: Path | None = None  # a checkpoint, for its T and D, or a model's folder, for its T
    from_scratch: bool = False  # train the paper's recipe without its pre-training


def starting_networks(config: TransferConfig, start: Start) -> TransferNetworks:
    """T, D and f as training begins with them.

    Raises:
        TrainingStopped: what it should begin with is missing or of other networks.
    """
    networks = new_networks(config)
    if start.pretrained is not None:
        start_from(networks, start.pretrained, config)
    elif config.gamma:
        raise TrainingStopped(
            f"{config.variant} needs the denoiser f: run pretrain.py and name its --pretrained folder."
        )
    elif config.recipe == "paper" and start.init is None and not start.from_scratch:
        raise TrainingStopped(
            "The paper trains T and D beforehand (Algorithm 1, lines 2-3): run train/pretrain.py and name its folder "
            "with --pretrained, or say --from-scratch."
        )
    if start.init is not None:
        start_from_checkpoint(networks, start.init)
    return networks


def start_from(networks: TransferNetworks, folder: Path, config: TransferConfig) -> None:
    """Take T (Eq. 8), D (Eq. 9) and f (Eq. 5) from the folder of pretrain.py."""
    load_pretrained(networks.discriminator, folder / f"discriminator-{config.attribute}.safetensors")
    if not config.residual:  # a residual T starts as the identity: Eq. (8) is met already
        load_pretrained(networks.transform, folder / "transform.safetensors")
    if config.gamma:
        networks.denoiser = DenoisingNetwork().eval().requires_grad_(False)
        load_pretrained(networks.denoiser, folder / "denoiser.safetensors")


def start_from_checkpoint(networks: TransferNetworks, path: Path) -> None:
    """Take T's moving average and D's convolutions; D's first dense layer belongs to a size. A model has T alone."""
    if (path / WEIGHTS).is_file():
        model = load_model(path)
        transform, _ = load_networks(model)
        try:
            networks.transform.load_state_dict(transform.state_dict())
        except RuntimeError as error:
            raise TrainingStopped(f"{path} is of another T ({error}): choose another model.") from error
        networks.transform.train()
        networks.stages = stages_of(model.training)
        return
    try:
        tensors = load_file(path / "state.safetensors")
        meta = json.loads((path / "meta.json").read_text())
    except (OSError, SafetensorError, json.JSONDecodeError) as error:
        raise TrainingStopped(f"No whole checkpoint at {path} ({error}): give the folder of one.") from error

    def under(prefix: str) -> dict[str, Tensor]:
        return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}

    try:
        networks.transform.load_state_dict(under("module/average/"))
    except RuntimeError as error:
        raise TrainingStopped(f"{path} is of another T ({error}): choose the same recipe.") from error
    networks.stages = stages_of(meta.get("training", {}))
    own = networks.discriminator.state_dict()
    saved = under("module/discriminator/")
    fitting = {key: value for key, value in saved.items() if key in own and own[key].shape == value.shape}
    networks.discriminator.load_state_dict({**own, **fitting})


def stages_of(training: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """The runs behind a model, oldest first, by what its configuration says of its training."""
    stages = training.get("stages")
    return tuple(stages) if stages else ({"steps": training["steps"]},) if "steps" in training else ()


def load_pretrained(network: nn.Module, path: Path) -> None:
    """Load what pretrain.py wrote.

    Raises:
        TrainingStopped: the file is missing or of another network.
    """
    try:
        network.load_state_dict(load_file(path))
    except FileNotFoundError:
        raise TrainingStopped(f"There is no {path}: make it with train/pretrain.py.") from None
    except (SafetensorError, RuntimeError) as error:
        raise TrainingStopped(f"{path} does not fit ({error}): pre-train at the same size.") from error
