import numpy as np
import pytest

from diat.attributes import attribute_spec
from diat.baselines.pictures import Method, baseline_faces, make_pictures, picture_name, read_method, read_pictures
from diat.data.pack import open_pack
from diat.errors import DiatError

CROPS = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3)).astype(np.uint8)
CNIA = Method("CNIA", "mouth_close", {"iterations": 3, "weights": [1, 2]})


def test_only_missing_pictures_are_made_and_all_are_found_by_their_crops(tmp_path):
    made = []

    def make(number):
        made.append(number)
        return CROPS[number] // 2

    make_pictures(tmp_path, CNIA, CROPS[:2], make)
    make_pictures(tmp_path, CNIA, CROPS[:3], make)  # as after a stop
    assert made == [0, 1, 2]
    rows, pictures = read_pictures(tmp_path, CROPS, np.array([3, 2, 0]))
    assert rows.tolist() == [2, 0]
    np.testing.assert_array_equal(pictures[0], CROPS[2] // 2)
    assert read_method(tmp_path) == CNIA


def test_a_crop_is_known_by_every_pixel():
    other = CROPS[0].copy()
    other[3, 3, 1] ^= 1
    assert picture_name(other) != picture_name(CROPS[0]) == picture_name(CROPS[0].copy())


def test_pictures_of_other_settings_are_not_mixed(tmp_path):
    make_pictures(tmp_path, CNIA, CROPS[:1], lambda number: CROPS[number])
    with pytest.raises(DiatError, match="iterations 3.*iterations 4.*another --output"):
        make_pictures(tmp_path, Method("CNIA", "mouth_close", {"iterations": 4}), CROPS, lambda number: CROPS[number])
    with pytest.raises(DiatError, match="no pictures of a baseline"):
        read_method(tmp_path / "nowhere")


def test_the_same_faces_come_first_whatever_the_count(tiny_pack):
    pack, spec = open_pack(tiny_pack), attribute_spec("mouth_close")
    few, many = baseline_faces(pack, spec, 3), baseline_faces(pack, spec, 8)
    assert few.tolist() == many[:3].tolist()
    assert all(pack.column("Mouth_Slightly_Open")[many]) and set(many.tolist()) <= set(pack.rows("valid").tolist())
