import shutil
from pathlib import Path

import pytest

from diat.data.cost import Size, cost, size_of
from diat.errors import TrainingStopped

CELEBA = Size(182_637, int(9.4 * 2**30), local=False)


def test_a_folder_is_counted_without_reading_an_image(tiny_celeba):
    size = size_of(str(tiny_celeba), ("train", "valid"))
    assert size.images == 120 and size.local
    assert size.bytes == sum(path.stat().st_size for path in tiny_celeba.iterdir())
    assert size_of(str(tiny_celeba), ("train", "valid"), limit=30).images == 30 + 24


def test_time_disk_and_network_are_said(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(0, 0, 100 * 2**30))
    said = cost(CELEBA, tmp_path / "celeba.pack", 128, False, 1)
    assert "182637 images: about 109 min of detection on 1 core(s), 8.48 GiB of disk" in said
    assert "about 9.4 GiB from the network" in said
    assert "about 14 min" in cost(CELEBA, tmp_path / "celeba.pack", 128, False, 8)
    assert "from the network" not in cost(Size(10, 10, True), tmp_path / "celeba.pack", 128, False, 1)
    assert "28 a second" in cost(Size(None, None, False), tmp_path / "celeba.pack", 128, False, 1)


def test_a_disk_that_is_too_small_is_refused_before_the_hour(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(0, 0, 12 * 2**30))
    with pytest.raises(TrainingStopped, match="12.0 GiB free.*twice 8.5 GiB"):
        cost(CELEBA, tmp_path / "new" / "celeba.pack", 128, False, 1)
    assert cost(CELEBA, tmp_path / "new" / "celeba.pack", 128, True, 1)


def test_what_cannot_be_read_is_left_to_who_reads_it(tmp_path):
    (tmp_path / "train-0.parquet").write_text("no parquet")
    assert size_of(str(tmp_path), ("train",)) == Size(None, None, True)
    assert size_of(str(Path("no/such/data")), ("train",)).images is None
