"""One file or several: which reader, and shards against their index."""

import json
import mmap
import os
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch

from sightline.errors import CheckpointError
from sightline.tensors import open_tensors, opening
from tiny_folder import write_arrays

ONE: dict[str, np.ndarray] = {"a": np.arange(3, dtype=np.float32)}
TWO: dict[str, np.ndarray] = {"b": np.ones((2, 2), np.float16), "c": np.zeros(1, np.float32)}


def sharded(folder: Path, **changes: str) -> Path:
    """Write two shards and their index, with some entries changed."""
    write_arrays(folder / "model-1.safetensors", ONE)
    write_arrays(folder / "model-2.safetensors", TWO)
    shards = dict.fromkeys(ONE, "model-1.safetensors") | dict.fromkeys(TWO, "model-2.safetensors")
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": shards | changes}))
    return index


def refusal(path: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        open_tensors(path)
    return str(caught.value)


def test_shards_are_opened_together(tmp_path: Path) -> None:
    files = open_tensors(sharded(tmp_path))
    assert [file.path.name for file in files] == ["model-1.safetensors", "model-2.safetensors"]
    assert [set(file.places) for file in files] == [set(ONE), set(TWO)]


def test_shards_of_torch_are_opened_too(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(2)}, tmp_path / "pytorch_model-1.bin")
    index = tmp_path / "pytorch_model.bin.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "pytorch_model-1.bin"}}))
    [file] = open_tensors(index)
    assert set(file.places) == {"a"}


def test_a_tensor_in_another_shard_is_named(tmp_path: Path) -> None:
    said = refusal(sharded(tmp_path, b="model-1.safetensors"))
    assert said == (
        f"{tmp_path / 'model-1.safetensors'} and its index disagree about 1 tensors (b): copy "
        "both again"
    )


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    index = sharded(tmp_path)
    (tmp_path / "model-2.safetensors").unlink()
    assert refusal(index).startswith(f"{tmp_path / 'model-2.safetensors'} cannot be read")


@pytest.mark.parametrize("name", ["../m.safetensors", "/etc/passwd", "m.txt", ""])
def test_an_index_reaches_no_file_but_its_neighbours(name: str, tmp_path: Path) -> None:
    index = sharded(tmp_path, b=name)
    assert refusal(index) == f"{index} names the shard {name!r}, which is no file beside it"


@pytest.mark.parametrize("contents", ["", "[]", '{"weight_map": 3}', "{}"])
def test_a_broken_index_is_one_sentence(contents: str, tmp_path: Path) -> None:
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(contents)
    assert refusal(index).startswith(f"{index} is not an index of shards (")


def test_an_index_of_any_length_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = sharded(tmp_path)
    length = index.stat().st_size
    monkeypatch.setattr(opening, "MAX_INDEX_BYTES", length)
    assert len(open_tensors(index)) == 2
    monkeypatch.setattr(opening, "MAX_INDEX_BYTES", length - 1)
    assert refusal(index) == f"{index} has {length} bytes, more than {length - 1}: refused"


def test_a_file_larger_than_memory_is_not_read_as_an_index(tmp_path: Path) -> None:
    index = tmp_path / "model.safetensors.index.json"
    with index.open("wb") as file:
        file.truncate(2**40)  # all of it a hole
    most = opening.MAX_INDEX_BYTES
    assert refusal(index) == f"{index} has {2**40} bytes, more than {most}: refused"


def test_a_shard_that_no_file_can_be_called_is_refused(tmp_path: Path) -> None:
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"b": "m\0.safetensors"}}))
    said = refusal(index)
    assert said.startswith(f"'{tmp_path}/m\\x00.safetensors' is no name of a file (")


@pytest.mark.parametrize("name", ["m.safetensors", "m.pt", "m.safetensors.index.json"])
def test_a_pipe_is_not_waited_for(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    os.mkfifo(path)
    assert refusal(path).startswith(f"{path} is no regular file but a folder, pipe, socket or dev")


def test_a_shard_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    index = sharded(tmp_path)
    (tmp_path / "model-2.safetensors").unlink()
    os.mkfifo(tmp_path / "model-2.safetensors")
    assert refusal(index).startswith(f"{tmp_path / 'model-2.safetensors'} is no regular file")


def test_a_file_replaced_by_a_pipe_is_read_from_what_was_mapped(tmp_path: Path) -> None:
    [file] = open_tensors(write_arrays(tmp_path / "m.safetensors", ONE))
    digest, copied = file.digest_of(0, 8), file.copied(0, 8)
    assert (sha256(copied).hexdigest(), len(copied)) == (digest, 8)
    file.path.unlink()
    os.mkfifo(file.path)
    assert file.digest_of(0, 8) == digest
    assert file.copied(0, 8) == copied
    assert not file.is_in_place()


def test_what_cannot_be_mapped_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_arrays(tmp_path / "m.safetensors", ONE)

    def full(*_: object, **__: object) -> None:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(mmap, "mmap", full)
    assert refusal(path) == (
        f"{path} cannot be mapped (Cannot allocate memory): put it on a disk of this machine"
    )


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "flax_model.msgpack"
    assert refusal(path) == (
        f"{path} is of no kind that holds weights: give a file that ends with one of "
        ".safetensors, .bin, .pt, .pth, .ckpt"
    )
