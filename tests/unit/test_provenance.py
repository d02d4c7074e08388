import io

import numpy as np
import pytest
from PIL import Image

from diat.provenance import encode, is_marked


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_file_is_marked_and_holds_the_picture(kind, collins):
    data = encode(collins, "mouth_close", 1.0, kind, invisible=False)
    image = Image.open(io.BytesIO(data))
    assert image.format == kind
    assert is_marked(data)
    difference = np.abs(np.asarray(image.convert("RGB")).astype(int) - collins)
    assert difference.max() == 0 if kind != "JPEG" else difference.mean() < 2


def test_an_unedited_file_is_not_marked(collins_path):
    assert not is_marked(collins_path.read_bytes())


def test_another_kind_is_refused(collins):
    with pytest.raises(ValueError, match="PNG, JPEG or WEBP"):
        encode(collins, "x", 1.0, "TIFF")
