"""A stranger's small files: read whole, or refused before they fill memory or hang."""

import os
from pathlib import Path

import pytest

from sightline.checkpoints.json_file import MAX_BYTES, read_bytes
from sightline.errors import CheckpointError


def refusal(path: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        read_bytes(path)
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
