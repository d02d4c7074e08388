"""The second stage: the render agrees with the photograph's stage, and its losses reach the fields they should."""

import cv2
import numpy as np
import pytest
import torch

from diat.align import CROP_SIZE
from diat.attributes import COLUMNS, attribute_spec
from diat.data.pack import Pack
from diat.errors import TrainingStopped
from diat.evaluation.classifier import AttributeClassifier
from diat.field_network import FieldNetwork
from diat.heads import HEADS
from diat.native.geometry import LEFT_BROW, RIGHT_BROW, brow, filled
from diat.native.prototypes import Prototypes
from diat.native.region import crop_face
from diat.native.skin import render_skin
from diat.native.style import FEMALE, NEUTRAL, OLDER, YOUNGER
from diat.training.critics import Critics, augmented
from diat.training.fields import FieldsConfig, train_fields
from diat.training.fields_critics import PLACE, RenderedTask
from diat.training.skin_render import planes_of, render
from tests.unit.data.test_skin_targets import crop_of
from tests.unit.test_native_skin import POINTS68, fields

HEAD_SET = HEADS["skin"]
STYLES = {"younger": YOUNGER, "female": FEMALE, "older": OLDER, "neutral": NEUTRAL}
ATTRIBUTES = {"younger": "older_to_younger", "female": "male_to_female"}


def face(seed=0):
    """An aligned crop with a face made up, at 256 pixels, and its points."""
    points = POINTS68 + np.random.default_rng(seed).normal(0, 0.3, (68, 2)).astype(np.float32)
    crop = crop_of(points, rough=2.0, rng=np.random.default_rng(seed))
    hair = np.maximum(*(filled(brow(points, which), 256, 0.5) for which in (LEFT_BROW, RIGHT_BROW)))[..., None]
    return (crop * (1 - 0.5 * hair)).astype(np.uint8), (points + 0.5) * 2 - 0.5


def as_tensors(made):
    maps, scalars = made
    return (
        torch.from_numpy(np.stack([maps[name] for name in HEAD_SET.maps])[None]),
        torch.tensor([[scalars[name] for name in HEAD_SET.scalars]], dtype=torch.float32),
    )


def prototypes():
    """Dark lids and light skin beside the nose, as soft as real ones."""
    ys, xs = np.indices((CROP_SIZE, CROP_SIZE), dtype=np.float32)
    waves = np.dstack([4 * np.sin(xs / 7 + phase) * np.cos(ys / 9) for phase in range(3)]).astype(np.float32)
    return Prototypes(waves, POINTS68)


def rendered(style, made, prototypes=None):
    crop, points = face()
    planes = planes_of(crop_face(crop, points), *made, style, prototypes)
    planes = {name: plane[None] for name, plane in planes.items()}
    maps, scalars = as_tensors(made)
    return maps.requires_grad_(), scalars.requires_grad_(), planes


@pytest.mark.parametrize("kind", STYLES)
@pytest.mark.parametrize("beard", [-6.0, 4.0])
def test_the_render_agrees_with_the_photographs_stage(kind, beard):
    crop, points = face()
    made = fields(flow=0.6, beard=beard)
    painted = render(*rendered(STYLES[kind], made, prototypes()), STYLES[kind])
    native = render_skin(crop_face(crop, points), *made, 1.0, STYLES[kind], prototypes())
    wanted, before = (
        cv2.resize(x.astype(np.float32), (CROP_SIZE, CROP_SIZE), interpolation=cv2.INTER_AREA) for x in (native, crop)
    )
    mine = (painted.image[0].detach().permute(1, 2, 0).numpy() + 1) * 127.5
    error, change = np.abs(mine - wanted), np.abs(wanted - before)
    assert error.mean() < 1.0 and error.mean() < 0.35 * change.mean()
    assert np.percentile(error, 98) < 8


@pytest.mark.parametrize("kind", STYLES)
def test_gradients_reach_every_field_that_the_style_uses(kind):
    made = fields(beard=4.0)
    made[0]["brow_alpha"] += 5.0
    made[0]["alpha"] = np.where(made[0]["alpha"] > 0, np.float32(-1), np.float32(-6))  # neither certain
    maps, scalars, planes = rendered(STYLES[kind], made)
    render(maps, scalars, planes, STYLES[kind]).image.square().mean().backward()
    reached = {name for name, channel in PLACE.items() if maps.grad[0, channel].abs().max() > 0}
    hair = {"alpha", "brow_alpha", "fill_l", "fill_a", "fill_b"} if kind == "female" else set()
    soft = {"dx", "dy", "bias_l", "bias_a", "bias_b", "limit_1", "limit_2", "limit_3", "limit_4",
            *(("paint_l", "paint_a", "paint_b") if STYLES[kind].paint else ())}  # fmt: skip
    assert reached == soft | hair
    assert (scalars.grad[0, 3:] != 0).all() and torch.isfinite(maps.grad).all()


