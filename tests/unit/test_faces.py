import numpy as np
import pyarrow.parquet as pq
import pytest

from diat import detector as insightface_detector
from diat.align import CELEBA_TEMPLATE_128
from diat.errors import ModelRejected
from diat.faces import MAX_FACES, SAME_PERSON, Face, face_fault
from diat.photo import open_photo


def face_with(points5: np.ndarray) -> Face:
    points5 = points5.astype(np.float32)
    box = np.concatenate([points5.min(0), points5.max(0)])
    return Face(box, 0.9, points5, np.zeros((68, 2), np.float32))


def test_a_face_has_5_and_68_points_where_they_belong(collins_face):
    five, dense = collins_face.points5, collins_face.points68
    left, top, right, bottom = collins_face.box
    assert five.shape == (5, 2)
    assert dense.shape == (68, 2)
    inside = (five > [left, top]).all() and (five < [right, bottom]).all()
    assert inside
    distance = np.linalg.norm(five[1] - five[0])
    for five_index, dense_indices in [(0, range(36, 42)), (1, range(42, 48)), (2, [30]), (3, [48]), (4, [54])]:
        assert np.linalg.norm(five[five_index] - dense[list(dense_indices)].mean(0)) < 0.15 * distance


def test_every_68_point_has_one_of_the_106():
    assert len(set(insightface_detector.POINTS_106_TO_68.tolist())) == 68
    assert insightface_detector.POINTS_106_TO_68.max() < 106


def test_faces_come_largest_first_and_the_same_every_time(detector, crowd):
    first, second = detector.detect(crowd), detector.detect(crowd)
    assert len(first) == 2
    assert first[0].area > first[1].area
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a.box, b.box)
        np.testing.assert_array_equal(a.points68, b.points68)


def test_a_crowd_gets_landmarks_for_the_faces_that_are_kept_alone(detector, collins, monkeypatch):
    lefts = np.arange(150, dtype=np.float32) * 5
    boxes = np.stack([lefts, lefts, lefts + 50 + np.arange(150), lefts + 60, np.full(150, 0.9)], 1).astype(np.float32)
    monkeypatch.setattr(detector._detector, "detect", lambda *_, **__: (boxes, np.zeros((150, 5, 2), np.float32)))
    asked = []
    monkeypatch.setattr(detector, "_points68", lambda _, box: asked.append(box) or np.zeros((68, 2), np.float32))
    found = detector.detect(collins)
    assert len(asked) == len(found) == MAX_FACES
    assert found.left_out == 130
    assert [face.box[0] for face in found] == list(reversed(lefts[130:]))


def test_a_face_that_fills_the_photograph_is_found_too(detector, collins, collins_face):
    left, top, right, bottom = collins_face.box.astype(int)
    assert len(detector.detect(np.ascontiguousarray(collins[top:bottom, left:right]))) == 1


def test_embeddings_tell_people_apart(detector, collins, hopper, collins_face):
    darker = (collins * 0.8).astype(np.uint8)
    a, b = detector.embed(collins, collins_face.points5), detector.embed(darker, collins_face.points5)
    c = detector.embed(hopper, detector.detect(hopper)[0].points5)
    assert np.linalg.norm(a) == pytest.approx(1, abs=1e-5)
    assert a @ b > 0.9
    assert a @ c < 0.3


@pytest.mark.slow
def test_strangers_are_told_apart(celeba, detector):
    """Where `SAME_PERSON` comes from: fewer than one in a thousand pairs of different people exceed it."""
    rows = pq.read_table(next(celeba.glob("valid-*.parquet")), columns=["image", "celeb_id"]).slice(0, 300).to_pylist()
    photos = [(row["celeb_id"], open_photo(row["image"]["bytes"]).pixels) for row in rows]
    found = [(who, pixels, faces[0]) for who, pixels in photos if (faces := detector.detect(pixels))]
    embeddings = np.stack([detector.embed(pixels, face.points5) for _, pixels, face in found])
    people = np.array([who for who, *_ in found])
    strangers = (embeddings @ embeddings.T)[people[:, None] != people]
    assert len(strangers) > 50_000
    assert (strangers > SAME_PERSON).mean() < 1e-3


