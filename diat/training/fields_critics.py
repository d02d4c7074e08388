"""The second stage of the skin's fields: judged by what they make of a face, not by what they are.

Supervised fields come near the mean of what neighbours have, and act too weakly. Here they are rendered
(`skin_render`), and critics say whether the picture has the attribute (`critics`), a recogniser whether it is still the
person (`recogniser`). The fields stay near those of the first stage, and everything else that the network says (parts,
gate, beard, grey hair) stays as it was.
"""

from __future__ import annotations

import copy
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diat.align import CROP_SIZE, rescaled, resized
from diat.attributes import AttributeSpec
from diat.data.pack import Pack
from diat.data.sets import training_faces
from diat.errors import TrainingStopped
from diat.field_network import FieldNetwork
from diat.heads import HEADS, Fields
from diat.native.region import crop_face
from diat.native.style import Style
from diat.tensors import to_tensor
from diat.training.critics import Critics
from diat.training.fields import IMAGE, prototypes_of
from diat.training.fields_skin import ALPHA, BIAS, FILL, FLOW, LABELS, LIMITS, SCALARS, near_face
from diat.training.recogniser import Recogniser
from diat.training.skin_render import planes_of, render

HEAD_SET = HEADS["skin"]
PLACE = {name: channel for channel, name in enumerate(HEAD_SET.maps)}
# Of the fields' difference from the first stage's: they must stay smooth.
SMOOTH = {"dx": 20.0, "dy": 20.0, "bias": 4.0, "fill": 4.0, "paint": 4.0}
SOFT = tuple(name for name in HEAD_SET.maps if name.split("_")[0] in SMOOTH)
# What an error of each field costs, as in the first stage.
COSTS = {
    "dx": FLOW / 3, "dy": FLOW / 3, "bias": BIAS / 12, "limit": LIMITS / 1.6, "fill": FILL / 18, "paint": BIAS / 12,
}  # fmt: skip
NEAR_FIRST = 0.35  # weight of the first stage's fields
IDENTITY, SPARE = 20.0, 0.01  # weight of what the likeness falls below the first stage's, less that much
LIPS_FREE, LIPS = 1.5, 0.5  # CIELAB by which lips may leave the first stage's L and a, and what more costs
LIGHT_FREE, LIGHT = 0.3, 0.3  # likewise the mean lightness of the cheeks: pale skin is the cheap way
KEPT_LABELS = 0.5


