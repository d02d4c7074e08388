import hashlib
import json
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from diat.attributes import ATTRIBUTES
from diat.errors import ModelRejected
from diat.hub import load_model
from diat.models import CONFIG, MANIFEST, WEIGHTS, ModelConfig, save_model, write_model
from diat.networks import TransformNetwork


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / "model"
    save_model(TransformNetwork(), ModelConfig("mouth_open", "mouth", residual=False), path, {"steps": 3})
    return path


def sign(folder: Path) -> None:
    """Make the manifest agree with the files, so that only the damage itself can be found."""
    digests = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in (WEIGHTS, CONFIG)}
    (folder / MANIFEST).write_text(json.dumps(digests))


def change_tensors(folder: Path, change) -> None:
    tensors = load_file(folder / WEIGHTS)
    change(tensors)
    save_file(tensors, folder / WEIGHTS)
    sign(folder)


def test_what_is_saved_is_loaded_at_half_precision(folder):
    torch.manual_seed(0)
    original = TransformNetwork().state_dict()
    model = load_model(folder)
    assert model.config == ModelConfig("mouth_open", "mouth", residual=False)
    for key, value in model.weights.items():
        assert value.dtype == np.float32
        np.testing.assert_array_equal(value, original[key].half().float().numpy())


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_embedded_weights_load(name):
    model = load_model(name)
    assert model.config.attribute == name
    assert model.source == "embedded"


@pytest.mark.parametrize("name", [WEIGHTS, CONFIG, MANIFEST])
def test_a_missing_file_is_refused(folder, name):
    (folder / name).unlink()
    with pytest.raises(ModelRejected, match=name):
        load_model(folder)


@pytest.mark.parametrize("name", [WEIGHTS, CONFIG])
def test_one_flipped_bit_is_refused(folder, name):
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
    with pytest.raises(ModelRejected, match="differs from its manifest"):
        load_model(folder)


def test_another_attribute_is_refused(folder):
    with pytest.raises(ModelRejected, match="'mouth_open', not 'mouth_close'"):
        load_model(folder, attribute="mouth_close")


def drop(tensors):
    del tensors["conv1.weight"]


def add(tensors):
    tensors["more"] = np.zeros(3, np.float16)


def rename(tensors):
    tensors["conv1.kernel"] = tensors.pop("conv1.weight")


def reshape(tensors):
    tensors["conv1.weight"] = tensors["conv1.weight"][:, :, 1:]


def widen(tensors):
    tensors["conv1.weight"] = tensors["conv1.weight"].astype(np.float32)


def poison(tensors):
    tensors["conv1.weight"] = np.full_like(tensors["conv1.weight"], np.nan)


def overflow(tensors):
    tensors["norm1.running_var"] = np.full_like(tensors["norm1.running_var"], np.inf)


@pytest.mark.parametrize("change", [drop, add, rename, reshape, widen, poison, overflow], ids=lambda f: f.__name__)
def test_tensors_that_are_not_exactly_as_expected_are_refused(folder, change):
    change_tensors(folder, change)
    with pytest.raises(ModelRejected, match=r"conv1|more|norm1"):
        load_model(folder)


BROKEN_FILES = {
    "empty": b"",
    "html": b"<html>404</html>",
    "header bomb": (2**60).to_bytes(8, "little") + b"{}",
    "overlap": None,
    "torch pickle": b"PK\x03\x04" + b"\x00" * 100,
}


@pytest.mark.parametrize("name", BROKEN_FILES)
def test_a_file_that_is_no_safetensors_is_refused(folder, name):
    data = BROKEN_FILES[name]
    if data is None:
        header = {key: {"dtype": "F16", "shape": [2], "data_offsets": [0, 4]} for key in ("a", "b")}
        text = json.dumps(header).encode()
        data = len(text).to_bytes(8, "little") + text + b"\x00" * 4
    (folder / WEIGHTS).write_bytes(data)
    sign(folder)
    with pytest.raises(ModelRejected, match="safetensors"):
        load_model(folder)


