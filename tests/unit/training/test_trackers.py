import numpy as np
import pytest
from accelerate import Accelerator
from accelerate.state import AcceleratorState

from diat.errors import TrainingStopped
from diat.training.trackers import BAR, captioned, show_sheet, start_trackers, tracker_options


def test_no_tracker_and_one_that_is_missing(tmp_path, monkeypatch):
    assert tracker_options("none", tmp_path) == {}
    assert tracker_options("tensorboard", tmp_path)["log_with"] == ["tensorboard"]
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for tracker in ("wandb", "all"):
        with pytest.raises(TrainingStopped, match="is missing: run `pip install"):
            tracker_options(tracker, tmp_path)


@pytest.mark.parametrize("width", [40, 128, 1000])
def test_a_caption_stands_above_the_sheet_and_fits(width):
    sheet = np.full((30, width, 3), 90, np.uint8)
    shown = captioned(sheet, "step 500: before | after")
    assert shown.shape == (30 + BAR, width, 3)
    np.testing.assert_array_equal(shown[BAR:], sheet)
    assert shown[:BAR].min() < 200 and (shown[:BAR, -2:] == 255).all()


def test_wandb_keeps_figures_and_pictures(tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    AcceleratorState._reset_state(True)
    accelerator = Accelerator(cpu=True, **tracker_options("wandb", tmp_path / "board"))
    start_trackers(accelerator, "smile", {"steps": 4, "list": [1]})
    accelerator.log({"loss": 1.0}, step=1)
    show_sheet(accelerator, np.zeros((8, 8, 3), np.uint8), 1)
    accelerator.end_training()
    assert list((tmp_path / "board" / "wandb").glob("offline-run-*/files/media/images/samples*.png"))
