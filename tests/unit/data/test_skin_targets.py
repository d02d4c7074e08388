"""What separates two kinds of faces, found again in faces made up here."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from diat.align import CROP_SIZE
from diat.attributes import COLUMNS, attribute_spec
from diat.data.fields_skin import GRID, POSE, SIDE, Faces, SkinTargets, described, hair_of_face, picture_of
from diat.data.skin_faces import SIZE, UNKNOWN, SkinFaces, behind, parsed, prototypes, targets
from diat.errors import TrainingStopped
from diat.heads import PARTS
from diat.native.color import to_lab
from diat.native.geometry import LEFT_BROW, RIGHT_BROW, brow, filled, oval, regions
from tests.unit.test_native_skin import POINTS68

COUNT = 12  # faces of either kind


def crop_of(points, redder=0.0, rough=4.0, rng=None):
    """A face of plain skin with some grain on a dark ground, (256, 256, 3)."""
    rng = rng or np.random.default_rng(0)
    grain = cv2.GaussianBlur(rng.normal(size=(256, 256)).astype(np.float32), (0, 0), 2.0) * 7 * rough
    skin = np.array([190, 150, 130], np.float32) + np.array([redder, -redder / 2, 0], np.float32) + grain[..., None]
    face = filled(oval(points), 256, 1.0)[..., None]
    return np.clip(40 * (1 - face) + skin * face, 0, 255).astype(np.uint8)


def made_up():
    """Two kinds: the second has a higher jaw, redder and smoother skin, and brows half as thick."""
    points, pictures = [], []
    for kind in range(2):
        for number in range(COUNT):
            rng = np.random.default_rng((kind, number))
            own = POINTS68 + rng.normal(0, 0.3, (68, 2)).astype(np.float32)
            own[4:13, 1] -= 2.0 * kind
            hair = np.maximum(*(filled(brow(own, which), 128) for which in (LEFT_BROW, RIGHT_BROW)))
            if kind:
                hair = cv2.erode(hair, np.ones((3, 1), np.uint8))
            pictures.append(picture_of(crop_of(own, 20.0 * kind, 4.0 - 2.0 * kind, rng), hair))
            points.append(own)
    descriptions = np.stack([described(picture, own) for picture, own in zip(pictures, points, strict=True)])
    known = np.ones(2 * COUNT, bool)
    return Faces(np.stack(points), np.stack(pictures).astype(np.float16), descriptions, known)


@pytest.fixture(scope="module")
def faces():
    return made_up()


@pytest.fixture(scope="module")
def fields(faces):
    kinds = np.arange(COUNT), np.arange(COUNT, 2 * COUNT)
    made = SkinTargets(faces, *kinds, np.ones(2 * COUNT, np.int64), keep_lightness=True)
    return made(faces.pictures[0].astype(np.float32), faces.points[0], True, 0)


def test_the_flow_is_the_landmarks_movement_and_ends_with_the_face(fields):
    chin = (int(117 * GRID / CROP_SIZE), GRID // 2)
    assert -2.2 < fields.flow[chin][1] < -1.2
    assert np.abs(fields.flow[GRID // 2, GRID // 2]).max() < 0.5
    assert np.abs(fields.flow[:2]).max() < 0.3


def test_the_eyes_are_held_where_a_wider_mouth_moved_the_whole_face(faces):
    points = faces.points.copy()
    points[COUNT:] = (points[COUNT:] - 64) * 0.96 + np.float32([64, 65])
    moved = Faces(points, faces.pictures, faces.descriptions, faces.parsed)
    kinds = np.arange(COUNT), np.arange(COUNT, 2 * COUNT)
    made = SkinTargets(moved, *kinds, np.ones(2 * COUNT, np.int64), True)
    flow = made(faces.pictures[0].astype(np.float32), faces.points[0], 1, 0).flow
    for first in (36, 42):
        x, y = (points[0, first : first + 6].mean(0) * GRID / CROP_SIZE).astype(int)
        assert np.abs(flow[y, x]).max() < 0.35


def test_what_is_the_attribute_itself_is_not_matched(faces):
    opening = faces.descriptions.copy()
    opening[:, POSE.index("width")] = np.linspace(0, 100, 2 * COUNT)
    kinds = np.arange(COUNT), np.arange(COUNT, 2 * COUNT)
    wide = Faces(faces.points, faces.pictures, opening, faces.parsed)
    plain, free = (SkinTargets(wide, *kinds, np.ones(2 * COUNT, np.int64), True, names) for names in ((), ("width",)))
    usual = SkinTargets(faces, *kinds, np.ones(2 * COUNT, np.int64), True, ("width",))
    near = [[float(made._distance(kinds[0], opening[0])[k]) for k in (1, 5)] for made in (plain, free, usual)]
    assert near[1] == pytest.approx(near[2], rel=1e-5) and near[0][1] > near[1][1] + 100


def test_the_bias_is_the_skins_change_of_colour_and_keeps_its_lightness(fields, faces):
    cheeks = cv2.resize(regions(faces.points[0], SIDE).cheeks, (GRID, GRID), interpolation=cv2.INTER_AREA) > 0.8
    assert fields.bias[cheeks][:, 1].mean() > 4
    assert abs(fields.bias[cheeks][:, 0].mean()) < 1


def test_smoother_skin_has_lower_limits(fields, faces):
    cheeks = cv2.resize(regions(faces.points[0], SIDE).cheeks, (GRID, GRID), interpolation=cv2.INTER_AREA) > 0.8
    assert 0.3 < fields.limits[cheeks][:, 1].mean() < 0.75


def test_brows_are_thinned_where_the_wanted_kind_has_none(fields, faces):
    hair = faces.pictures[0][..., 7] > 0.5
    assert fields.thinning[hair].mean() > 0.15
    assert fields.thinning[~hair].mean() < 0.02


def test_neighbours_share_the_label(faces):
    alike = np.arange(2 * COUNT) % 2
    made = SkinTargets(faces, np.arange(COUNT), np.arange(COUNT, 2 * COUNT), alike, False)
    near = made._nearest(np.arange(COUNT), faces.descriptions[0], True, 0)
    assert set(near) <= set(np.flatnonzero(alike)) - {0}


def test_a_beard_is_found_and_clean_skin_is_none():
    rng = np.random.default_rng(1)
    clean = cv2.resize(crop_of(POINTS68, rng=rng), (128, 128), interpolation=cv2.INTER_AREA)
    chin = filled(np.float32([[50, 100], [78, 100], [76, 112], [52, 112]]), 128)[..., None]
    hairy = clean * (1 - chin) + chin * (60 + 30 * rng.normal(size=(128, 128, 1)))
    fill, allowed = np.zeros((GRID, GRID, 3), np.float32), np.ones((128, 128), np.float32)
    at_chin = np.s_[52:54, 28:36]
    found = hair_of_face(to_lab(np.clip(hairy, 0, 255)), POINTS68, fill, allowed)
    none = hair_of_face(to_lab(clean), POINTS68, fill, allowed)
    assert found[at_chin].mean() > 0.8 and none[at_chin].mean() < 0.2
    assert hair_of_face(to_lab(np.clip(hairy, 0, 255)), POINTS68, fill, 0 * allowed).max() == 0


def png(labels):
    file = io.BytesIO()
    image = Image.fromarray(labels, "P")
    image.putpalette([k % 256 for k in range(768)])
    image.save(file, "PNG")
    return file.getvalue()


def test_masks_are_laid_over_the_crop_by_their_parts():
    labels = np.zeros((64, 64), np.uint8)
    labels[16:48, 16:48], labels[:16] = 1, 13
    to_crop = np.float32([[1, 0, 0], [0, 1, 0]])  # the photograph is the crop
    laid = parsed(png(labels), (128, 128, 3), to_crop)
    assert laid.shape == (SIZE, SIZE)
    assert laid[SIZE // 2, SIZE // 2] == PARTS.index("skin") and laid[4, 4] == PARTS.index("hair")
    beside = parsed(png(labels), (128, 128, 3), np.float32([[1, 0, 64], [0, 1, 0]]))
    assert beside[10, 5] == UNKNOWN


def test_what_lies_behind_a_face_is_background_hat_jewellery_and_clothes():
    labels = np.full((64, 64), 1, np.uint8)
    labels[:16], labels[48:] = (0, 14, 15, 16) * 16, 18
    labels[40:48] = (13, 17, 8, 3) * 16  # hair, neck, ears and glasses are the person's
    shown = behind(png(labels), (128, 96, 3))
    assert shown.shape == (128, 96)
    assert shown[:32].all() and shown[96:].all() and not shown[32:96].any()


def skin_faces(faces, parsing=True):
    count = len(faces.points)
    attributes = np.zeros((count, 40), bool)
    attributes[COUNT:, COLUMNS.index("Young")] = True
    attributes[:, COLUMNS.index("No_Beard")] = True
    crops = np.stack([cv2.resize(crop_of(points), (SIZE, SIZE)) for points in faces.points])
    masks = {row: np.ones((SIZE, SIZE), np.uint8) for row in range(count)} if parsing else {}
    return SkinFaces(crops, attributes, np.ones((count, SIDE, SIDE), bool), masks, faces)


def test_targets_of_a_data_set(faces):
    data = skin_faces(faces)
    fields, hair = targets(data, attribute_spec("older_to_younger"), np.arange(3))
    assert set(fields) == set(hair) == {0, 1, 2}
    assert max(np.abs(where).max() for where in hair.values()) == 0  # nobody has a beard


def test_a_data_set_of_one_kind_is_refused(faces):
    data = skin_faces(faces)
    data.attributes[:, COLUMNS.index("Eyeglasses")] = True
    with pytest.raises(TrainingStopped, match="plain enough"):
        prototypes(data, attribute_spec("older_to_younger"))
