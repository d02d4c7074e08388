import io

import numpy as np
import pytest
from PIL import Image

from diat.provenance import (
    MIN_LABEL_HEIGHT,
    edited_by,
    encode,
    is_marked,
    labelled,
    mark_jpeg,
)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_file_is_marked_and_holds_the_picture(kind, collins):
    data = encode(collins, edited_by("mouth_close", 1.0), kind, invisible=False)
    image = Image.open(io.BytesIO(data))
    assert image.format == kind
    assert is_marked(data)
    difference = np.abs(np.asarray(image.convert("RGB")).astype(int) - collins)
    assert difference.max() == 0 if kind != "JPEG" else difference.mean() < 2


def test_an_unedited_file_is_not_marked(collins_path):
    assert not is_marked(collins_path.read_bytes())


def test_another_kind_is_refused(collins):
    with pytest.raises(ValueError, match="PNG, JPEG or WEBP"):
        encode(collins, edited_by("x", 1.0), "TIFF")


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
@pytest.mark.parametrize("label", [False, True])
def test_transparency_stays(kind, label, collins):
    picture = np.dstack([collins, np.full(collins.shape[:2], 90, np.uint8)])
    data = encode(picture, edited_by("x", 1.0), kind, label=label, invisible=False)
    image = Image.open(io.BytesIO(data))
    assert image.mode == "RGBA"
    alpha = np.asarray(image)[..., 3]
    assert (alpha[: alpha.shape[0] // 2] == 90).all() and (alpha == 255).any() == label


def test_what_a_file_says_of_its_maker(collins):
    assert edited_by("mouth_close", 1.0) == "DIAT mouth_close strength=1"
    assert edited_by("mouth_close", 0.25) == "DIAT mouth_close strength=0.25"
    image = Image.open(io.BytesIO(encode(collins, edited_by("mouth_close", 0.25))))
    assert image.text["Software"] == "DIAT mouth_close strength=0.25"
    for kind in ("PNG", "JPEG", "WEBP"):
        xmp = Image.open(io.BytesIO(encode(collins, edited_by("mouth_close", 0.25), kind))).getxmp()
        said = xmp["xmpmeta"]["RDF"]["Description"]
        assert said["DigitalSourceType"].endswith("/compositeWithTrainedAlgorithmicMedia")
        assert said["CreatorTool"] == "DIAT mouth_close strength=0.25"


def test_a_jpegs_quality_is_what_was_asked_for(collins):
    few, many = (len(encode(collins, edited_by("x", 1.0), "JPEG", quality=quality)) for quality in (50, 95))
    assert few < many / 2


def test_a_mark_goes_into_a_jpeg_without_a_new_encoding(collins):
    buffer = io.BytesIO()
    Image.fromarray(collins).save(buffer, "JPEG")
    data = mark_jpeg(buffer.getvalue(), "mouth_close", 1.0)
    assert is_marked(data) and not is_marked(buffer.getvalue())
    image = Image.open(io.BytesIO(data))
    assert image.getxmp()["xmpmeta"]["RDF"]["Description"]["CreatorTool"] == "DIAT mouth_close strength=1"
    np.testing.assert_array_equal(np.asarray(image), np.asarray(Image.open(buffer)))


def test_a_label_grows_with_the_picture_and_fits_into_a_small_one():
    heights = {}
    for side in (60, 720, 1440):
        picture = np.full((side, side, 3), 200, np.uint8)
        changed = (labelled(picture) != picture).any(axis=2)
        assert (picture == 200).all()  # a copy is labelled
        heights[side] = int(np.ptp(np.flatnonzero(changed.any(axis=1)))) + 1
    assert MIN_LABEL_HEIGHT <= heights[60] < 40
    assert heights[1440] == pytest.approx(2 * heights[720], rel=0.1)
    assert 720 / 36 <= heights[720] <= 3 * 720 / 36
