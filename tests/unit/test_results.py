import io

import numpy as np
import pytest
from PIL import Image

from diat.errors import DiatError, InvalidArgument
from diat.marks import read_marks
from diat.photo import open_photo
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


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_what_was_not_changed_does_not_say_that_it_was(editors, hopper, kind):
    left = editors("mouth_close").edit(hopper)  # her mouth is shut already
    assert left.unchanged and left.maker is None
    data = left.to_bytes(kind, label=True)
    assert not read_marks(data).edited
    difference = np.abs(np.asarray(Image.open(io.BytesIO(data))).astype(int) - hopper)
    assert difference.max() == 0 if kind != "JPEG" else difference.mean() < 1
    assert left.notices == ("The mouth is closed already: nothing was changed.",)
    assert editors("mouth_open").edit(hopper, strength=0).notices == ("Nothing was changed.",)


def test_a_photograph_in_which_nothing_was_changed_keeps_its_name(editors, result, hopper):
    left = editors("mouth_close").edit(hopper)
    names = {"a/anna.JPG": ".jpg", "anna.jpeg": ".jpg", "anna.png": ".png", "anna.heic": ".jpg", "anna": ".png"}
    kept = [left.file_name(name, suffix) for name, suffix in names.items()]
    assert kept == ["anna.JPG", "anna.jpeg", "anna.png", "anna.jpg", "anna.png"]
    assert not result.unchanged and result.file_name("anna.png") == "anna-remove-glasses.png"


def test_a_photograph_that_was_edited_before_goes_on_saying_so(editors, result):
    earlier = "DIAT eyeglasses_remove strength=0.8"
    for photo in (result.as_photo, open_photo(result.to_bytes())):
        left = editors("mouth_close").edit(photo)
        assert left.unchanged and left.file_name("a.png") == "a.png"
        marks = read_marks(left.to_bytes())
        assert marks.edited_by == earlier and marks.declared and marks.invisible
        changed = editors("mouth_open").edit(photo)
        assert read_marks(changed.to_bytes()).edited_by == f"{earlier}, mouth_open strength=1"


def test_an_edit_by_others_stays_declared(editors, hopper):
    xmp = b"http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
    buffer = io.BytesIO()
    Image.fromarray(hopper).save(buffer, "JPEG", quality=95, xmp=xmp)
    left = editors("mouth_close").edit(buffer.getvalue())
    marks = read_marks(left.to_bytes("JPEG"))
    assert left.unchanged and marks.declared and marks.edited_by is None
