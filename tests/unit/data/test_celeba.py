import numpy as np
import pytest

from diat.align import CELEBA_TEMPLATE_128
from diat.attributes import ATTRIBUTES, COLUMNS
from diat.data import celeba, sets
from diat.data.pack import open_pack
from diat.errors import TrainingStopped
from diat.pixels import decompressed


def test_records_stream_with_their_labels(tiny_celeba):
    records = list(celeba.stream_records(str(tiny_celeba), "train"))
    assert len(records) == 96
    assert decompressed(records[0].jpeg).shape == (218, 178, 3)
    assert records[1].identity == 1
    assert records[1].attributes[COLUMNS.index("Eyeglasses")]
    assert not records[0].attributes[COLUMNS.index("Eyeglasses")]


def test_skipping_goes_on_where_it_was_left(tiny_celeba):
    whole = [record.jpeg for record in celeba.stream_records(str(tiny_celeba), "train")]
    assert [record.jpeg for record in celeba.stream_records(str(tiny_celeba), "train", skip=70)] == whole[70:]


@pytest.mark.parametrize("world", [2, 3])
def test_processes_share_the_records_out_and_each_goes_on_where_it_was_left(tiny_celeba, world):
    whole = [record.jpeg for record in celeba.stream_records(str(tiny_celeba), "train")]
    parts = [[r.jpeg for r in celeba.stream_records(str(tiny_celeba), "train", 0, i, world)] for i in range(world)]
    assert sorted(sum(parts, [])) == sorted(whole)
    for rank, part in enumerate(parts):
        again = celeba.stream_records(str(tiny_celeba), "train", skip=20, rank=rank, world=world)
        assert [record.jpeg for record in again] == part[20:]


def test_a_folder_without_celeba_is_refused(tmp_path):
    with pytest.raises(TrainingStopped, match=r"train-\*\.parquet"):
        list(celeba.stream_records(str(tmp_path), "train"))


def test_a_hub_out_of_reach_is_one_sentence_at_once(monkeypatch):
    def unreachable(*_, **__):
        raise ConnectionError("[Errno -2] Name or service not known")

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.HfApi.dataset_info", unreachable)
    monkeypatch.setattr("datasets.load_dataset", lambda *_, **__: pytest.fail("it tries five times"))
    with pytest.raises(TrainingStopped, match=r"org/faces is neither .*Errno -2.*: check the name"):
        next(celeba.stream_records("org/faces", "train"))


@pytest.mark.parametrize("data", [b"", b"not an image"])
def test_a_bad_image_is_a_value_error(data):
    with pytest.raises(ValueError):
        decompressed(data)


def test_the_crop_is_the_central_square_by_area():
    image = np.zeros((218, 178, 3), np.uint8)
    image[20:198] = 255
    assert (celeba.centre_crop(image) == 255).all()
    ramp = np.broadcast_to(np.arange(178, dtype=np.uint8)[None, :, None], (218, 178, 3)).copy()
    crop = celeba.centre_crop(ramp).astype(float)
    assert np.diff(crop[5, :, 0]).mean() == pytest.approx(178 / 128, rel=0.01)


def test_points_move_with_the_crop():
    image = np.zeros((218, 178, 3), np.uint8)
    image[110:112, 68:70] = 255  # centre (68.5, 110.5)
    crop = celeba.centre_crop(image)[..., 0].astype(float)
    rows, columns = np.indices(crop.shape)
    centre = [(columns * crop).sum() / crop.sum(), (rows * crop).sum() / crop.sum()]
    np.testing.assert_allclose(celeba.to_crop(np.array([[68.5, 110.5]], np.float32))[0], centre, atol=0.1)


def test_the_order_is_a_pure_function_and_every_epoch_visits_everything_once():
    def visited(batch, world):
        steps = 30 // (batch * world)
        return [sets.order(30, batch, 7, s, r, world).tolist() for s in range(steps) for r in range(world)]

    assert visited(5, 1) == visited(5, 1)
    assert sorted(sum(visited(5, 1), [])) == list(range(30))
    assert sorted(sum(visited(5, 3), [])) == list(range(30))
    assert sum(visited(5, 3), []) == sum(visited(15, 1), [])
    assert sets.order(30, 30, 7, 1).tolist() != sets.order(30, 30, 7, 0).tolist()
    assert sets.order(30, 30, 8, 0).tolist() != sets.order(30, 30, 7, 0).tolist()


def test_a_batch_may_straddle_two_epochs():
    assert len(sets.order(10, 7, 0, 1)) == 7


def test_guided_and_input_sets_part_the_split_by_the_label(tiny_pack):
    pack = open_pack(tiny_pack)
    spec = ATTRIBUTES["eyeglasses_remove"]
    guided, inputs = sets.guided_set(pack, spec), sets.input_set(pack, spec)
    assert len(guided) == len(inputs) == 48
    assert not pack.column("Eyeglasses")[guided].any()
    assert pack.column("Eyeglasses")[inputs].all()
    assert (pack.split[guided] == 0).all()
    assert len(sets.input_set(pack, spec, "valid")) == 12
    some = sets.input_set(pack, spec, count=20, seed=3)
    assert len(set(some.tolist())) == 20
    np.testing.assert_array_equal(some, sets.input_set(pack, spec, count=20, seed=3))


def test_the_template_is_what_the_detector_sees_in_real_celeba(celeba):  # noqa: F811
    from diat.data.celeba import centre_crop, stream_records, to_crop
    from diat.detector import InsightFaceDetector

    detector = InsightFaceDetector(detection_sizes=(320, 640))
    points = []
    for _, record in zip(range(300), stream_records(str(celeba), "valid"), strict=False):
        image = decompressed(record.jpeg)
        assert centre_crop(image).shape == (128, 128, 3)
        faces = detector.detect(image)
        if faces:
            points.append(to_crop(faces[0].points5))
    assert len(points) > 290
    assert np.abs(np.mean(points, 0) - CELEBA_TEMPLATE_128).max() < 1


def test_a_data_set_that_the_hub_does_not_give_is_one_sentence(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    with pytest.raises(TrainingStopped, match="neither a folder here nor a data set that the Hub gives"):
        next(celeba.stream_records("no-one/no-data-set", "train"))
