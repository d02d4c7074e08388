"""Properties that hold whatever the numbers are: alignment, paste-back, masks and strength."""

from __future__ import annotations

import cv2
import numpy as np
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as some

from diat.align import CELEBA_TEMPLATE_128, photo_to_crop_matrix, similarity, transform_points, warp_to_crop
from diat.attributes import MAX_STRENGTH, check_strength
from diat.errors import InvalidArgument
from diat.faces import face_fault
from diat.watermark import MOST, MOST_BOOST, watermarked

quick = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
angles, scales = some.floats(-np.pi, np.pi), some.floats(0.2, 20)
shifts = some.floats(-500, 500)


def moved(angle: float, scale: float, x: float, y: float) -> np.ndarray:
    matrix = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (CELEBA_TEMPLATE_128 @ matrix.T + (x, y)).astype(np.float32)


@quick
@given(angles, scales, shifts, shifts)
def test_a_face_however_it_lies_is_brought_onto_the_template(angle, scale, x, y):
    points = moved(angle, scale, x, y)
    found = transform_points(points, photo_to_crop_matrix(points))
    np.testing.assert_allclose(found, CELEBA_TEMPLATE_128, atol=0.05)


@quick
@given(angles, scales, shifts, shifts)
def test_a_similarity_undoes_itself(angle, scale, x, y):
    points = moved(angle, scale, x, y)
    there = similarity(CELEBA_TEMPLATE_128.astype(np.float32), points)
    back = similarity(points, CELEBA_TEMPLATE_128.astype(np.float32))
    np.testing.assert_allclose(
        transform_points(transform_points(CELEBA_TEMPLATE_128, there), back), CELEBA_TEMPLATE_128, atol=0.1
    )


@quick
@given(angles, some.floats(0.3, 4), some.floats(0, 300), some.floats(0, 300), some.integers(0, 255))
def test_a_crop_of_one_colour_is_of_that_colour(angle, scale, x, y, level):
    photo = np.full((300, 300, 3), level, np.uint8)
    crop = warp_to_crop(photo, photo_to_crop_matrix(moved(angle, scale, x, y)))
    assert crop.dtype == np.uint8 and crop.shape[2] == 3
    assert (crop == level).all()


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    some.floats(-0.5, 0.5),
    some.floats(0.3, 1.2),
    some.floats(0, MAX_STRENGTH),
    some.sampled_from(["mouth_close", "mouth_open", "eyeglasses_remove"]),
)
def test_an_edit_keeps_the_size_and_every_pixel_out_of_the_faces_square(
    editors, collins, detector, angle, scale, strength, name
):
    height, width = collins.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), np.degrees(angle), scale)
    photo = cv2.warpAffine(collins, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)
    faces = [face for face in detector.detect(photo) if face_fault(face) is None]
    assume(faces)
    result = editors(name).edit(photo, strength=strength, found=faces[:1])
    assert result.photo.shape == photo.shape and result.photo.dtype == np.uint8
    changed = (result.photo != photo).any(axis=2)
    if strength == 0:
        assert not changed.any()
    # The template's square with its hair and chin, in the photograph.
    matrix = photo_to_crop_matrix(faces[0].points5)
    rows, columns = np.nonzero(changed)
    inside = transform_points(np.stack([columns, rows], 1).astype(np.float32), matrix)
    assert len(inside) == 0 or (inside.min() > -2 and inside.max() < 130)


@quick
@given(some.one_of(some.floats(), some.text(max_size=5), some.none(), some.booleans(), some.integers()))
def test_a_strength_is_in_range_or_refused(value):
    try:
        strength = check_strength(value)
    except InvalidArgument as error:
        assert str(error).endswith(".")
    else:
        assert 0 <= strength <= MAX_STRENGTH


@quick
@given(some.integers(1, 400), some.integers(1, 400), some.integers(0, 2**32 - 1))
def test_the_invisible_mark_keeps_size_and_levels(height, width, seed):
    picture = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)
    marked = watermarked(picture)
    assert marked.shape == picture.shape and marked.dtype == np.uint8
    assert np.abs(marked.astype(int) - picture).max() <= MOST * MOST_BOOST + 2
