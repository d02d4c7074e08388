import os
from dataclasses import replace

import cv2
import numpy as np
import pytest
from safetensors import safe_open
from scripts import run_script

from diat.align import CELEBA_TEMPLATE_128
from diat.attributes import COLUMNS
from diat.data import packing
from diat.data.celeba import centre_crop, stream_records, to_crop
from diat.data.pack import open_pack
from diat.data.sets import usable
from diat.data.sharing import share_of_processors
from diat.errors import TrainingStopped
from diat.pixels import decompressed


def test_a_pack_holds_the_crops_labels_and_points_of_its_dataset(tiny_pack, tiny_celeba):
    pack = open_pack(tiny_pack)
    records = [r for split in ("train", "valid") for r in stream_records(str(tiny_celeba), split)]
    assert pack.crops.shape == (120, 128, 128, 3)
    assert isinstance(pack.crops, np.memmap)
    for row in (0, 57, 119):
        np.testing.assert_array_equal(pack.crops[row], centre_crop(decompressed(records[row].jpeg)))
        np.testing.assert_array_equal(pack.attributes[row], records[row].attributes)
        assert pack.identity[row] == records[row].identity
    assert pack.has_face.mean() > 0.95
    assert pack.attributes.shape[1] == len(COLUMNS)
    assert len(pack.rows("valid")) == 24
    middle = pack.points5[pack.has_face].mean((0, 1))
    assert (np.abs(middle - 64) < 25).all()


def test_a_webp_pack_holds_nearly_the_same_in_a_fraction_of_the_space(tiny_pack, tiny_celeba, tmp_path):
    path = tmp_path / "small.pack"
    run_script("train/prepare.py", "--dataset", tiny_celeba, "--output", path, "--webp", 75)
    pack, raw = open_pack(path), open_pack(tiny_pack)
    assert path.stat().st_size < tiny_pack.stat().st_size / 8
    assert np.abs(pack.crops.astype(int) - raw.crops).mean() < 4
    np.testing.assert_array_equal(pack.points68, raw.points68)


def test_other_sizes_are_cropped_the_same_way(tiny_celeba, tmp_path, tiny_pack):
    path = tmp_path / "64.pack"
    run_script("train/prepare.py", "--dataset", tiny_celeba, "--output", path, "--size", 64)
    pack, raw = open_pack(path), open_pack(tiny_pack)
    halved = cv2.resize(raw.crops[3], (64, 64), interpolation=cv2.INTER_AREA)
    assert np.abs(pack.crops[3].astype(int) - halved).mean() < 2
    np.testing.assert_allclose(pack.points5[3], (raw.points5[3] + 0.5) / 2 - 0.5, atol=1e-3)


def test_preparing_goes_on_from_finished_shards(tiny_pack, tiny_celeba, tmp_path):
    from safetensors.numpy import load_file, save_file

    path = tmp_path / "again.pack"
    partial = tmp_path / "again.pack.partial"
    partial.mkdir()
    whole = load_file(tiny_pack)
    train = whole["split"] == 0
    shard = {key: np.ascontiguousarray(value[train]) for key, value in whole.items()}
    shard["identity"] = shard["identity"] + 1000
    save_file(shard, partial / "train-000-of-001-00000.safetensors")
    run_script("train/prepare.py", "--dataset", tiny_celeba, "--output", path)
    pack = open_pack(path)
    assert len(pack.crops) == 120
    assert (pack.identity[:96] >= 1000).all()
    assert not partial.exists()


@pytest.mark.parametrize("damage", ["missing", "cut", "text", "another file"])
def test_what_is_no_pack_is_refused(tiny_pack, tmp_path, damage):
    path = tmp_path / "x.pack"
    if damage == "cut":
        path.write_bytes(tiny_pack.read_bytes()[: 2**20])
    elif damage == "text":
        path.write_text("no pack")
    elif damage == "another file":
        from safetensors.numpy import save_file

        save_file({"a": np.zeros(3)}, path)
    with pytest.raises(TrainingStopped, match="prepare"):
        open_pack(path)


