"""What a file's bytes must add up to. Enter at `Digest` and `verify`."""

import hashlib
from pathlib import Path
from typing import Literal

import msgspec

from sightline.errors import RemoteError

CHUNK = 1 << 20


class Digest(msgspec.Struct, frozen=True):
    """What is known of a file's bytes."""

    kind: Literal["sha256", "git"]  # git: the sha1 under which git keeps a file
    value: str  # hexadecimal


def digest_of(path: Path, kind: Literal["sha256", "git"]) -> Digest:
    """Read a file and return its digest.

    Raises:
        OSError: It cannot be read.
    """
    hashed = hashlib.sha256() if kind == "sha256" else hashlib.sha1(usedforsecurity=False)
    if kind == "git":  # git hashes a header before the bytes
        hashed.update(b"blob %d\0" % path.stat().st_size)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            hashed.update(chunk)
    return Digest(kind, hashed.hexdigest())


def verify(path: Path, expected: Digest, what: str) -> None:
    """Hold a file against its digest, and remove it where it differs.

    Args:
        path: The file.
        expected: What it must be.
        what: What to call it in the message.

    Raises:
        RemoteError: It is another file.
        OSError: It cannot be read.
    """
    got = digest_of(path, expected.kind)
    if got != expected:
        path.unlink()
        raise RemoteError(another(what, got, expected))


def another(what: str, got: Digest, expected: Digest) -> str:
    """Say that a file was another one than was meant, and is gone."""
    return (
        f"{what} has the {expected.kind} digest {got.value} but {expected.value} is expected: it "
        "was removed, so fetch it again, and trust no copy that differs a second time"
    )
