"""Small JSON files of published folders. Enter at `read_json`."""

from pathlib import Path
from typing import Any, TypeVar

import msgspec

from sightline.errors import CheckpointError

MAX_BYTES = 64 * 2**20  # a tokenizer.json of 256,000 words has 34 MB

Kind = TypeVar("Kind")


def read_bytes(path: Path) -> bytes:
    """Read a file that fits in memory.

    Raises:
        CheckpointError: It cannot be read, or is larger than such a file ever is.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise CheckpointError(f"{path} has {size} bytes, more than {MAX_BYTES}: refused")
        return path.read_bytes()
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be read ({error.strerror}): check that it is there and readable"
        ) from error


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        CheckpointError: It cannot be read, or is no JSON object.
    """
    try:
        return msgspec.json.decode(read_bytes(path), type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CheckpointError(f"{path} is not a JSON object ({error}): copy it again") from error


def understood(document: Any, kind: type[Kind], path: Path) -> Kind:
    """Return the part of a document that a struct describes; keys that it lacks are left out.

    Raises:
        CheckpointError: A value is missing or of the wrong type.
    """
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        raise CheckpointError(
            f"{path} does not say what it should ({error}): copy it again"
        ) from error
