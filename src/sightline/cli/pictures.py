"""From a command's PATHS to pictures, and a record of those that were skipped.

Enter at `find_pictures` and `Tally`.
"""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from io import BufferedIOBase
from pathlib import Path

import click

from sightline import images
from sightline.cli.table import printable
from sightline.errors import ImageError
from sightline.images.reading import is_address

_CHUNK_BYTES = 2**16


def find_pictures(paths: Sequence[str]) -> Iterator[str | Path]:
    """List the pictures that files, folders, globs and `-` stand for, without holding them all.

    A path that does not exist comes first, as itself, so that it is skipped with a reason.
    """
    known, unknown = [], []
    for path in paths:
        if path == "-":
            continue
        try:
            images.find(path)
        except ImageError:
            unknown.append(_itself(path))
        else:
            known.append(path)
    yield from unknown
    yield from images.find(known)
    if "-" in paths:
        for name in read_names(_stdin()):
            yield from images.find(name) if os.path.isdir(name) else [_itself(name)]


def _itself(path: str) -> str | Path:
    """Keep a web address as it was typed: a `Path` would take a slash out of it."""
    return path if is_address(path) else Path(path)


def _stdin() -> BufferedIOBase:
    """Return standard input as bytes."""
    stream = sys.stdin.buffer
    assert isinstance(stream, BufferedIOBase)
    return stream


def read_names(stream: BufferedIOBase) -> Iterator[str]:
    """Read file names, one a line; or ended by NUL, where the first bytes hold one.

    NUL is how `find -print0` writes names that may themselves hold a line's end.
    """
    rest, end = b"", b""
    while chunk := stream.read1(_CHUNK_BYTES):  # what is there, without waiting for more
        end = end or (b"\0" if b"\0" in chunk else b"\n")
        *names, rest = (rest + chunk).split(end)
        yield from _decoded(names, end)
    yield from _decoded([rest], end)


def _decoded(names: Sequence[bytes], end: bytes) -> Iterator[str]:
    """Decode names as the file system does; Windows ends lines with two characters."""
    for name in names:
        bare = name.removesuffix(b"\r") if end == b"\n" else name
        if bare:
            yield os.fsdecode(bare)


class Tally:
    """Counts pictures, and lists each that was skipped once, with its reason, on stderr."""

    def __init__(self, before: Callable[[], None], *, listed: bool) -> None:
        """Begin to count.

        Args:
            before: Called before each line, to take a progress line away.
            listed: False where the results on stdout name the skipped ones themselves.
        """
        self._before = before
        self._listed = listed
        self.done = 0
        self.skipped = 0

    def skip(self, path: str, reason: str) -> None:
        """Count one as skipped."""
        self.skipped += 1
        if self._listed:
            named = reason if repr(path) in reason else f"{path}: {reason}"
            self._before()
            click.echo(f"skipped: {printable(named)}", err=True)

    def finish(self) -> int:
        """Say how many were skipped and return the command's exit code."""
        self._before()
        if not self.done and not self.skipped:
            click.echo("sightline: error: no pictures were found: check the paths", err=True)
            return 4
        if self.skipped:
            total = self.done + self.skipped
            click.echo(f"{self.skipped:,} of {total:,} pictures were skipped", err=True)
            return 3 if self.done else 4
        return 0
