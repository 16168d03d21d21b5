"""export.json: what an exported folder holds. Enter at `listed` and `check_free`."""

from collections.abc import Mapping
from hashlib import file_digest
from pathlib import Path

import msgspec

from sightline.checkpoints.json_file import json_bytes
from sightline.errors import CheckpointError
from sightline.regular_file import read_regular

NAME = "export.json"
MAX_BYTES = 64 * 1024


class Listing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a folder was exported from, and its other files."""

    model: str  # the fingerprint
    origin: str
    license: str
    format: str
    precision: str
    certified: bool
    made_with: Mapping[str, str]  # package → version
    files: Mapping[str, str]  # name → sha256


def listed(folder: Path) -> dict[str, str]:
    """Return the sha256 of each file that is there."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != NAME:
            with path.open("rb") as file:
                found[path.relative_to(folder).as_posix()] = file_digest(file, "sha256").hexdigest()
    return found


def write_listing(folder: Path, listing: Listing) -> None:
    """Write it into a folder whose other files are all there.

    Raises:
        OSError: The disk is full.
    """
    (folder / NAME).write_bytes(json_bytes(listing))


def check_free(folder: Path, *, replace: bool) -> None:
    """Refuse a place where something is that was not exported.

    Args:
        folder: Where an export is to go.
        replace: Whether an older export may go.

    Raises:
        CheckpointError: It names the place, and what is in it.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not folder.is_dir():
        raise CheckpointError(f"{folder} is a file: choose another place")
    if not replace:
        raise CheckpointError(
            f"{folder} is not empty: choose another place, or allow an older export to be replaced "
            "(--replace)"
        )
    files = _files(folder)
    others = [
        path
        for path in sorted(folder.rglob("*"))
        if not path.is_dir() and path.relative_to(folder).as_posix() not in files
    ]
    if others:
        raise CheckpointError(
            f"{folder} holds {others[0].relative_to(folder)}, which no export wrote: choose "
            "another place, or move it away"
        )


def _files(folder: Path) -> set[str]:
    """Return the names of what an older export wrote."""
    path = folder / NAME
    if not path.is_file():
        return set()
    try:
        found = msgspec.json.decode(read_regular(path, MAX_BYTES), type=Listing)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CheckpointError(
            f"{path} is no listing of an export ({error}): choose another place"
        ) from error
    return {NAME, *found.files}
