"""A whole data set through train/transfer.py."""

import sys

import pyarrow.parquet as pq
from scripts import ROOT, run_script

from diat.errors import PhotoRejected
from diat.photo import open_photo
from diat.provenance import is_marked


def test_every_row_comes_back_changed_or_with_a_reason_and_missing_shards_alone_are_made_again(tiny_celeba, tmp_path):
    output = tmp_path / "changed"
    arguments = ["--dataset", tiny_celeba, "--split", "valid", "--attribute", "mouth_close", "--output", output]
    arguments += ["--shard", 10, "--keep", "celeb_id", "Smiling"]
    run_script("train/transfer.py", *arguments)
    shards = sorted(output.glob("*.parquet"))
    assert [path.name for path in shards] == [f"000-of-001-{number:05d}.parquet" for number in range(3)]
    rows = [row for path in shards for row in pq.read_table(path).to_pylist()]
    assert [row["row"] for row in rows] == list(range(24))
    given = pq.read_table(next(tiny_celeba.glob("valid-*.parquet"))).to_pylist()
    assert [(row["celeb_id"], row["Smiling"]) for row in rows] == [(row["celeb_id"], row["Smiling"]) for row in given]
    marked = []
    for row, source in zip(rows, given, strict=True):
        assert (row["image"] is None) == (row["left_out"] is not None)
        if row["image"]:
            before, after = (open_photo(image["bytes"]).pixels for image in (source["image"], row["image"]))
            marked.append(is_marked(row["image"]["bytes"]))
            assert marked[-1] == (before != after).any()  # what was left unchanged does not say that it was edited
            assert 0.3 < row["identity_similarity"] <= 1.0
    assert any(marked)
    assert sum(row["image"] is not None for row in rows) > 20

    whole = {path: path.read_bytes() for path in shards}
    stamps = {path: path.stat().st_mtime_ns for path in shards}
    shards[1].unlink()
    run_script("train/transfer.py", *arguments)
    assert {path: path.read_bytes() for path in shards} == whole
    assert [path.stat().st_mtime_ns == stamps[path] for path in shards] == [True, False, True]


def test_a_data_set_without_images_is_one_sentence(tiny_celeba, tmp_path):
    arguments = ["--dataset", tiny_celeba, "--attribute", "mouth_close", "--output", tmp_path, "--column", "picture"]
    done = run_script("train/transfer.py", *arguments, check=False)
    assert done.returncode == 1
    assert "no column 'picture'" in done.stderr
    assert "Traceback" not in done.stderr


def test_processes_share_the_rows_out_and_number_them_as_the_data_set_does(tiny_celeba, tmp_path, editors):
    sys.path.insert(0, str(ROOT / "train"))
    import transfer as script

    def by_row(world: int) -> dict[int, dict]:
        output = tmp_path / str(world)
        settings = script.TransferSettings(
            str(tiny_celeba), "mouth_close", output, "valid", keep=("celeb_id",), shard=7
        )
        for rank in range(world):
            script.transfer(settings, rank, world)
        rows = [row for path in sorted(output.glob("*.parquet")) for row in pq.read_table(path).to_pylist()]
        assert len(rows) == 24
        return {row["row"]: row for row in rows}

    alone, shared = by_row(1), by_row(3)
    assert sorted(shared) == list(range(24))
    assert shared == alone  # the pictures too, in whatever batches they were made


def test_a_batch_with_a_bad_picture_keeps_the_others(editors, collins_path):
    sys.path.insert(0, str(ROOT / "train"))
    import transfer as script

    settings = script.TransferSettings("x", "mouth_close", collins_path)
    good = collins_path.read_bytes()
    found = script.edit_all(editors("mouth_close"), [good, None, b"no picture", good], settings)
    assert [isinstance(result, PhotoRejected) for result in found] == [False, True, True, False]


def test_a_column_that_is_not_there_cannot_be_kept(tiny_celeba, tmp_path):
    arguments = ["--dataset", tiny_celeba, "--attribute", "mouth_close", "--output", tmp_path, "--keep", "age"]
    done = run_script("train/transfer.py", *arguments, check=False)
    assert done.returncode == 1
    assert "no column 'age'" in done.stderr
    assert "Traceback" not in done.stderr
