import numpy as np
import pytest
from PIL import Image

from diat.errors import DiatError, InvalidArgument
from diat.marks import read_marks
from diat.provenance import is_marked


@pytest.fixture(scope="module")
def result(editors, hopper):
    return editors("eyeglasses_remove").edit(hopper, strength=0.8)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".JPEG", ".webp"])
def test_what_is_saved_is_marked_and_of_the_format_of_its_ending(result, tmp_path, suffix):
    path = result.save(tmp_path / "deep" / f"result{suffix}", invisible=False)
    data = path.read_bytes()
    assert is_marked(data)
    assert b"DIAT eyeglasses_remove strength=0.8" in data
    saved = Image.open(path)
    assert saved.format == {".png": "PNG", ".webp": "WEBP"}.get(suffix, "JPEG")
    difference = np.abs(np.asarray(saved).astype(int) - result.photo)
    assert difference.max() == 0 if suffix in (".png", ".webp") else difference.mean() < 1
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert read_marks(result.save(path)).invisible


def test_a_place_that_cannot_be_written_is_one_sentence(result, tmp_path):
    with pytest.raises(InvalidArgument, match=r"must end in \.png, \.jpg, \.jpeg, \.webp; 'x\.tiff' does not"):
        result.save(tmp_path / "x.tiff")
    with pytest.raises(DiatError, match="cannot be written"):
        result.save("/proc/x/y.png")


def test_a_result_knows_what_was_done_to_it(result, hopper):
    assert (result.attribute, result.strength) == ("eyeglasses_remove", 0.8)
    assert repr(result) == "EditResult(eyeglasses_remove, strength=0.8, 512x600, 1 of 1 faces)"
    np.testing.assert_array_equal(np.asarray(result.image), result.photo)


def test_a_notebook_shows_a_marked_png(result):
    data = result._repr_png_()
    assert data.startswith(b"\x89PNG") and is_marked(data)
