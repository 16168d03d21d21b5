"""Tensors that are one number, or a sentence why not."""

from pathlib import Path

import numpy as np
import pytest

from sightline.checkpoints.number import number_of
from sightline.errors import CheckpointError
from tiny_folder import weights_of, write_arrays


@pytest.mark.parametrize("array", [np.array(2.5), np.array([2.5], np.float16), np.array([[2.5]])])
def test_one_number_is_read_in_any_shape(array: np.ndarray, tmp_path: Path) -> None:
    path = write_arrays(tmp_path / "m.safetensors", {"logit_scale": array})
    assert number_of(weights_of(path), "logit_scale") == 2.5


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.array([1.0, 2.0]), "has logit_scale of shape [2], which is to be one number"),
        (np.zeros((0, 3)), "has logit_scale of shape [0, 3], which is to be one number"),
        (np.array(1000.0), "has the logit_scale 1000, which no training ends with"),
        (np.array(np.nan), "has the logit_scale nan, which no training ends with"),
        (np.array(-np.inf), "has the logit_scale -inf, which no training ends with"),
        (None, "lacks logit_scale"),
    ],
)
def test_what_is_no_number_is_one_sentence(
    array: np.ndarray | None, said: str, tmp_path: Path
) -> None:
    there = {"other": np.array(1.0)} | ({} if array is None else {"logit_scale": array})
    path = write_arrays(tmp_path / "m.safetensors", there)
    with pytest.raises(CheckpointError) as caught:
        number_of(weights_of(path), "logit_scale")
    assert str(caught.value) == f"{path} {said}: restore it from where it came from"
