"""Put a whole folder in place at once, whatever kills the writer. Enter at `replacing`.

A folder is written as a hidden sibling, made durable, and renamed. Where one is there already, it
is first renamed to `.NAME.previous`: a writer killed between the two renames leaves that one, and
readers know where to look (`previous_of`). Leftovers of killed writers go with the next write.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path

if sys.platform != "win32":
    import fcntl


def previous_of(folder: Path) -> Path:
    """Return where the last good folder stands while a new one takes its place."""
    folder = folder.resolve()  # of a link, the folder it leads to is replaced, not the link
    return folder.parent / f".{folder.name}.previous"


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """Give an empty folder to fill; put it in place of `folder` when the block ends well.

    Raises:
        OSError: The disk is full, or a folder may not be made or renamed here.
    """
    folder = folder.resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(folder.parent):
        _remove_leftovers(folder)
        draft = folder.parent / f".{folder.name}.writing-{os.urandom(8).hex()}"
        draft.mkdir()
        held = _hold(draft)
    try:
        yield draft
        _flush(draft)
        with _locked(folder.parent):
            _swap(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        if held is not None:
            os.close(held)


def write_file(path: Path, *chunks: bytes | memoryview) -> None:
    """Write a new file and wait until it is on the disk."""
    with path.open("xb") as file:
        for chunk in chunks:
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())


def replace_file(path: Path, *chunks: bytes | memoryview) -> None:
    """Write a file beside its place and rename it there: no reader ever finds half of it.

    Raises:
        OSError: The disk is full, or the folder is missing or may not be written to.
    """
    draft = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    try:
        write_file(draft, *chunks)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _swap(draft: Path, folder: Path) -> None:
    """Rename the draft into place; the folder before it steps aside and is then removed."""
    previous = previous_of(folder)
    if folder.exists():
        shutil.rmtree(previous, ignore_errors=True)
        folder.rename(previous)
    draft.rename(folder)
    _flush(folder.parent)
    shutil.rmtree(previous, ignore_errors=True)


def _remove_leftovers(folder: Path) -> None:
    """Remove drafts whose writers died: a living writer holds a lock on its own."""
    for draft in folder.parent.glob(f".{escape(folder.name)}.writing-*"):
        held = _hold(draft)
        if held is not None:
            shutil.rmtree(draft, ignore_errors=True)
            os.close(held)


def _hold(draft: Path) -> int | None:
    """Lock a draft for as long as this process lives; None where another one has it."""
    if sys.platform == "win32":  # no locks on folders: leftovers stay until removed by hand
        return None
    try:
        held = os.open(draft, os.O_RDONLY)
    except FileNotFoundError:  # its writer has just removed it
        return None
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(held)
        return None
    return held


@contextmanager
def _locked(parent: Path) -> Iterator[None]:
    """Let one writer at a time rename inside a folder."""
    if sys.platform == "win32":
        yield
        return
    held = os.open(parent, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def _flush(folder: Path) -> None:
    """Wait until the names in a folder are on the disk, where the system can say so."""
    with suppress(PermissionError):  # Windows opens no folders
        held = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(held)
        finally:
            os.close(held)
