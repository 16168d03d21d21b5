"""A file of tensors, mapped into memory. Enter at `TensorFile`."""

import mmap
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from io import BufferedReader
from pathlib import Path
from typing import TypeVar

from sightline.errors import CheckpointError
from sightline.regular_file import open_regular
from sightline.tensors.place import Place

PIECE_BYTES = 2**20

Taken = TypeVar("Taken", str, bytearray)


@dataclass(frozen=True, kw_only=True, eq=False)
class TensorFile:
    """An opened file: nothing of it is read but where each tensor lies."""

    path: Path
    mapped: mmap.mmap
    state: str  # what the system said of the file when it was opened: another state, other bytes
    places: Mapping[str, Place]  # by the names that the file gives
    digest: str  # sha256 of what says where tensors lie: two files with the same one lie alike

    def is_in_place(self) -> bool:
        """Tell whether its path still leads to the very bytes that are mapped."""
        try:
            return state_of(self.path.stat()) == self.state
        except OSError:
            return False

    def digest_of(self, offset: int, length: int) -> str:
        """Return the sha256 of some bytes, as they lie in the file.

        Args:
            offset: Of the first byte, from the start of the file.
            length: How many.
        """
        hashed = self._past_mapping(lambda file: _hashed(file, offset, length))
        if hashed is not None:
            return hashed
        with memoryview(self.mapped) as view:
            return sha256(view[offset : offset + length]).hexdigest()

    def copied(self, offset: int, length: int) -> bytearray:
        """Return some bytes, as they lie in the file, for whoever keeps none of them.

        Args:
            offset: Of the first byte, from the start of the file.
            length: How many.
        """
        copied = self._past_mapping(lambda file: _read(file, offset, length))
        return bytearray(self.mapped[offset : offset + length]) if copied is None else copied

    def _past_mapping(self, take: Callable[[BufferedReader], Taken | None]) -> Taken | None:
        """Take from the file past its mapping, whose pages would stay with the process.

        Returns:
            What was taken; None where the file is no longer in its place, or ends too early.
        """
        with suppress(OSError, CheckpointError), open_regular(self.path) as file:
            if state_of(os.fstat(file.fileno())) == self.state:
                return take(file)
        return None


def _hashed(file: BufferedReader, offset: int, length: int) -> str | None:
    """Hash a piece of an open file; None where it ends before."""
    hashed, buffer = sha256(), memoryview(bytearray(min(length, PIECE_BYTES)))
    file.seek(offset)
    while length:
        count = file.readinto(buffer[:length])
        if not count:
            return None
        hashed.update(buffer[:count])
        length -= count
    return hashed.hexdigest()


def _read(file: BufferedReader, offset: int, length: int) -> bytearray | None:
    """Read a piece of an open file; None where it ends before."""
    read = bytearray(length)
    file.seek(offset)
    return read if file.readinto(read) == length else None


def map_file(path: Path) -> tuple[mmap.mmap, str]:
    """Map a file privately: whoever writes to an array changes neither file nor other readers.

    Returns:
        The mapped bytes, and the file's state: its inode, size and time of the last change.

    Raises:
        CheckpointError: The file is missing, unreadable, no file on a disk, or too short to be
            anything.
    """
    with open_regular(path) as file:
        status = os.fstat(file.fileno())
        if status.st_size < 8:
            raise CheckpointError(f"{path} is cut short before its header: copy it again")
        try:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY), state_of(status)
        except OSError as error:
            raise CheckpointError(
                f"{path} cannot be mapped ({error.strerror}): put it on a disk of this machine"
            ) from error


def state_of(status: os.stat_result) -> str:
    """Return what tells these bytes from any others that a path may lead to."""
    return f"{status.st_dev} {status.st_ino} {status.st_size} {status.st_mtime_ns}"
