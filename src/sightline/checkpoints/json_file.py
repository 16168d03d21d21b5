"""Small JSON files of published folders. Enter at `read_json`."""

import os
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from sightline.errors import CheckpointError
from sightline.tensors.regular_file import open_regular

MAX_BYTES = 64 * 2**20  # a tokenizer.json of 256,000 words has 34 MB

Kind = TypeVar("Kind")


def read_bytes(path: Path) -> bytes:
    """Read a file that fits in memory.

    Raises:
        CheckpointError: It cannot be read, or is larger than such a file ever is.
    """
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            content = b"" if size > MAX_BYTES else file.read(MAX_BYTES + 1)
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be read ({error.strerror}): check that it is there and readable"
        ) from error
    size = max(size, len(content))  # it may have grown, and some files have no size to ask for
    if size > MAX_BYTES:
        raise CheckpointError(f"{path} has {size} bytes, more than {MAX_BYTES}: refused")
    return content


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        CheckpointError: It cannot be read, or is no JSON object.
    """
    try:
        return msgspec.json.decode(read_bytes(path), type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _no_object(path, error) from error


def _no_object(path: Path, error: Exception) -> CheckpointError:
    return CheckpointError(f"{path} is not a JSON object ({error}): copy it again")


def read_understood(path: Path, kind: type[Kind]) -> Kind:
    """Read of a JSON object what a struct describes: the rest is not even kept, which is faster.

    Raises:
        CheckpointError: As for `read_json` and `understood`.
    """
    try:
        return msgspec.json.decode(read_bytes(path), type=kind)
    except msgspec.ValidationError:
        return understood(read_json(path), kind, path)  # in whichever words that refuses it
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _no_object(path, error) from error


def understood(document: Any, kind: type[Kind], path: Path) -> Kind:
    """Return the part of a document that a struct describes; keys that it lacks are left out.

    Raises:
        CheckpointError: A value is missing or of the wrong type.
    """
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        raise CheckpointError(
            f"{path} says what is not read here ({error}): correct it, or use another checkpoint"
        ) from error


def json_bytes(document: Any) -> bytes:
    """Return JSON that people can read and compare."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"
