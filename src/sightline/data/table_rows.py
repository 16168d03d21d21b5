"""The rows of a CSV, TSV, JSONL or Parquet file. Enter at `read_rows`."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec

from sightline.errors import DataError, RuntimeUnavailable

Row = Mapping[str, object]
Numbered = tuple[int, Row | str]  # line of the file, or row from 1; a text says why it is no row
MAX_CELL_CHARACTERS = 1_000_000
ROWS_AT_ONCE = 65_536


def read_rows(path: Path) -> tuple[list[str], Iterator[Numbered]]:
    """Return the columns of a table, and its rows.

    Raises:
        DataError: It cannot be read as what its name says.
        RuntimeUnavailable: It is Parquet, and pyarrow is not installed.
    """
    return READERS[path.suffix.lower()](path)


def _read_csv(path: Path) -> tuple[list[str], Iterator[Numbered]]:
    """Read a table with a header line; its cells are parted by TAB if the header has one."""
    text = _text(path)
    delimiter = "\t" if "\t" in text.partition("\n")[0] else ","
    # The csv module's limit, 128 kB by default, is one for the whole process: only raise it.
    csv.field_size_limit(max(csv.field_size_limit(), MAX_CELL_CHARACTERS))
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        numbered = [(lines.line_num, cells) for cells in lines if cells]
    except csv.Error as error:
        raise DataError(f"{path} is no table after line {lines.line_num}: {error}") from error
    header = [name.strip() for name in numbered[0][1]] if numbered else []
    return header, _csv_rows(header, numbered[1:])


def _csv_rows(header: list[str], numbered: list[tuple[int, list[str]]]) -> Iterator[Numbered]:
    for line, cells in numbered:
        if len(cells) == len(header):
            yield line, dict(zip(header, cells, strict=True))
        else:
            yield line, f"it has {len(cells)} cells and the header {len(header)}"


def _read_jsonl(path: Path) -> tuple[list[str], Iterator[Numbered]]:
    """Read one JSON object a line; the columns are those of all lines."""
    lines = enumerate(_text(path).split("\n"), 1)
    numbered = [(number, _json_row(line)) for number, line in lines if line.strip()]
    columns: dict[str, None] = {}
    for _, row in numbered:
        columns.update(dict.fromkeys(() if isinstance(row, str) else row))
    if numbered and not columns:
        number, why = numbered[0]
        raise DataError(f"{path} has no line with a JSON object: line {number} is none, {why}")
    return list(columns), iter(numbered)


def _json_row(line: str) -> Row | str:
    try:
        return msgspec.json.decode(line, type=dict[str, object])
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError) as error:
        return f"its JSON does not hold ({error})"


def _read_parquet(path: Path) -> tuple[list[str], Iterator[Numbered]]:
    """Read a Parquet file, some rows at a time."""
    try:
        import pyarrow  # type: ignore[import-untyped]
        import pyarrow.parquet  # type: ignore[import-untyped]
    except ImportError as error:
        raise RuntimeUnavailable(
            f"{path} is Parquet, which needs pyarrow: install sightline[scale]"
        ) from error
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            batches = file.iter_batches(batch_size=ROWS_AT_ONCE)
            rows = [row for batch in batches for row in batch.to_pylist()]
            return list(file.schema_arrow.names), iter(enumerate(rows, 1))
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as Parquet: {error}") from error


def _text(path: Path) -> str:
    """Read a whole file as UTF-8."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 (byte {error.start}): save it as UTF-8") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error


READERS: Mapping[str, Callable[[Path], tuple[list[str], Iterator[Numbered]]]] = {
    ".csv": _read_csv,
    ".tsv": _read_csv,
    ".jsonl": _read_jsonl,
    ".ndjson": _read_jsonl,
    ".parquet": _read_parquet,
}
