"""A table of paths and captions as one shard: CSV, TSV, JSONL or Parquet. Enter at `Table`.

Rows of one path are one example with several captions. The rows are held in memory, the
pictures are not.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from sightline.data.class_folder import read_file
from sightline.data.example import Example, Skipped, Tally, storable
from sightline.data.record import Words, as_group, join, tidy
from sightline.data.table_rows import Row, read_rows
from sightline.errors import DataError

# img2dataset and open_clip write filepath and title, Hugging Face's image folders file_name.
IMAGE_COLUMNS = ("path", "filepath", "file_name", "image")
TEXT_COLUMNS = ("captions", "caption", "title", "text")
LABEL_COLUMNS = ("label", "class")
GROUP_PREFIX = "group."


class Columns(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which columns to read; None takes the one known name that the table has."""

    image: str | None = None
    text: str | None = None
    label: str | None = None


class Table:
    """A table, read whole when it is made; it can be opened as often as wanted."""

    packed = False
    stored_bytes = 0  # pictures are read one at a time: nothing of them is kept

    def __init__(self, path: Path, *, source: str, columns: Columns | None = None) -> None:
        self.path = path
        self.name = storable(path.name)
        self._source = source
        header, rows = read_rows(path)
        chosen = _choose(path, header, columns or Columns())
        self._skipped: list[Skipped] = []
        by_path: dict[str, list[Words]] = {}
        for line, row in rows:
            try:
                image, words = _read_row(row, chosen)
            except ValueError as error:
                self._skip(line, str(error))
            else:
                by_path.setdefault(image, []).append(words)
        self._rows = list(by_path.items())
        self.identity = f"{self.name} {path.stat().st_size} {len(self._rows)}"

    def _skip(self, line: int, why: str) -> None:
        reason = f"row {line} of {self.name} was skipped: {why}"
        self._skipped.append(Skipped(key=f"{self.name}:{line}", kind="bad record", reason=reason))

    def open(self, tally: Tally) -> "TableRecords":
        """Give the pictures listed; rows that list none are added to the tally."""
        for skipped in self._skipped:
            tally.add(skipped)
        return TableRecords(self.path.parent, self._rows, self._source)


class TableRecords:
    """The pictures of a table, by number."""

    def __init__(self, root: Path, rows: list[tuple[str, list[Words]]], source: str) -> None:
        self._root = root
        self._rows = rows
        self._source = source

    def __len__(self) -> int:
        return len(self._rows)

    def read(self, number: int) -> Example | Skipped:
        """Read one picture and join what its rows say."""
        key, rows = self._rows[number]
        try:
            words = join(rows)
        except ValueError as error:
            return Skipped(key=key, kind="bad record", reason=f"{key} was skipped: {error}")
        # Every row's caption counts, a repeated one too: retrieval is scored caption by caption.
        texts = tuple(text for row in rows for text in row.texts) or words.texts
        if not texts:
            reason = f"{key} has neither caption nor label"
            return Skipped(key=key, kind="image without text", reason=reason)
        image = read_file(self._root / key, key=key)
        if isinstance(image, Skipped):
            return image
        return Example(
            key=key,
            image=image,
            texts=texts,
            label=words.label,
            group=words.group,
            source=words.source or self._source,
        )


class _Chosen(msgspec.Struct, frozen=True):
    """The columns that a table has and that are read."""

    image: str
    text: str | None
    label: str | None


def _choose(path: Path, header: Sequence[str], columns: Columns) -> _Chosen:
    """Find the columns, or say which are there."""
    image = _column(path, header, columns.image, IMAGE_COLUMNS)
    text = _column(path, header, columns.text, TEXT_COLUMNS)
    label = _column(path, header, columns.label, LABEL_COLUMNS)
    has = ", ".join(header) or "none"
    if image is None:
        raise DataError(
            f"{path} has no column of image paths (its columns: {has}): name one "
            f"{', '.join(IMAGE_COLUMNS)}, or say which it is"
        )
    if text is None and label is None:
        raise DataError(
            f"{path} has no column of captions or labels (its columns: {has}): name one "
            f"{', '.join(TEXT_COLUMNS + LABEL_COLUMNS)}, or say which it is"
        )
    return _Chosen(image, text, label)


def _column(
    path: Path, header: Sequence[str], named: str | None, known: Sequence[str]
) -> str | None:
    """Return the named column, else the one known name that is there."""
    if named is not None:
        if named not in header:
            raise DataError(f"{path} has no column {named!r} (its columns: {', '.join(header)})")
        return named
    there = [name for name in known if name in header]
    if len(there) > 1:
        raise DataError(
            f"{path} has both a column {there[0]!r} and {there[1]!r}: say which to read"
        )
    return there[0] if there else None


def _read_row(row: Row | str, columns: _Chosen) -> tuple[str, Words]:
    """Read one row.

    Raises:
        ValueError: A cell is missing or of the wrong kind; the message says which.
    """
    if isinstance(row, str):
        raise ValueError(row)
    image = row.get(columns.image)
    if not isinstance(image, str) or not image.strip():
        raise ValueError(f"its {columns.image!r} is no path")
    if "://" in image:
        raise ValueError(f"its {columns.image!r} is an address, and nothing is fetched")
    said = row.get(columns.text) if columns.text else None
    captions = [said] if isinstance(said, str) else said or []
    if not isinstance(captions, list) or not all(isinstance(text, str) for text in captions):
        raise ValueError(f"its {columns.text!r} is neither a text nor a list of texts")
    label = row.get(columns.label) if columns.label else None
    if isinstance(label, float) and label.is_integer():  # pandas' way to write a column with gaps
        label = int(label)
    if not isinstance(label, str | int | None):
        raise ValueError(f"its {columns.label!r} is neither a text nor a number")
    source = row.get("source")
    return image.strip(), Words(
        texts=tidy(captions),
        label=None if label is None else str(label).strip() or None,
        group=_group(row),
        source=source if isinstance(source, str) and source else None,
    )


def _group(row: Row) -> dict[str, str]:
    """Collect `group.NAME` columns and a `group` object."""
    whole = row.get("group")
    fields = dict(whole) if isinstance(whole, Mapping) else {}
    for column, value in row.items():
        if column.startswith(GROUP_PREFIX) and value != "":
            fields[column.removeprefix(GROUP_PREFIX)] = value
    return as_group(fields)
