"""A stranger's small files: read whole, or refused before they fill memory or hang."""

import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from sightline.checkpoints import read
from sightline.checkpoints.json_file import (
    MAX_BYTES,
    MAX_RECORD_BYTES,
    read_bytes,
    read_json,
    read_understood,
)
from sightline.errors import CheckpointError


def refusal(path: Path, reader: Callable[[Path], object] = read_bytes) -> str:
    with pytest.raises(CheckpointError) as caught:
        reader(path)
    return str(caught.value)


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"{}" * 100_000)
    assert read_bytes(path) == b"{}" * 100_000


def test_a_file_larger_than_any_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.touch()
    os.truncate(path, MAX_BYTES + 1)
    assert refusal(path) == f"{path} has {MAX_BYTES + 1} bytes, more than {MAX_BYTES}: refused"


def test_control_the_largest_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.touch()
    os.truncate(path, MAX_BYTES)
    assert len(read_bytes(path)) == MAX_BYTES


def test_a_pipe_and_a_device_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    for name in ("pipe", "zero"):
        assert refusal(tmp_path / name).startswith(f"{tmp_path / name} is no regular file but")


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    assert refusal(tmp_path / "a.json") == (
        f"{tmp_path / 'a.json'} cannot be read (No such file or directory): check that it is "
        "there and readable"
    )


@pytest.mark.parametrize("reader", [read_json, lambda path: read(path.parent)])
def test_a_record_larger_than_any_is_not_kept(
    reader: Callable[[Path], object], tmp_path: Path
) -> None:
    path, length = tmp_path / "sightline.json", MAX_RECORD_BYTES + 1
    path.touch()
    os.truncate(path, length)
    assert refusal(path, reader) == (
        f"{path} has {length} bytes, more than {MAX_RECORD_BYTES}: refused"
    )


def test_control_a_large_record_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b'{"words": "%s"}' % (b"a" * (MAX_RECORD_BYTES - 13)))
    assert len(read_json(path)["words"]) == MAX_RECORD_BYTES - 13


class Model(msgspec.Struct):
    """What is kept of a file."""

    model: str


def test_what_is_not_understood_is_not_kept_whole(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_bytes(b'{"model":3,"x":[' + b"[]," * 2**20 + b"[]]}")  # as Python's lists: 67 MB
    tracemalloc.start()
    try:
        said = refusal(path, lambda path: read_understood(path, Model))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert said == (
        f"{path} says what is not read here (Expected `str`, got `int` - at `$.model`): correct "
        "it, or use another checkpoint"
    )
    assert peak < MAX_BYTES + 2 * path.stat().st_size  # a buffer that mostly stays untouched
