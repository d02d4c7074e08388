"""A whole data set through train/transfer.py."""

import pyarrow.parquet as pq
from scripts import run_script

from diat.provenance import is_marked


def test_every_row_comes_back_changed_or_with_a_reason_and_missing_shards_alone_are_made_again(tiny_celeba, tmp_path):
    output = tmp_path / "changed"
    arguments = ["--dataset", tiny_celeba, "--split", "valid", "--attribute", "mouth_close", "--output", output]
    arguments += ["--shard", 10]
    run_script("train/transfer.py", *arguments)
    shards = sorted(output.glob("*.parquet"))
    assert [path.name for path in shards] == [f"000-of-001-{number:05d}.parquet" for number in range(3)]
    rows = [row for path in shards for row in pq.read_table(path).to_pylist()]
    assert [row["row"] for row in rows] == list(range(24))
    for row in rows:
        assert (row["image"] is None) == (row["left_out"] is not None)
        if row["image"]:
            assert is_marked(row["image"]["bytes"])
            assert 0.3 < row["identity_similarity"] <= 1.0
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
