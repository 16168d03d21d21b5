"""Small JSON files of published folders. Enter at `read_json`."""

from pathlib import Path
from typing import Any, TypeVar

import msgspec

from sightline.errors import CheckpointError
from sightline.regular_file import read_regular

MAX_BYTES = 64 * 2**20  # a tokenizer.json of 256,000 words has 34 MB
# What is kept whole becomes 25 times as large if it is made of empty lists. Configs have kilobytes,
# and the longest tokenizer_config.json, Gemma 3's with 6,400 added words, about 1.2 MB.
MAX_RECORD_BYTES = 4 * 2**20

Kind = TypeVar("Kind")


def read_bytes(path: Path) -> bytes:
    """Read a file that fits in memory.

    Raises:
        CheckpointError: It cannot be read, or is larger than such a file ever is.
    """
    return read_regular(path, MAX_BYTES)


def read_record(path: Path) -> bytes:
    """Read a file that says what a model is, of which every value is then kept.

    Raises:
        CheckpointError: It cannot be read, or is larger than a record ever is.
    """
    return read_regular(path, MAX_RECORD_BYTES)


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object, whole.

    Raises:
        CheckpointError: As for `read_record`, or it is no JSON object.
    """
    try:
        return msgspec.json.decode(read_record(path), type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _no_object(path, error) from error


def _no_object(path: Path, error: Exception) -> CheckpointError:
    return CheckpointError(f"{path} is not a JSON object ({error}): copy it again")


def _not_understood(path: Path, error: Exception) -> CheckpointError:
    return CheckpointError(
        f"{path} says what is not read here ({error}): correct it, or use another checkpoint"
    )


def read_understood(path: Path, kind: type[Kind]) -> Kind:
    """Read of a JSON object what a struct describes: the rest is not even kept, which is faster.

    Raises:
        CheckpointError: As for `read_bytes` and `understood`, or it is no JSON.
    """
    try:
        return msgspec.json.decode(read_bytes(path), type=kind)
    except msgspec.ValidationError as error:
        raise _not_understood(path, error) from error
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
        raise _not_understood(path, error) from error


def json_bytes(document: Any) -> bytes:
    """Return JSON that people can read and compare."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"