def test_a_good_face_has_no_fault(collins_face):
    assert face_fault(collins_face) is None


def test_a_small_face_is_refused_with_the_size_found_and_the_size_needed():
    fault = face_fault(face_with(CELEBA_TEMPLATE_128 * 0.4))
    assert fault is not None
    assert "51 pixels" in fault.sentence
    assert "64" in fault.sentence
    assert fault.brief == "too small to change"


@pytest.mark.parametrize("side", [-1, 1])
def test_a_profile_is_refused(side):
    turned = CELEBA_TEMPLATE_128.copy()
    turned[2, 0] += side * 20
    fault = face_fault(face_with(turned))
    assert fault is not None
    assert "turned" in fault.sentence
    assert fault.brief == "turned too far to change"


def test_a_slightly_turned_face_is_taken():
    turned = CELEBA_TEMPLATE_128.copy()
    turned[2, 0] += 7
    assert face_fault(face_with(turned)) is None


@pytest.mark.parametrize(
    "points",
    [np.zeros((5, 2)), np.full((5, 2), np.nan), np.repeat([[50.0, 50.0]], 5, 0), [[i * 30, 40] for i in range(5)]],
    ids=["zeros", "nan", "one point", "one line"],
)
def test_degenerate_points_are_refused(points):
    assert face_fault(face_with(np.array(points))) is not None


def test_points_upside_down_are_refused():
    assert face_fault(face_with(CELEBA_TEMPLATE_128[[0, 1, 2, 4, 3]] * [1, -1])) is not None


def test_a_pack_that_cannot_be_had_is_refused_with_a_sentence(monkeypatch):
    def unreachable(*_, **__):
        raise ConnectionError("no network")

    monkeypatch.setattr("insightface.app.FaceAnalysis", unreachable)
    with pytest.raises(ModelRejected, match="buffalo_l.*network"):
        insightface_detector.InsightFaceDetector("buffalo_l")


def test_a_tampered_embedded_model_is_refused(monkeypatch):
    monkeypatch.setitem(insightface_detector.EMBEDDED_SHA256, "2d106det.onnx", "0" * 64)
    with pytest.raises(ModelRejected, match="2d106det"):
        insightface_detector.InsightFaceDetector()


def test_a_wide_photograph_is_searched_without_its_padding(detector, hopper, collins, monkeypatch):
    """The same faces in the same places as in a black square, and a near-square photograph to the bit."""
    assert detector._input_size(np.zeros((720, 1280, 3), np.uint8), 640) == (640, 384)
    assert detector._input_size(np.zeros((1280, 720, 3), np.uint8), 640) == (384, 640)
    assert detector._input_size(np.zeros((218, 178, 3), np.uint8), 640) == (640, 640)
    wide = np.concatenate([hopper[:500], collins[:500], collins[:500, ::-1]], axis=1)
    photos = wide, np.ascontiguousarray(wide.transpose(1, 0, 2)[::-1]), wide[:400], hopper
    trimmed = [detector.detect(np.ascontiguousarray(photo)) for photo in photos]
    monkeypatch.setattr(detector, "_any_shape", False)
    for photo, faces in zip(photos, trimmed, strict=True):
        squared = detector.detect(np.ascontiguousarray(photo))
        assert len(faces) == len(squared)
        for one, other in zip(faces, squared, strict=True):
            width = other.box[2] - other.box[0]
            assert np.abs(one.points5 - other.points5).max() < 0.02 * width
            assert np.abs(one.points68 - other.points68).max() < 0.03 * width
    assert len(trimmed[0]) == 3
    np.testing.assert_array_equal(trimmed[3][0].points5, squared[0].points5)