class RenderedTask:
    """What a run of `diat.training.fields.train_fields` trains on in the second stage.

    Args:
        pack: crops of 256 pixels, so that there is relief to see.
        spec: the attribute.
        style: how its fields are used.
        first: the network of the first stage; it is left as it is.
        critics: of the attribute.
        batch: faces that are rendered at a step. Half as many that have the attribute come along for the gate.
        seed: of the drawing.

    Raises:
        TrainingStopped: the pack is too small, or holds no faces of either kind.
    """

    def __init__(
        self,
        pack: Pack,
        spec: AttributeSpec,
        style: Style,
        first: FieldNetwork,
        critics: Critics,
        batch: int,
        seed: int,
    ) -> None:
        if pack.size < 2 * CROP_SIZE:
            raise TrainingStopped(
                f"The second stage looks at the relief of skin: give a pack of --size {2 * CROP_SIZE}, not {pack.size}."
            )
        self._pack, self._style, self._batch, self._seed = pack, style, batch, seed
        self._lacking, self._having = training_faces(pack, spec, hiding=("Wearing_Hat",))
        self._first = copy.deepcopy(first).cpu().eval().requires_grad_(False)
        self._prototypes = prototypes_of(self._first)
        self._recogniser = Recogniser()
        self._judges = nn.ModuleList([critics, copy.deepcopy(self._recogniser)])  # where the losses are
        self._known: dict[int, dict[str, Tensor]] = {}
        self._start = _digest(self._first), _digest(critics)

    def identity(self) -> Mapping[str, Any]:
        """See `FieldTask`."""
        first, critics = self._start
        return {"digest": self._pack.digest, "faces": len(self._lacking), "first": first, "critics": critics}

    def batch(self, step: int) -> Mapping[str, Tensor]:
        """See `FieldTask`. Of the N images the first M are rendered: what `planes_of` and `_rendered_once` know of
        these is there M times, and of all what the first stage said (N, C, G, G), (N, S).
        ``views`` seeds how the critics see them.
        """
        rng = np.random.default_rng((self._seed, step))
        drawn = rng.choice(self._lacking, self._batch)
        faces = [self._face(int(row)) for row in drawn]
        others = [self._seen(int(row)) for row in rng.choice(self._having, max(1, self._batch // 2))]
        batch = {name: torch.stack([face[name] for face in faces]) for name in faces[0]}
        for name in others[0]:
            batch[name] = torch.cat([batch[name], torch.stack([other[name] for other in others])])
        batch[IMAGE], batch["views"] = batch.pop("seen"), torch.tensor(int(rng.integers(2**31)))
        return batch

    def losses(self, maps: Tensor, scalars: Tensor, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """See `FieldTask`."""
        critics, recogniser = self._judges.to(maps.device)
        count = len(batch["planes"])
        painted = render(maps[:count], scalars[:count], batch, self._style)
        rng = torch.Generator().manual_seed(int(batch["views"]))
        alike = (recogniser(painted.same_beard) * batch["person"]).sum(1)
        first = {"maps": batch["first_maps"].float(), "scalars": batch["first_scalars"]}
        place = [HEAD_SET.scalars.index(name) for name in LABELS]
        labels = scalars[:, place] - first["scalars"][:, place]
        lips = (painted.lips - batch["first_lips"])[:, :2].abs()
        light = (painted.lightness - batch["first_lightness"]).abs()
        return {
            "critics": critics(painted.image, rng),
            "identity": IDENTITY * (batch["alike"] - SPARE - alike).clamp(min=0).mean(),
            "near": self._near(maps[:count], scalars[:count], first, batch["near"]),
            "smooth": _unsmooth((maps - first["maps"])[:count]),
            "lips": LIPS * (lips - LIPS_FREE).clamp(min=0).sum(1).mean(),
            "light": LIGHT * (light - LIGHT_FREE).clamp(min=0).mean(),
            "kept": KEPT_LABELS * labels.square().mean(),
        }

    @staticmethod
    def _near(maps: Tensor, scalars: Tensor, first: Mapping[str, Tensor], near: Tensor) -> Tensor:
        """How far the fields are from the first stage's; where beards and brows are counts in full:
        critics would rub a brow out altogether.
        """
        count, total = len(maps), maps.new_zeros(())
        for name, channel in PLACE.items():
            said, was = maps[:, channel : channel + 1], first["maps"][:count, channel : channel + 1]
            if name in ("alpha", "brow_alpha"):
                hair = F.binary_cross_entropy_with_logits(said, was.sigmoid(), reduction="none") * (0.1 + near)
                total = total + ALPHA * hair.mean()
            elif not name.startswith("part"):
                total = total + NEAR_FIRST * COSTS[name.split("_")[0]] * ((said - was).abs() * (0.1 + near)).mean()
        place = [HEAD_SET.scalars.index(name) for name in SCALARS]
        return total + NEAR_FIRST * (scalars - first["scalars"][:count])[:, place].abs().mean()

    def _seen(self, row: int) -> dict[str, Tensor]:
        """What the network sees of a face, and what that of the first stage says."""
        seen = to_tensor(resized(np.asarray(self._pack.crops[row]), HEAD_SET.size)[None])
        with torch.no_grad():
            maps, scalars = self._first(seen)
        return {"seen": seen[0], "first_maps": maps[0].half(), "first_scalars": scalars[0]}

    def _face(self, row: int) -> dict[str, Tensor]:
        if row not in self._known:
            self._known[row] = self._rendered_once(row)
        return self._known[row]

    def _rendered_once(self, row: int) -> dict[str, Tensor]:
        """All that is known of a face that is to be rendered, the first stage's result among it."""
        seen = self._seen(row)
        maps, scalars = seen["first_maps"][None].float(), seen["first_scalars"][None]
        said = Fields(HEAD_SET, maps[0].permute(1, 2, 0).numpy(), scalars[0].numpy())
        face = crop_face(np.asarray(self._pack.crops[row]), self._pack.points68[row])
        planes = planes_of(face, said.named_maps, said.named_scalars, self._style, self._prototypes)
        with torch.no_grad():
            before = render(maps, scalars, {name: plane[None] for name, plane in planes.items()}, self._style)
            people = self._recogniser(torch.cat([planes["photo"][None], before.image]))
        near = near_face(rescaled(self._pack.points68[row], self._pack.size, CROP_SIZE))
        return {
            **seen,
            **planes,
            "near": torch.from_numpy(near)[None],
            "person": people[0],
            "alike": (people[0] * people[1]).sum(),
            "first_lips": before.lips[0],
            "first_lightness": before.lightness[0],
        }


def _unsmooth(change: Tensor) -> Tensor:
    """How rough the fields' change is: nothing that looks like a texture may be drawn with them."""
    total = change.new_zeros(())
    for name in SOFT:
        x = change[:, PLACE[name]]
        around = x[:, :-2, 1:-1] + x[:, 2:, 1:-1] + x[:, 1:-1, :-2] + x[:, 1:-1, 2:]
        total = total + SMOOTH[name.split("_")[0]] * (4 * x[:, 1:-1, 1:-1] - around).abs().mean() / 3
    return total


def _digest(network: nn.Module) -> str:
    sums = [zlib.crc32(value.detach().cpu().numpy().tobytes()) for value in network.state_dict().values()]
    return f"{zlib.crc32(np.array(sums, np.uint32).tobytes()):08x}"
