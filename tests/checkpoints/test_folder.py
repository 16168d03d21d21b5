"""Model folders: opened exactly, or refused in one sentence."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from sightline.checkpoints import read, verify_digests, write
from sightline.checkpoints.reading import BUNDLED
from sightline.checkpoints.replacement import previous_of
from sightline.errors import CheckpointError
from tiny_folder import RECORD, SPEC, changed, some_tensors, write_some


def refusal(folder: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        read(folder)
    return str(caught.value)


def resaved(folder: Path, **tensors: np.ndarray) -> None:
    """Write the folder's weights again, with some tensors replaced or added."""
    save_file(some_tensors() | tensors, folder / "model.safetensors")


def test_a_folder_reads_as_it_was_written(tmp_path: Path) -> None:
    checkpoint = write_some(tmp_path / "m")
    wanted = some_tensors()
    assert checkpoint.spec == SPEC
    assert checkpoint.weights.names() == tuple(sorted(wanted))
    assert all(np.array_equal(checkpoint.weights[name], wanted[name]) for name in wanted)
    assert (checkpoint.origin, checkpoint.license, checkpoint.training_data) == (
        RECORD.origin,
        RECORD.license,
        RECORD.training_data,
    )
    assert checkpoint.calibration is None
    assert "sightline" in checkpoint.record.created_with
    verify_digests(checkpoint)


def test_the_calibration_comes_along_as_it_stands(tmp_path: Path) -> None:
    calibration = {"temperature": 1.5, "fitted_on": ["cats"]}
    write(tmp_path, spec=SPEC, tensors=some_tensors(), record=RECORD, calibration=calibration)
    assert read(tmp_path).calibration == calibration


def test_half_precision_is_another_model(tmp_path: Path) -> None:
    wide = {"a": np.ones(4, dtype=np.float32)}
    write(tmp_path / "wide", spec=SPEC, tensors=wide, record=RECORD)
    half = {"a": np.ones(4, dtype=np.float16)}
    write(tmp_path / "half", spec=SPEC, tensors=half, record=RECORD)
    assert read(tmp_path / "wide").fingerprint != read(tmp_path / "half").fingerprint


def test_the_same_model_has_the_same_fingerprint_anywhere(tmp_path: Path) -> None:
    one, two = write_some(tmp_path / "one"), write_some(tmp_path / "two", origin="elsewhere")
    assert one.fingerprint == two.fingerprint


def test_a_missing_folder_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    assert refusal(folder) == f"model folder {folder} does not exist: check the path"


def test_a_file_is_not_a_folder(tmp_path: Path) -> None:
    path = write_some(tmp_path / "m").weights.path
    assert refusal(path) == (
        f"{path} is a file that sightline.json beside it describes: give the folder it lies in"
    )


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path) == (
        f"{tmp_path} has no sightline.json, nor record and weights of another library, so it is no "
        "model folder: check the path"
    )


def test_missing_weights_are_refused(tmp_path: Path) -> None:
    write_some(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    assert refusal(tmp_path) == (
        f"{tmp_path / 'model.safetensors'} cannot be read (No such file or directory): "
        "check that it is there and readable"
    )


def test_weights_cut_short_are_refused(tmp_path: Path) -> None:
    path = write_some(tmp_path).weights.path
    path.write_bytes(path.read_bytes()[:-1])
    assert "is cut short" in refusal(tmp_path)


def test_tensors_that_disagree_with_the_record_are_named(tmp_path: Path) -> None:
    write_some(tmp_path)
    kept = some_tensors()
    kept["flags"] = np.array([True])
    del kept["logit_scale"]
    save_file(kept | {f"x{i}": np.zeros(1) for i in range(4)}, tmp_path / "model.safetensors")
    assert refusal(tmp_path) == (
        f"{tmp_path / 'model.safetensors'} lacks 1 tensor (logit_scale) and has left over "
        "4 tensors (x0, x1, x2, …) and has of another shape 1 tensor (flags) against "
        "sightline.json: restore both from where the model came from"
    )


def test_another_precision_under_the_same_record_is_refused(tmp_path: Path) -> None:
    write_some(tmp_path)
    resaved(tmp_path, logit_scale=np.array(2.5, dtype=np.float16))
    assert "has of another shape 1 tensor (logit_scale)" in refusal(tmp_path)


def test_a_changed_value_is_found_by_reading_all(tmp_path: Path) -> None:
    write_some(tmp_path)
    resaved(tmp_path, logit_scale=np.array(2.6, dtype=np.float32))
    with pytest.raises(CheckpointError) as caught:
        verify_digests(read(tmp_path))
    assert str(caught.value) == (
        f"{tmp_path / 'model.safetensors'} has 1 tensor (logit_scale) changed since "
        "sightline.json was written: restore the file from where the model came from"
    )


def test_control_the_same_values_behind_another_header_pass(tmp_path: Path) -> None:
    write_some(tmp_path)
    resaved(tmp_path)
    verify_digests(read(tmp_path))


def with_tokenizer(folder: Path) -> Path:
    """Write a folder that brings a tokenizer, and return the tokenizer's path."""
    source = folder.with_name("source.json")
    source.write_bytes(b'{"model": 1}')
    spec = changed(SPEC, words={"tokenizer": "file"})
    write(folder, spec=spec, tensors=some_tensors(), record=RECORD, tokenizer_file=source)
    return folder / "tokenizer.json"


def test_a_swapped_tokenizer_is_refused(tmp_path: Path) -> None:
    path = with_tokenizer(tmp_path / "m")
    assert read(tmp_path / "m").tokenizer is not None
    path.write_bytes(b'{"model": 2}')
    assert refusal(tmp_path / "m") == (
        f"{path} is not the tokenizer this model was written with (its digest differs from the "
        "one in sightline.json): restore it from where the model came from"
    )


def test_a_missing_tokenizer_is_refused(tmp_path: Path) -> None:
    path = with_tokenizer(tmp_path / "m")
    path.unlink()
    assert refusal(tmp_path / "m").startswith(f"{path} cannot be read (")


def test_a_broken_calibration_is_refused(tmp_path: Path) -> None:
    write_some(tmp_path)
    (tmp_path / "calibration.json").write_text("[1]")
    assert "calibration.json is not a JSON object" in refusal(tmp_path)


def test_what_a_killed_writer_set_aside_is_read(tmp_path: Path) -> None:
    wanted = write_some(tmp_path / "m").fingerprint
    (tmp_path / "m").rename(previous_of(tmp_path / "m"))
    assert read(tmp_path / "m").fingerprint == wanted


def test_an_open_checkpoint_outlives_its_folder(tmp_path: Path) -> None:
    checkpoint = write_some(tmp_path / "m", seed=1)
    write_some(tmp_path / "m", seed=2)
    shutil.rmtree(tmp_path / "m")
    assert np.array_equal(checkpoint.weights["image.stem"], some_tensors(1)["image.stem"])


def test_without_a_path_the_bundled_model_is_read_or_said_to_be_missing() -> None:
    if (BUNDLED / "sightline.json").exists():
        assert read().folder == BUNDLED
        return
    with pytest.raises(CheckpointError) as caught:
        read()
    assert str(caught.value) == "no model is bundled with this Sightline: give a model folder"
