"""Whatever is no file on a disk is refused at once, and not waited for."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from sightline.errors import CheckpointError
from sightline.regular_file import open_regular


def refusal(path: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        open_regular(path)
    return str(caught.value)


def bind(path: Path) -> None:
    """Put a socket at a path; it stays when nobody listens any more."""
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))


def test_a_file_is_read_also_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "b").symlink_to("a")
    with open_regular(tmp_path / "b") as file:
        assert file.read(4) == b"1234"


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "folder"])
def test_what_is_no_file_is_refused_at_once(make: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    make(path)
    assert refusal(path) == (
        f"{path} is no regular file but a folder, pipe, socket or device: put the file itself there"
    )


def test_a_device_behind_a_link_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.symlink_to("/dev/zero")
    assert refusal(path).startswith(f"{path} is no regular file but a folder, pipe, socket or dev")


def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # names of sockets are short
    bind(Path("s"))
    assert refusal(Path("s")).startswith("s cannot be read (")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a"
    assert refusal(path) == (
        f"{path} cannot be read (No such file or directory): check that it is there and readable"
    )


@pytest.mark.parametrize("name", ["a\0b", "a\ud800"])
def test_a_name_that_no_file_can_have_is_refused(name: str) -> None:
    said = refusal(Path(name))
    assert said.startswith(f"{name!r} is no name of a file (")
    assert said.endswith("): give another")
    said.encode()  # it can be printed


def test_nothing_stays_open(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(9):
        refusal(tmp_path)
    assert len(os.listdir("/proc/self/fd")) == before
