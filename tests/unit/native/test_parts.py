"""Renderers work on the part of a face that changes; what they give is what working on all of it would."""

import cv2
import pytest

from diat.faces import crop_side
from diat.native import glasses, mouths, region, skin
from diat.native.stage import rendered, renderer_of

SIDE = 1024  # pixels of the square around the face


@pytest.fixture(scope="module")
def large(detector, collins, hopper):
    """Both portraits with faces of that size."""
    made = []
    for photo in (collins, hopper):
        scale = SIDE / crop_side(detector.detect(photo)[0])
        enlarged = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        made.append((enlarged, detector.detect(enlarged)[0]))
    return made


@pytest.mark.parametrize("name", ["mouth_close", "mouth_open", "older_to_younger", "male_to_female"])
@pytest.mark.parametrize("strength", [0.5, 1.3])
def test_a_part_alone_gives_what_the_whole_region_gives(editors, large, monkeypatch, name, strength):
    editor = editors(name)
    for photo, face in large:
        seen = [editor.aligned(photo, face)]
        (fields,) = editor.changes(seen)
        renderer = renderer_of(editor.model.config.heads, name)
        part = rendered(photo, face, fields, renderer, strength)
        boxes = []

        def everything(where, window, face, cells=1, boxes=boxes):
            boxes.append(region.box_around(where, window, face, cells))
            return 0, 0, *face.shape[::-1]

        for module in (mouths, skin, glasses):
            monkeypatch.setattr(module, "box_around", everything)
        whole = rendered(photo, face, fields, renderer, strength)
        monkeypatch.undo()
        assert len(boxes) == 1
        left, top, right, bottom = boxes[0]
        assert 0 < (right - left) * (bottom - top) < SIDE**2
        difference = cv2.absdiff(part, whole)
        # OpenCV lays samples on a grid of 1/32 pixel: at a sharp edge the neighbouring place is a few levels away.
        assert difference.max() <= 4 and (difference > 1).mean() < 1e-4 and difference.mean() < 0.01
        assert (part != photo).any()
