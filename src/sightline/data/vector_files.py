"""Vectors → a file, row by row, with what they are beside it. Enter at `write_vectors`.

Nothing but the row at hand is in memory. A header of fixed length is written last, over the place
that was kept for it; everything is written under other names first and renamed when it is whole.
The JSON file comes last, so vectors without one were interrupted between the two renames.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, Protocol, runtime_checkable

import numpy as np

from sightline.errors import DataError, RuntimeUnavailable
from sightline.shapes import Float32

_NPY_HEADER_BYTES = 128
_SAFETENSORS_HEADER_BYTES = 4096
_ROWS_HELD = 1024  # of a Parquet row group


@runtime_checkable
class _Rows(Protocol):
    """A file that takes one row after another."""

    def add(self, key: str, vector: Float32[np.ndarray, " embed_dim"]) -> None:
        """Write one row."""

    def finish(self) -> None:
        """Write what only the end knows."""


def write_vectors(
    results: Iterable[tuple[str, Float32[np.ndarray, " embed_dim"] | str]],
    out: Path,
    *,
    embed_dim: int,
    made_by: Mapping[str, object],
) -> int:
    """Write a row for each vector, list each reason why there is none, and return the rows' count.

    Beside NAME.npy stands NAME.npy.json, and so for each suffix: `made_by`, then "count",
    "skipped" (a list of path and error) and "keys" (a key for each row, in order, one a line).
    Where no vector came, nothing is written, and files that were there stay as they were.

    Args:
        results: Keys with a vector, or with the reason why there is none.
        out: Its suffix, one of `SUFFIXES`, chooses the format.
        embed_dim: Numbers in each vector.
        made_by: What made the vectors: fingerprint, precision and more, as JSON can write it.

    Raises:
        DataError: The suffix is another, or the files cannot be written.
        RuntimeUnavailable: Parquet needs the extra "scale".
    """
    if out.suffix not in SUFFIXES:
        raise DataError(f"{out} ends in none of {', '.join(SUFFIXES)}: choose one of them")
    open_rows = SUFFIXES[out.suffix]
    drafts = {name: _draft(out) for name in ("vectors", "keys", "skipped", "document")}
    count = 0
    try:
        with ExitStack() as opened:
            rows = open_rows(opened, drafts["vectors"], embed_dim, made_by)
            keys = opened.enter_context(_spool(drafts["keys"]))
            skipped = opened.enter_context(_spool(drafts["skipped"]))
            for key, found in results:
                if isinstance(found, str):
                    skipped({"path": key, "error": found})
                    continue
                rows.add(key, found)
                keys(key)
                count += 1
            rows.finish()
        if count:
            _write_document({**made_by, "count": count}, drafts)
            sidecar = sidecar_of(out)
            sidecar.unlink(missing_ok=True)  # at no time does it describe other vectors
            os.replace(drafts["vectors"], out)
            os.replace(drafts["document"], sidecar)
        return count
    except OSError as error:
        raise DataError(f"{out} cannot be written ({error.strerror or error})") from error
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)


def sidecar_of(out: Path) -> Path:
    """Return the JSON file that says what the vectors in a file are.

    It keeps the suffix: NAME.json may be anyone's, and NAME.npy and NAME.parquet have one each.

    Example:
        >>> sidecar_of(Path("vectors.npy")).name
        'vectors.npy.json'
    """
    return out.with_name(f"{out.name}.json")


def _draft(out: Path) -> Path:
    """Name a file beside the output that nobody else writes."""
    return out.parent / f".{out.name}.{os.urandom(6).hex()}"


@contextmanager
def _spool(path: Path) -> Iterator[Callable[[object], None]]:
    """Give a function that appends one JSON value to a list, in a file."""
    with path.open("w", encoding="utf-8") as file:
        before = "["

        def append(value: object) -> None:
            nonlocal before
            # Escaped: a file name need not be Unicode, and this file is.
            file.write(f"{before}\n{json.dumps(value, ensure_ascii=True)}")
            before = ","

        yield append
        file.write("[]" if before == "[" else "\n]")


def _write_document(head: Mapping[str, object], drafts: Mapping[str, Path]) -> None:
    """Join the parts into one JSON object, a piece at a time."""
    with drafts["document"].open("w", encoding="utf-8") as document:
        document.write(json.dumps(head, indent=1, ensure_ascii=True).rstrip("\n}"))
        for name in ("skipped", "keys"):
            document.write(f',\n "{name}": ')
            with drafts[name].open(encoding="utf-8") as part:
                while piece := part.read(2**20):
                    document.write(piece)
        document.write("\n}\n")


class _RawRows:
    """Rows as raw float32 behind a header that is written at the end."""

    def __init__(self, file: IO[bytes], header: Callable[[int], bytes], room: int) -> None:
        self._file = file
        self._header = header
        self._room = room
        self._count = 0
        file.write(b"\0" * room)

    def add(self, key: str, vector: Float32[np.ndarray, " embed_dim"]) -> None:
        """Write one row; the key stands in the document only."""
        self._file.write(vector.astype("<f4", copy=False).tobytes())
        self._count += 1

    def finish(self) -> None:
        """Fill the place that was kept for the header."""
        header = self._header(self._count)
        if len(header) != self._room:
            raise DataError(f"what made the vectors takes more than {self._room} bytes: shorten it")
        self._file.seek(0)
        self._file.write(header)
        self._file.flush()
        os.fsync(self._file.fileno())


def _open_npy(
    opened: ExitStack, path: Path, embed_dim: int, made_by: Mapping[str, object]
) -> _Rows:
    """Begin a NumPy file, format version 1.0."""

    def header(count: int) -> bytes:
        shape = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({count}, {embed_dim}), }}"
        length = _NPY_HEADER_BYTES - 10
        text = shape.ljust(length - 1) + "\n"
        return b"\x93NUMPY\x01\x00" + length.to_bytes(2, "little") + text.encode("ascii")

    return _RawRows(opened.enter_context(path.open("wb")), header, _NPY_HEADER_BYTES)


def _open_safetensors(
    opened: ExitStack, path: Path, embed_dim: int, made_by: Mapping[str, object]
) -> _Rows:
    """Begin a safetensors file with one tensor, "vectors"."""

    def header(count: int) -> bytes:
        tensor = {
            "dtype": "F32",
            "shape": [count, embed_dim],
            "data_offsets": [0, count * embed_dim * 4],
        }
        # The format wants metadata to be text.
        metadata = {name: str(value) for name, value in made_by.items() if value is not None}
        text = json.dumps({"__metadata__": metadata, "vectors": tensor}, ensure_ascii=True)
        length = _SAFETENSORS_HEADER_BYTES - 8
        return length.to_bytes(8, "little") + text.encode("ascii").ljust(length)

    file = opened.enter_context(path.open("wb"))
    return _RawRows(file, header, _SAFETENSORS_HEADER_BYTES)


class _ParquetRows:
    """Rows of a key and a vector, in groups."""

    def __init__(self, writer: Any, arrow: Any, schema: Any) -> None:
        self._writer = writer
        self._arrow = arrow
        self._schema = schema
        self._keys: list[str] = []
        self._vectors: list[np.ndarray] = []

    def add(self, key: str, vector: Float32[np.ndarray, " embed_dim"]) -> None:
        """Hold one row until its group is full."""
        # Parquet's strings are Unicode, and a file name need not be.
        self._keys.append(key.encode("utf-8", "backslashreplace").decode())
        self._vectors.append(vector)
        if len(self._keys) == _ROWS_HELD:
            self._flush()

    def finish(self) -> None:
        """Write the last group."""
        if self._keys:
            self._flush()

    def _flush(self) -> None:
        """Write one group."""
        numbers = self._arrow.array(np.concatenate(self._vectors))
        vectors = self._arrow.FixedSizeListArray.from_arrays(
            numbers, type=self._schema.field("vector").type
        )
        keys = self._arrow.array(self._keys, type=self._arrow.string())
        self._writer.write_table(self._arrow.table([keys, vectors], schema=self._schema))
        self._keys, self._vectors = [], []


def _open_parquet(
    opened: ExitStack, path: Path, embed_dim: int, made_by: Mapping[str, object]
) -> _Rows:
    """Begin a Parquet file with the columns "key" and "vector"."""
    try:
        import pyarrow as arrow  # type: ignore[import-untyped]
        from pyarrow import parquet
    except ImportError as error:
        raise RuntimeUnavailable(
            "Parquet files need pyarrow: install sightline[scale], or write .npy"
        ) from error
    fields = [("key", arrow.string()), ("vector", arrow.list_(arrow.float32(), embed_dim))]
    metadata = {name: str(value) for name, value in made_by.items() if value is not None}
    schema = arrow.schema(fields, metadata=metadata)
    writer = opened.enter_context(parquet.ParquetWriter(path, schema))
    return _ParquetRows(writer, arrow, schema)


SUFFIXES: Mapping[str, Callable[[ExitStack, Path, int, Mapping[str, object]], _Rows]] = {
    ".npy": _open_npy,
    ".safetensors": _open_safetensors,
    ".parquet": _open_parquet,
}
