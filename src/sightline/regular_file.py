"""A file that a stranger's folder names, opened without waiting and read within a limit.

Enter at `open_regular` and `read_regular`.
"""

import os
import stat
from io import BufferedReader
from pathlib import Path

from sightline.errors import CheckpointError

# A named pipe is opened at once even where nobody writes; a terminal does not become ours.
# Windows has neither flag, and one of its own for files that are no text.
_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
)


def open_regular(path: Path) -> BufferedReader:
    """Open a file for reading, if its bytes lie on a disk: whatever else has a path may never end.

    Raises:
        CheckpointError: It is missing, unreadable, a folder, a pipe, a socket or a device, or no
            file can have such a name.
    """
    try:
        number = os.open(path, _FLAGS)
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be read ({error.strerror}): check that it is there and readable"
        ) from error
    except ValueError as error:  # a NUL, or letters that names of files cannot have
        raise CheckpointError(
            f"{str(path)!r} is no name of a file ({error}): give another"
        ) from error
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise CheckpointError(
            f"{path} is no regular file but a folder, pipe, socket or device: put the file itself "
            "there"
        )
    return os.fdopen(number, "rb")


def read_regular(path: Path, most: int) -> bytes:
    """Read a whole file that is no longer than such a file ever is.

    Args:
        path: The file.
        most: How many bytes it may have.

    Raises:
        CheckpointError: As for `open_regular`, or it cannot be read, or is longer.
    """
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            content = b"" if size > most else file.read(most + 1)
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be read ({error.strerror}): check that it is there and readable"
        ) from error
    size = max(size, len(content))  # it may have grown, and some files have no size to ask for
    if size > most:
        raise CheckpointError(f"{path} has {size} bytes, more than {most}: refused")
    return content
