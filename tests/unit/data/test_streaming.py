"""Batches from a data set as it is read: the same ones however they are asked for, and an end that is said."""

import json

import pytest
import torch
from scripts import run_script

from diat.attributes import attribute_spec
from diat.data.batches import Batch, BatchSettings
from diat.data.stream import StreamedBatches, held_out_pack
from diat.errors import TrainingStopped

MOUTH = attribute_spec("mouth_close")
SETTINGS = BatchSettings(size=64, batch=4, seed=3, shift=2)
STEPS = 12  # 96 records in windows of 32, each of which gives 4 batches


def streamed(dataset, steps: int = STEPS, rank: int = 0, world: int = 1, window: int = 32) -> StreamedBatches:
    return StreamedBatches(str(dataset), MOUTH, SETTINGS, 128, window, steps, rank, world)


def same(a: Batch, b: Batch) -> bool:
    return all(torch.equal(getattr(a, name), getattr(b, name)) for name in ("source", "mask", "guided"))


@pytest.fixture(scope="module")
def in_order(tiny_celeba) -> list[Batch]:
    batches = streamed(tiny_celeba)
    return [batches[step] for step in range(STEPS)]


def test_a_run_that_was_stopped_gets_the_batches_that_it_would_have_got(in_order, tiny_celeba):
    resumed = streamed(tiny_celeba)
    assert same(resumed[6], in_order[6])  # in the middle of a window
    assert same(resumed[7], in_order[7]) and same(resumed[8], in_order[8])


def test_a_batch_is_what_a_packs_would_be_and_windows_differ(in_order):
    batch = in_order[0]
    assert batch.source.shape == batch.guided.shape == (4, 3, 64, 64) and batch.mask.shape == (4, 1, 64, 64)
    assert batch.mask.max() == 1
    assert not any(same(in_order[0], in_order[step]) for step in (1, 4, 8))
    # Collins, whose mouth is open in the tiny data set, is the lighter of the two.
    assert batch.source.mean() != batch.guided.mean()


def test_each_process_reads_records_of_its_own(in_order, tiny_celeba):
    # By threes: of every second record of the tiny data set, all show one person.
    first, second = (streamed(tiny_celeba, 2, rank, 3, window=16)[0] for rank in range(2))
    assert not same(first, second)


def test_a_window_without_enough_faces_of_both_kinds_says_what_to_do(tiny_celeba):
    with pytest.raises(TrainingStopped, match="16 records in memory.*guided set.*larger --window"):
        streamed(tiny_celeba, 2, 0, 2, window=16)[0]


def test_a_stream_that_ends_too_early_is_said_before_and_after(tiny_celeba):
    assert "96 records are streamed" in streamed(tiny_celeba).check()
    with pytest.raises(TrainingStopped, match="has 96 records, and 13 steps take 128: make at most 12 steps"):
        streamed(tiny_celeba, STEPS + 1).check()
    with pytest.raises(TrainingStopped, match="ends after 96 records"):
        streamed(tiny_celeba, STEPS + 1)[STEPS]


def test_the_faces_of_the_sheets_are_of_the_validation_part(tiny_celeba):
    pack = held_out_pack(str(tiny_celeba), 128, 6)
    assert len(pack.crops) == 6 and pack.rows("valid").tolist() == list(range(6))
    assert pack.has_face.all()


def test_the_command_trains_without_a_pack_and_resumes(tiny_celeba, tmp_path):
    arguments = ["--attribute", "mouth_close", "--stream", tiny_celeba, "--window", 32, "--batch", 4, "--size", 64,
                 "--steps", 6, "--output", tmp_path / "run", "--pack", tmp_path / "celeba.pack", "--log-every", 1,
                 "--save-every", 3, "--lambda-pair", 0, "--d-warmup", 0]  # fmt: skip
    said = run_script("train/diat_a.py", *arguments).stdout
    assert "64 records are streamed" in said and "nothing is kept" in said
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    lines = [json.loads(line) for line in (tmp_path / "run" / "stats.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 3, 4, 5, 6]
    refused = run_script("train/diat_a.py", *arguments, "--window", 16, "--resume", check=False)
    assert refused.returncode == 1 and "window (32, now 16)" in refused.stderr
