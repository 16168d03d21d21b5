"""A safetensors header says where tensors lie, and no more than that."""

import json
from pathlib import Path

import pytest

from sightline.errors import CheckpointError
from sightline.tensors.place import MAX_AXES
from sightline.tensors.safetensors_file import open_safetensors


def written(folder: Path, shape: list[int], length: int) -> Path:
    """Write a file with one tensor of a shape."""
    entry = {"dtype": "U8", "shape": shape, "data_offsets": [0, length]}
    header = json.dumps({"a": entry}).encode()
    path = folder / "m.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(length))
    return path


def test_a_tensor_of_the_most_axes_is_read(tmp_path: Path) -> None:
    file = open_safetensors(written(tmp_path, [1] * MAX_AXES, 1))
    assert file.places["a"].array(file.mapped).shape == (1,) * MAX_AXES


@pytest.mark.parametrize("count", [MAX_AXES + 1, 72, 700_000])
def test_a_tensor_of_more_axes_is_refused(count: int, tmp_path: Path) -> None:
    path = written(tmp_path, [1] * count, 1)
    with pytest.raises(CheckpointError) as caught:
        open_safetensors(path)
    assert str(caught.value) == f"{path} has a with {count} axes, more than {MAX_AXES}: refused"


@pytest.mark.parametrize("shape", [[0, 2**62, 2**62], [2**59, 0], [-1, 0], [0, -1]])
def test_a_shape_that_no_array_has_is_refused(shape: list[int], tmp_path: Path) -> None:
    path = written(tmp_path, shape, 0)
    with pytest.raises(CheckpointError, match="has a header that contradicts itself at a "):
        open_safetensors(path)


def test_a_tensor_without_numbers_is_read(tmp_path: Path) -> None:
    file = open_safetensors(written(tmp_path, [0, 2**58], 0))
    assert file.places["a"].array(file.mapped).shape == (0, 2**58)


def test_a_name_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, [4], 4)
    entry = b'{"dtype": "%s", "shape": [4], "data_offsets": [0, 4]}'
    header = b'{"a": ' + entry % b"U8" + b', "\\u0061": ' + entry % b"I8" + b"}"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    with pytest.raises(CheckpointError) as caught:
        open_safetensors(path)
    assert str(caught.value) == (
        f"{path} has an unreadable header (a name is there twice): copy it again"
    )
