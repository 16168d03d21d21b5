"""A file of tensors, mapped into memory. Enter at `TensorFile`."""

import mmap
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sightline.errors import CheckpointError
from sightline.tensors.place import Place


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
            return _state(self.path.stat()) == self.state
        except OSError:
            return False


def map_file(path: Path) -> tuple[mmap.mmap, str]:
    """Map a file privately: whoever writes to an array changes neither file nor other readers.

    Returns:
        The mapped bytes, and the file's state: its inode, size and time of the last change.

    Raises:
        CheckpointError: The file is missing, unreadable or too short to be anything.
    """
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if status.st_size < 8:
                raise CheckpointError(f"{path} is cut short before its header: copy it again")
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY), _state(status)
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be read ({error.strerror}): check that it is there and readable"
        ) from error


def _state(status: os.stat_result) -> str:
    """Return what tells these bytes from any others that a path may lead to."""
    return f"{status.st_dev} {status.st_ino} {status.st_size} {status.st_mtime_ns}"
