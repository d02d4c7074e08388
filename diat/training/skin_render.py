"""`diat.native.skin` once more, differentiable: what the fields of a global attribute make of an aligned crop.

At one pixel to a template unit, where the photograph's stage has two, and without the grain of what is replaced. What
does not hang on the fields (bands, masks) is worked out once for each face, by the native stage's own functions; the
formulae that join the two stand here again, in torch, and a test holds them to the photograph's stage.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from diat.align import CROP_SIZE
from diat.heads import HEADS
from diat.native.bands import LEAST_RELIEF, LIGHT_SIDE, NO_LINE, bands_of, relief
from diat.native.chin import chin_relief
from diat.native.features import BROW_RANGE, LIP_RANGE, brow_hair, eye_change, lips_alone
from diat.native.movement import FLOW_GRID, movement
from diat.native.prototypes import Prototypes
from diat.native.region import NativeFace
from diat.native.shaving import (
    BEARD_GAIN,
    BEARD_LEAST,
    BRIGHTEST,
    EVIDENCE,
    LIGHTENED,
    beard_place,
    beard_share,
    brow_share,
    clean_skin,
    hair_seen,
    like_hair,
)
from diat.native.skin import (
    LIMIT_RANGE,
    MOST_RAISED,
    MOST_SHADE,
    PAINT_RANGE,
    RAISED_WITHIN,
    given_change,
    nose_shape,
    painted_share,
    prototypical,
    shade_left,
    shine,
    tinted_share,
)
from diat.native.style import Style
from diat.native.working import WORK, Work, border
from diat.pixels import F32
from diat.training.fields_skin import COLOUR_SCALE

HEAD_SET = HEADS["skin"]
LEAK = 0.02  # slope beyond a limit, so that a field that lies there can come back
# Of a face, in this order along the channels: CIELAB, bands of lightness, the change that no field makes, and masks.
PLANES = ("l", "a", "b", "band_1", "band_2", "band_3", "band_4", "given_l", "given_a", "given_b", "tinted", "cheeks",
          "plain", "still", "nose", "beard", "hair", "brow", "lips", "brow_hair", "eyes", "seen", "chin", "painted",
          "shaded", "wanted_l", "wanted_a", "wanted_b", "shine")  # fmt: skip
# linear RGB -> XYZ by the white of D65, as OpenCV has them
TO_RGB = ((3.240479, -1.53715, -0.498535), (-0.969256, 1.875991, 0.041556), (0.055648, -0.204043, 1.057311))
WHITE = (0.950456, 1.0, 1.088754)


@dataclass(frozen=True, eq=False)
class Painted:
    """A batch of rendered faces, (N, 3, 128, 128) in [-1, 1]."""

    image: Tensor
    same_beard: Tensor  # the same, but no gradient reaches how much of a beard is replaced
    lightness: Tensor  # (N,) mean L of the cheeks
    lips: Tensor  # (N, 3) change of the lips in CIELAB, before its limits


def planes_of(
    face: NativeFace,
    fields: Mapping[str, F32],
    scalars: Mapping[str, float],
    style: Style,
    prototypes: Prototypes | None = None,
) -> dict[str, Tensor]:
    """What the render needs of a face and no training changes.

    Args:
        face: the whole aligned crop, see `diat.native.region.crop_face`.
        fields: the maps of `diat.heads.HEADS["skin"]`, of which the parts, the beard and grey hair are used.
        scalars: its scalars.
        style: of the attribute.
        prototypes: likewise, if there are any.

    Returns:
        Tensors by name: planes (29, 128, 128) half precision in the order of `PLANES`, relief (4,), colour (),
        own (2, 64, 64), reach (1, 64, 64), photo (3, 128, 128) in [-1, 1].
    """
    work = Work.of(face, fields)
    bands = bands_of(work.lab[..., 0])
    clean = clean_skin(work, work.lab, fields, beard_share(work, fields, scalars, style))
    layers = [
        work.lab, *bands, given_change(work, scalars, style), tinted_share(work), work.cheeks,
        work.plain, work.plain * (1 - work.areas.nostrils), nose_shape(work), beard_place(work, scalars, style),
        like_hair(work, work.lab, clean), brow_share(work), lips_alone(work), brow_hair(work), eye_change(work, style),
        hair_seen(work), chin_relief(work.points, WORK), painted_share(work), shade_left(work),
        prototypical(work, style, prototypes), shine(work),
    ]  # fmt: skip
    small = np.dstack([_reduced(np.asarray(layer, np.float32)) for layer in layers])
    own, reach = movement(work.points, style)
    photo = _reduced(work.rgb.astype(np.float32)) / np.float32(127.5) - 1
    arrays = {
        "planes": small.transpose(2, 0, 1).astype(np.float16),
        "relief": np.array([relief(band, work.cheeks) for band in bands], np.float32),
        "colour": np.float32(work.colour),
        "own": own.transpose(2, 0, 1),
        "reach": reach[None],
        "photo": photo.transpose(2, 0, 1),
    }
    return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}


def render(maps: Tensor, scalars: Tensor, faces: Mapping[str, Tensor], style: Style) -> Painted:
    """Faces changed at strength 1.

    Args:
        maps: (N, C, h, w), what the network says; of its parts, beard and gate it is the planes' that count.
        scalars: (N, S).
        faces: `planes_of` of each, stacked.
        style: of the attribute.
    """
    planes = faces["planes"].float()
    at = {name: planes[:, place : place + 1] for place, name in enumerate(PLANES)}
    said = {name: maps[:, place : place + 1] for place, name in enumerate(HEAD_SET.maps)}
    number = {name: scalars[:, place] for place, name in enumerate(HEAD_SET.scalars)}
    lab, edge = planes[:, :3], torch.from_numpy(_reduced(border(WORK))).to(planes)
    after = lab + planes[:, 7:10] + _tint(said, at, style) + _painted(said, at, style)
    after = after + torch.cat([_relieved(said, at, faces["relief"], style), torch.zeros_like(lab[:, 1:])], 1)
    change = after - lab
    after = after - torch.cat([change[:, :1].clamp(max=0), change[:, 1:]], 1) * at["shine"]
    hair = (_laid(said["alpha"]) + EVIDENCE * at["seen"]).sigmoid()
    beard = (BEARD_GAIN * (hair - BEARD_LEAST)).clamp(0, 1) * at["beard"] * float(style.beard > 0)
    brow = (style.thinning * (2.6 * _laid(said["brow_alpha"]).sigmoid() - 0.35)).clamp(0, 1) * at["brow"]
    clean = _clean_skin(after, said, at, torch.maximum(beard, brow).detach())
    lighter = _leaky(clean - _blurred(after, 2.0), -LIGHTENED, LIGHTENED)
    after, beard = after + beard.detach() * (1 - at["hair"]) * lighter, beard * at["hair"]
    lips = COLOUR_SCALE * style.lips * torch.stack([number[f"lips_{axis}"] for axis in "lab"], 1)
    lips = lips + lips.new_tensor((0, style.lips_red, 0))
    brows = COLOUR_SCALE * style.brows * torch.stack([number[f"brows_{axis}"] for axis in "lab"], 1)
    after = after + _leaky(lips, *LIP_RANGE)[..., None, None] * at["lips"]
    after = after + _leaky(brows, *BROW_RANGE)[..., None, None] * at["brow_hair"]
    after = torch.cat([after[:, :1] + at["eyes"], after[:, 1:]], 1)
    after = lab + (after - lab) * edge
    shown = (faces["photo"] + 1) / 2
    shown = shown + _tinted(_rgb(after) - _rgb(lab), faces["colour"])
    clean = _tinted(_rgb(clean), faces["colour"])
    shares = [torch.maximum(one, brow) * edge for one in (beard, beard.detach())]
    both = torch.cat([shown + share * (clean - shown) for share in shares], 1).clamp(0, 1)
    moved = _moved(both, said, faces, style).clamp(0, 1) * 2 - 1
    return Painted(moved[:, :3], moved[:, 3:], _mean(after[:, :1], at["cheeks"]).flatten(), lips)


def _relieved(said: Mapping[str, Tensor], at: Mapping[str, Tensor], own: Tensor, style: Style) -> Tensor:
    """As `diat.native.skin._relieved`."""
    change = torch.zeros_like(at["l"])
    for number, (factor, level) in enumerate(zip(style.relief, style.raised, strict=True)):
        if not factor and not level:
            continue
        band, usual = at[f"band_{number + 1}"], own[:, number].view(-1, 1, 1, 1)
        wanted = usual * _leaky(_laid(said[f"limit_{number + 1}"]), *LIMIT_RANGE).exp()
        lines = 1 / (1 + (band / (NO_LINE * usual)) ** 4)
        other = torch.zeros_like(band)
        if factor:
            side = torch.where(band < 0, factor * wanted, LIGHT_SIDE * factor * wanted).clamp(min=1e-3)
            other = other + side * torch.tanh(band / side) - band
        if level:
            there = _blurred(band.abs(), RAISED_WITHIN) + LEAST_RELIEF
            other = other + band * (level * wanted / there - 1).clamp(0, MOST_RAISED)
        change = change + other * lines * (1 - at["nose"] if number >= 2 else 1)
    return change * at["still"]


def _tint(said: Mapping[str, Tensor], at: Mapping[str, Tensor], style: Style) -> Tensor:
    """As `diat.native.skin._tint`."""
    bias = torch.cat([_laid(said[f"bias_{axis}"]) for axis in "lab"], 1) * style.bias
    kept = bias.new_tensor(style.tone).view(1, 3, 1, 1)
    bias = bias - (1 - kept) * _mean(bias, at["cheeks"])
    low, high = zip(*style.bias_range, strict=True)
    return _leaky(bias, *(bias.new_tensor(side).view(1, 3, 1, 1) for side in (low, high))) * at["tinted"]


def _painted(said: Mapping[str, Tensor], at: Mapping[str, Tensor], style: Style) -> Tensor:
    """As `diat.native.skin._painted`."""
    paint = torch.cat([_sized(said[f"paint_{axis}"], CROP_SIZE) for axis in "lab"], 1) * style.paint
    paint = paint + torch.cat([at[f"wanted_{axis}"] for axis in "lab"], 1)
    paint = _leaky(paint, *(paint.new_tensor(side).view(1, 3, 1, 1) for side in PAINT_RANGE))
    lightness = paint[:, :1] * torch.where(paint[:, :1] < 0, at["shaded"], 1.0)
    darker = (lightness / MOST_SHADE).clamp(0, 1) * (1 - at["lips"])
    red = paint[:, 1:2] - paint[:, 1:2].clamp(min=0) * darker
    yellow = paint[:, 2:] - paint[:, 2:].clamp(max=0) * darker
    return torch.cat([lightness, red, yellow], 1) * at["painted"]


def _clean_skin(after: Tensor, said: Mapping[str, Tensor], at: Mapping[str, Tensor], hair: Tensor) -> Tensor:
    """As `diat.native.shaving.clean_skin`: the colour of what is replaced. The skin around it is taken as given."""
    intact = 1 - (3 * hair).clamp(0, 1)
    low = _blurred(after.detach(), 2.8)
    weights = at["cheeks"] * intact + 1e-4
    own = (low * weights).sum((2, 3), keepdim=True) / weights.sum((2, 3), keepdim=True)
    expected = own + torch.cat([_laid(said[f"fill_{axis}"]) for axis in "lab"], 1)
    share = at["plain"] * intact
    off = torch.cat([(low - expected) * share, share + 1e-4], 1)
    near, far = _blurred(off, 5.0), _blurred(off, 14.0)
    trust = (near[:, 3:] / 0.25).clamp(0, 1)
    light = near[:, :3] / near[:, 3:] * trust + far[:, :3] / far[:, 3:] * (1 - trust)
    clean = expected + 0.95 * light.clamp(-30, 30)
    lightness = torch.minimum(clean[:, :1], own[:, :1] + BRIGHTEST)
    return torch.cat([lightness + own[:, :1] * at["chin"], clean[:, 1:]], 1)


def _moved(images: Tensor, said: Mapping[str, Tensor], faces: Mapping[str, Tensor], style: Style) -> Tensor:
    """As `diat.native.skin._moved`."""
    flow = torch.cat([_sized(said[axis], FLOW_GRID) for axis in ("dx", "dy")], 1) * style.flow
    flow = (flow + faces["own"]) * faces["reach"]
    back = -flow
    for _ in range(2):
        back = -_sampled(flow, back, "bilinear")
    back = F.interpolate(_gauss(back, 0.7), (CROP_SIZE, CROP_SIZE), mode="bicubic", align_corners=False)
    return _sampled(images, back, "bicubic")


def _sampled(images: Tensor, by: Tensor, mode: str) -> Tensor:
    """(N, C, S, S) as seen from places that lie ``by``, (N, 2, S, S) in template units, beside each pixel."""
    size = images.shape[-1]
    steps = (torch.arange(size, device=images.device) + 0.5) * (2 / size) - 1
    here = torch.stack(torch.meshgrid(steps, steps, indexing="xy"), -1)
    places = here + by.permute(0, 2, 3, 1) * (2 / CROP_SIZE)
    return F.grid_sample(images, places, mode, "border", align_corners=False)


def _laid(field: Tensor) -> Tensor:
    """As `diat.native.working.laid`."""
    return _sized(F.avg_pool2d(field, 2), CROP_SIZE)


def _sized(field: Tensor, size: int) -> Tensor:
    return F.interpolate(field, (size, size), mode="bilinear", align_corners=False)


def _leaky(x: Tensor, low: float | Tensor | F32, high: float | Tensor | F32) -> Tensor:
    """Limited, but with a little gradient beyond the limits. The value is that of the limit."""
    low, high = (torch.as_tensor(side, dtype=x.dtype, device=x.device) for side in (low, high))
    return torch.minimum(torch.maximum(x, low), high) + LEAK * (x - x.detach())


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    return (values * weights).sum((2, 3), keepdim=True) / (weights.sum((2, 3), keepdim=True) + 1e-3)


def _tinted(levels: Tensor, colour: Tensor) -> Tensor:
    mean = levels.mean(1, keepdim=True)
    return mean + colour.view(-1, 1, 1, 1) * (levels - mean)


def _rgb(lab: Tensor) -> Tensor:
    """CIELAB -> RGB in 0..1, limited to what can be shown."""
    y = (lab[:, 0] + 16) / 116
    xyz = [white * _cube(f) for white, f in zip(WHITE, (y + lab[:, 1] / 500, y, y - lab[:, 2] / 200), strict=True)]
    linear = torch.einsum("rx,nxhw->nrhw", lab.new_tensor(TO_RGB), torch.stack(xyz, 1)).clamp(1e-4, 1)
    return torch.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear)


def _cube(f: Tensor) -> Tensor:
    return torch.where(f > 6 / 29, f.clamp(min=1e-3) ** 3, 3 * (6 / 29) ** 2 * (f - 4 / 29))


def _blurred(image: Tensor, sigma: float) -> Tensor:
    """Gaussian blur; wide ones are made on a reduced picture, as by `diat.native.bands.widely_blurred`."""
    factor = 1 << max(int(math.log2(sigma / 2.5)), 0)
    if factor == 1:
        return _gauss(image, sigma)
    small = _gauss(F.avg_pool2d(image, factor), math.sqrt((sigma / factor) ** 2 - 0.4))
    return _sized(small, image.shape[-1])


def _gauss(image: Tensor, sigma: float) -> Tensor:
    reach = math.ceil(3 * sigma)
    steps = torch.arange(-reach, reach + 1, device=image.device, dtype=image.dtype)
    kernel = torch.exp(-0.5 * (steps / sigma) ** 2)
    channels = image.shape[1]
    kernel = (kernel / kernel.sum()).expand(channels, 1, -1)
    padded = F.pad(image, (reach,) * 4, mode="reflect")
    across = F.conv2d(padded, kernel[:, :, None], groups=channels)
    return F.conv2d(across, kernel[..., None], groups=channels)


def _reduced(layer: F32) -> F32:
    return np.asarray(cv2.resize(layer, (CROP_SIZE, CROP_SIZE), interpolation=cv2.INTER_AREA), np.float32)