@pytest.mark.parametrize(
    "values",
    [[], "text", {}, {"attribute": "mouth_open"}, {"n_blocks": "5"}, {"n_blocks": 10**9}, {"size": 7}, {"format": "x"}],
    ids=str,
)
def test_a_configuration_that_is_not_ours_is_refused(folder, values):
    config = json.loads((folder / CONFIG).read_text())
    broken = {**config, **values} if isinstance(values, dict) and len(values) and "attribute" not in values else values
    (folder / CONFIG).write_text(json.dumps(broken))
    sign(folder)
    with pytest.raises(ModelRejected):
        load_model(folder)


def test_a_pickle_is_never_opened(tmp_path):
    canary = tmp_path / "opened"
    folder = tmp_path / "model"
    folder.mkdir()

    class Trap:
        def __reduce__(self):
            return (Path.touch, (canary,))

    torch.save(Trap(), folder / "pytorch_model.bin")
    with pytest.raises(ModelRejected, match=r"lacks manifest\.json \(found pytorch_model\.bin\)"):
        load_model(folder)
    assert not canary.exists()


@pytest.mark.parametrize("name", ["no_such_attribute", "a/b/c", "./none", "~/none", "/no/such/folder", "/none", ""])
def test_a_name_that_is_nothing_is_refused(name):
    with pytest.raises(ModelRejected, match=r"No model|lacks"):
        load_model(name)


@pytest.mark.parametrize("name", [None, 5, ["mouth_open"]])
def test_what_is_no_name_at_all_is_a_bad_argument(name):
    with pytest.raises(ValueError, match="A model is an attribute, a folder, or a Hub repository org/name, not"):
        load_model(name)


def test_a_name_nearly_right_is_suggested():
    with pytest.raises(ModelRejected, match="did you mean 'mouth_open'"):
        load_model("mouth_opne")


@pytest.mark.parametrize("moment", range(8))  # three files, each flushed and named; then the two folders
def test_a_model_that_is_written_over_another_is_the_old_one_or_the_new_one(folder, monkeypatch, moment):
    """Whatever step of the writing fails."""
    (folder / "README.md").write_text("kept")
    old, calls = load_model(folder), []
    new = ModelConfig("mouth_open", "mouth", residual=False, strength=2.0)

    def failing(real):
        def call(*arguments, **options):
            calls.append(real)
            if len(calls) == moment + 1:
                raise OSError(28, "No space left on device")
            return real(*arguments, **options)

        return call

    monkeypatch.setattr(os, "fsync", failing(os.fsync))
    for name in ("replace", "rename"):
        monkeypatch.setattr(Path, name, failing(getattr(Path, name)))
    with pytest.raises(OSError, match="No space"):
        write_model(folder, new, old.weights, {})
    monkeypatch.undo()
    assert load_model(folder).config == old.config
    assert (folder / "README.md").read_text() == "kept"
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_a_model_is_written_over_another_and_other_files_stay(folder):
    (folder / "README.md").write_text("kept")
    model = load_model(folder)
    write_model(folder, replace(model.config, strength=2.0), model.weights, model.training)
    again = load_model(folder)
    assert again.config.strength == 2.0 and again.training == {"steps": 3}
    for name, value in model.weights.items():
        np.testing.assert_array_equal(again.weights[name], value)
    assert (folder / "README.md").read_text() == "kept"
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


@pytest.mark.parametrize("name", [MANIFEST, CONFIG, WEIGHTS])
def test_a_pipe_in_place_of_a_file_is_refused_at_once(folder, name):
    (folder / name).unlink()
    os.mkfifo(folder / name)
    start = time.perf_counter()
    with pytest.raises(ModelRejected, match=f"lacks {name}"):
        load_model(folder)
    assert time.perf_counter() - start < 1


@pytest.mark.parametrize("name", [MANIFEST, CONFIG])
def test_json_nested_without_end_is_refused(folder, name):
    (folder / name).write_text("[" * 200_000)
    if name == CONFIG:
        sign(folder)
    with pytest.raises(ModelRejected, match="JSON|configuration"):
        load_model(folder)


def test_a_refusal_does_not_repeat_a_megabyte(folder):
    config = json.loads((folder / CONFIG).read_text())
    (folder / CONFIG).write_text(json.dumps({**config, "attribute": "x" * 2**20}))
    sign(folder)
    with pytest.raises(ModelRejected) as error:
        load_model(folder)
    assert len(str(error.value)) < 600
