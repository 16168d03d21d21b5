"""Open a set of pictures and words, whatever it is stored as. Enter at `open_source`."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from sightline.data.addresses import expand
from sightline.data.caption_table import Columns, Table
from sightline.data.class_folder import ClassFolder
from sightline.data.example import Example, Skipped, Tally, storable
from sightline.data.shard import TarShard
from sightline.data.table_rows import READERS
from sightline.errors import DataError

TARS = (".tar", ".tar.gz", ".tgz")
MAX_CLASS_NAMES_BYTES = 16 * 2**20


@runtime_checkable
class Records(Protocol):
    """The examples of one opened shard, by number."""

    def __len__(self) -> int:
        """Return how many there are, those that will turn out bad included."""

    def read(self, number: int, /) -> Example | Skipped:
        """Read one."""


@runtime_checkable
class Shard(Protocol):
    """A tar file, a table or a class folder: what is opened and indexed in one go."""

    name: str
    identity: str  # changes when its content does, as far as that is cheap to see
    stored_bytes: int  # its size on disk, where opening it takes memory in proportion
    packed: bool  # its pictures are held in memory once it is open

    def open(self, tally: Tally, /) -> Records:
        """Index it, and add what cannot become an example to the tally."""


class Source:
    """A set of examples, iterable in stored order as often as wanted.

    `skipped` tells what the latest pass left out.
    """

    def __init__(self, uri: str, name: str, shards: Sequence[Shard]) -> None:
        self.uri = uri
        self.name = name
        self.shards = tuple(shards)
        self.skipped = Tally()

    @property
    def signature(self) -> str:
        """Return a digest of names and sizes: a saved position fits only what it was saved on.

        Contents are not read: a tar file or table that another of the same name and size (a table:
        and number of rows) has replaced is not noticed. Times are no help, a copy changes them.
        """
        return hashlib.sha256(
            "\n".join(shard.identity for shard in self.shards).encode()
        ).hexdigest()

    def __iter__(self) -> Iterator[Example]:
        """Read every example once.

        Raises:
            DataError: There is not one; the message gives the first reason.
        """
        self.skipped = tally = Tally()
        found = 0
        for shard in self.shards:
            records = shard.open(tally)
            for number in range(len(records)):
                read = records.read(number)
                if isinstance(read, Skipped):
                    tally.add(read)
                else:
                    found += 1
                    yield read
        if not found:
            raise nothing_in(self.name, tally)


def nothing_in(name: str, tally: Tally) -> DataError:
    """Say that a source holds no example, and why."""
    for counted in tally.kinds().values():
        times = f"{counted.count:,} skipped like this" if counted.count > 1 else "1 skipped"
        return DataError(f"{name} gave no example ({times}): {counted.first[0].reason}")
    return DataError(f"{name} holds no example: it is empty")


def open_source(
    uri: str | Path | Sequence[str | Path],
    *,
    name: str | None = None,
    columns: Columns | None = None,
) -> Source:
    """Open a class folder, a table of paths and captions, or tar shards.

    Args:
        uri: A path, with braces (`shard-{000..012}.tar`) and globs, or several of them.
        name: What to call the source; by default the last part of the address.
        columns: Which columns of a table to read, where their names are not the usual ones.

    Raises:
        DataError: It is missing, empty, or of no known kind; the message says what to do.

    Example:
        >>> source = open_source("shelf")  # doctest: +SKIP
        >>> [example.label for example in source]  # doctest: +SKIP
        ['apple', 'apple', 'pear']
    """
    uris = [uri] if isinstance(uri, str | Path) else list(uri)
    paths = expand(uris)
    written = storable(" ".join(str(each) for each in uris))
    name = name or storable(" ".join(Path(str(each)).name or str(each) for each in uris))
    return Source(written, name, [_open_shard(path, name, columns) for path in paths])


def _open_shard(path: Path, source: str, columns: Columns | None) -> Shard:
    """Tell by its kind or suffix what a path is."""
    if path.is_dir():
        return ClassFolder(path, source=source)
    if not path.is_file():
        raise DataError(f"{path} is neither a file nor a folder: it cannot hold examples")
    if path.name.lower().endswith(TARS):
        return TarShard(path, source=source, class_names=_class_names(path.parent))
    if path.suffix.lower() in READERS:
        return Table(path, source=source, columns=columns)
    raise DataError(
        f"{path} is of no known kind: give a class folder, or a file that ends in "
        f"{', '.join((*TARS, *READERS))}"
    )


def _class_names(folder: Path) -> tuple[str, ...]:
    """Read `classnames.txt` beside the shards or one folder up, where CLIP_benchmark has it."""
    for place in (folder / "classnames.txt", folder.parent / "classnames.txt"):
        if place.is_file() and place.stat().st_size <= MAX_CLASS_NAMES_BYTES:
            try:
                names = place.read_text("utf-8-sig")
            except OSError as error:
                raise DataError(f"{place} cannot be read ({error.strerror}): check it") from error
            except UnicodeDecodeError as error:
                raise DataError(
                    f"{place} is not text in UTF-8: write one class name a line, or move it away"
                ) from error
            lines = [line.strip() for line in names.rstrip().splitlines()]
            if "" in lines:
                gap = lines.index("") + 1
                raise DataError(
                    f"{place} has no class name on line {gap}, so the numbers after it are in "
                    "doubt: write one class name a line"
                )
            return tuple(lines)
    return ()