def test_bad_images_are_counted_and_too_many_stop(tiny_celeba, tmp_path):
    from datasets import Dataset, Image

    folder = tmp_path / "bad"
    folder.mkdir()
    for split in ("train", "valid"):
        rows = Dataset.from_parquet(str(tiny_celeba / f"{split}-00000-of-00001.parquet"))
        rows = rows.cast_column("image", Image(decode=False)).to_list()
        for row in rows[:2] if split == "train" else []:
            row["image"]["bytes"] = b"\xff\xd8 not a picture"
        Dataset.from_list(rows).to_parquet(str(folder / f"{split}-00000-of-00001.parquet"))
    done = run_script("train/prepare.py", "--dataset", folder, "--output", tmp_path / "bad.pack", check=False)
    assert done.returncode == 1
    assert "2 of 96 images cannot be decoded" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "bad.pack").exists()


def test_landmarks_of_celebas_own_file_are_taken(tiny_celeba, tmp_path):
    lines = [
        "202599",
        "lefteye_x lefteye_y righteye_x righteye_y nose_x nose_y leftmouth_x leftmouth_y right_x right_y",
    ]
    lines += [f"{number:06d}.jpg  69 {100 + number}  108 111  88 130  73 152  105 152" for number in range(1, 31)]
    (tmp_path / "landmarks.txt").write_text("\n".join(lines))
    arguments = ["--dataset", tiny_celeba, "--output", tmp_path / "x.pack", "--landmarks", tmp_path / "landmarks.txt"]
    done = run_script("train/prepare.py", *arguments, "--limit", 30, check=False)
    assert done.returncode == 1
    assert "no line for valid record 0" in done.stderr
    rows = open_pack_of_shard(tmp_path / "x.pack.partial")
    np.testing.assert_allclose(rows["points5"][4, 0], to_crop(np.array([[69, 105]], np.float32))[0], atol=1e-3)


def open_pack_of_shard(folder):
    from safetensors.numpy import load_file

    return load_file(folder / "train-000-of-001-00000.safetensors")


def test_a_file_that_holds_no_landmarks_is_refused(tiny_celeba, tmp_path):
    (tmp_path / "x.txt").write_text("a\nb\nc d e\n")
    arguments = ["--dataset", tiny_celeba, "--output", tmp_path / "x.pack", "--landmarks", tmp_path / "x.txt"]
    done = run_script("train/prepare.py", *arguments, check=False)
    assert done.returncode == 1
    assert "not CelebA's file of landmarks" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("part", ["crops", "points5", "points68", "attributes", "identity", "split"])
def test_the_digest_covers_every_part_of_a_pack(tiny_pack, part):
    pack = open_pack(tiny_pack)
    changed = np.array(getattr(pack, part))
    place = np.unravel_index(changed.size - 1, changed.shape)  # the last pixel, point or label
    changed[place] = ~changed[place] if changed.dtype == bool else changed[place] + 1
    assert replace(pack, **{part: changed}).digest != pack.digest
    assert replace(pack).digest == pack.digest


@pytest.mark.parametrize("subset", ["frontal", "clusters"])
def test_a_face_that_has_celebas_five_points_alone_does_not_train(tiny_pack, subset):
    pack = open_pack(tiny_pack)
    # The template's own points, so that section 5.1's clusters keep every face.
    points5 = np.repeat(CELEBA_TEMPLATE_128[None], len(pack.crops), 0).astype(np.float32)
    points68 = pack.points68.copy()
    points68[3] = np.nan
    given = replace(pack, points5=points5, points68=points68)
    assert not given.has_face[3] and given.has_face[4]
    assert usable(given, subset)[4] and not usable(given, subset)[3]


def test_joining_shards_reads_their_pictures_once(tiny_pack, tmp_path, monkeypatch):
    read = []

    class Counted:
        def __init__(self, path, framework):
            self.file = safe_open(path, framework=framework)

        def __enter__(self):
            self.opened = self.file.__enter__()
            return self

        def __exit__(self, *error):
            return self.file.__exit__(*error)

        def keys(self):
            return self.opened.keys()

        def get_tensor(self, key):
            read.append(key)
            return self.opened.get_tensor(key)

    monkeypatch.setattr(packing, "safe_open", Counted)
    packing.write_pack(tmp_path / "x.pack", [tiny_pack, tiny_pack], 128)
    assert read.count("crops") == 2  # of two shards
    assert len(open_pack(tmp_path / "x.pack").crops) == 2 * len(open_pack(tiny_pack).crops)


def test_processes_of_one_machine_share_its_processors_out():
    before = os.sched_getaffinity(0)
    shares = []
    for rank in range(2):
        with share_of_processors(rank, 2):
            shares.append(os.sched_getaffinity(0))
    assert os.sched_getaffinity(0) == before
    assert len(before) == 1 or not shares[0] & shares[1]
    assert all(shares)