def test_a_gradient_is_the_slope_of_the_render():
    maps, scalars, planes = rendered(FEMALE, fields())

    def bright(moved):
        return render(maps.detach() + moved * step, scalars.detach(), planes, FEMALE).image.mean()

    step = torch.zeros_like(maps)
    step[:, PLACE["bias_a"], 18:26, 12:18] = 1
    render(maps, scalars, planes, FEMALE).image.mean().backward()
    slope = float((bright(0.05) - bright(-0.05)) / 0.1)
    assert float((maps.grad * step).sum()) == pytest.approx(slope, rel=0.05)


def test_likeness_has_no_say_in_what_becomes_of_a_beard():
    made = fields(beard=4.0)
    made[0]["alpha"] = np.where(made[0]["alpha"] > 0, np.float32(-1), np.float32(-6))
    made[0]["brow_alpha"] += 5.0
    maps, scalars, planes = rendered(FEMALE, made)
    painted = render(maps, scalars, planes, FEMALE)
    assert torch.allclose(painted.image, painted.same_beard)
    painted.same_beard.square().mean().backward()
    assert maps.grad[:, PLACE["brow_alpha"]].abs().max() > 0
    assert maps.grad[:, PLACE["alpha"]].abs().max() == 0 and maps.grad[:, PLACE["bias_l"]].abs().max() > 0


def pack(size=256):
    """Six faces, of which three are men and old."""
    crops, points = zip(*(face(seed) for seed in range(6)), strict=True)
    scale = size / 256
    attributes = np.zeros((6, 40), bool)
    attributes[:3, COLUMNS.index("Male")] = attributes[3:, COLUMNS.index("Young")] = True
    points68 = np.stack(points).astype(np.float32) * scale
    crops = np.stack([cv2.resize(crop, (size, size)) for crop in crops])
    return Pack(crops, attributes, np.arange(6, dtype=np.int32), np.zeros(6, np.uint8), points68[:, :5], points68)


def made_task(kind="female", **kwargs):
    torch.manual_seed(0)
    spec = attribute_spec(ATTRIBUTES[kind])
    first, critics = FieldNetwork(HEAD_SET), Critics([AttributeClassifier((8, 8, 8))], spec)
    return RenderedTask(pack(**kwargs), spec, STYLES[kind], first, critics, batch=2, seed=1)


def test_the_first_stage_loses_nothing_but_what_critics_ask_for():
    task = made_task()
    batch = task.batch(0)
    assert all(torch.equal(batch[name], again) for name, again in task.batch(0).items())
    with torch.no_grad():
        losses = task.losses(batch["first_maps"].float(), batch["first_scalars"], batch)
    assert len(batch["image"]) == 3 and len(batch["planes"]) == 2
    assert losses["critics"] > 0.5
    for name in ("identity", "smooth", "lips", "light", "kept"):
        assert float(losses[name]) == pytest.approx(0, abs=1e-4)


def test_what_leaves_the_first_stage_costs():
    task = made_task()
    batch = task.batch(0)
    maps, scalars = batch["first_maps"].float(), batch["first_scalars"].clone()
    before = task.losses(maps, scalars, batch)
    scalars[:, HEAD_SET.scalars.index("lips_l")] -= 2.0
    scalars[:, 0] += 1.0
    maps[:, PLACE["bias_l"], ::2] += 3.0
    after = task.losses(maps, scalars, batch)
    assert all(after[name] > before[name] + 0.01 for name in ("near", "smooth", "lips", "kept"))


def test_a_run_that_was_cut_off_ends_in_the_same_weights(tmp_path):
    config = FieldsConfig("male_to_female", "skin", 3, 2, 4e-4, save_every=2, frozen_norms=True)
    whole = train_fields(config, made_task(), tmp_path / "whole")
    task = made_task()

    losses, left = task.losses, iter((True, True, False))
    task.losses = lambda *args: losses(*args) if next(left) else 1 / 0
    with pytest.raises(ZeroDivisionError):
        train_fields(config, task, tmp_path / "cut")
    resumed = train_fields(config, made_task(), tmp_path / "cut", resume=True)
    assert (whole / "model.safetensors").read_bytes() == (resumed / "model.safetensors").read_bytes()


def test_small_crops_are_refused():
    with pytest.raises(TrainingStopped, match="--size 256"):
        made_task(size=128)


def test_critics_see_the_face_alone_as_often_as_asked():
    images = torch.ones(8, 3, 128, 128)
    views = [augmented(images, torch.Generator().manual_seed(0), hide=share) for share in (0.0, 1.0)]
    middle, top = ([float(view[:, :, rows, 58:70].std((1, 2, 3)).median()) for view in views]
                   for rows in (slice(75, 85), slice(0, 10)))  # fmt: skip
    assert max(middle) < 0.02 and top[0] < 0.02 < 0.1 < top[1]
