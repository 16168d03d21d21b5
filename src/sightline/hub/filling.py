"""One file of a repository → its bytes in the client's cache, verified. Enter at `fill`.

The client's own download takes what headers say for names of paths (the etag, the commit), begins
anew after a cut and takes any size; so ours fetches every file, and leaves it where and as the
client would: `blobs/` by digest, `snapshots/` with links to them.
"""

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from sightline.errors import RemoteError
from sightline.hub.digests import Digest, digest_of, verify
from sightline.hub.kept import Store
from sightline.hub.transfer import Wanted, transfer


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """One file that is wanted."""

    name: str  # plain: no folder in it
    wanted: Wanted
    blob: str | None  # the digest that the hub names its bytes by
    digests: tuple[Digest, ...]  # what they must be; (): nobody says


def holds(piece: Piece, store: Store, commit: str) -> bool:
    """Tell whether a file is there already; one that is another than was meant is removed.

    Raises:
        OSError: It cannot be read, or removed.
    """
    path = store.snapshot(commit) / piece.name
    if not path.exists():
        return False
    if all(digest_of(path, one.kind) == one for one in piece.digests):
        return True
    store.remove(commit, piece.name)
    return False


def fill(piece: Piece, store: Store, commit: str, at: Callable[[int], None]) -> None:
    """Fetch a file and put it in place.

    Args:
        piece: Which file.
        store: The repository's folder in the cache.
        commit: Of the repository.
        at: Told bytes that are there.

    Raises:
        RemoteError: It cannot be had, or is another than was meant.
        OSError: The cache cannot be written to.
    """
    from huggingface_hub.utils import WeakFileLock  # type: ignore[attr-defined]

    key = piece.blob or f"{commit}.{piece.name}"
    lock = store.folder.parent / ".locks" / store.folder.name / f"{key}.lock"
    part = store.blob(f"{key}.sightline-part")
    for folder in (part.parent, lock.parent, store.snapshot(commit)):
        folder.mkdir(parents=True, exist_ok=True)
    with WeakFileLock(lock):
        blob = None if piece.blob is None else store.blob(piece.blob)
        if blob is None or not _is_whole(blob, piece):  # else another process was quicker
            _fetch(piece, part, at)
            blob = blob or store.blob(digest_of(part, "sha256").value)
            part.replace(blob)
        _link(store.snapshot(commit) / piece.name, blob)
    at(blob.stat().st_size)


def _is_whole(blob: Path, piece: Piece) -> bool:
    return blob.exists() and all(digest_of(blob, one.kind) == one for one in piece.digests)


def _fetch(piece: Piece, part: Path, at: Callable[[int], None]) -> None:
    """Transfer a file, once more where what an earlier try left was no beginning of it."""
    goes_on = part.exists()
    transfer(piece.wanted, part, lambda there, _: at(there))
    try:
        _verify(piece, part)
    except RemoteError:
        if not goes_on:
            raise
        transfer(piece.wanted, part, lambda there, _: at(there))
        _verify(piece, part)


def _verify(piece: Piece, part: Path) -> None:
    for digest in piece.digests:
        verify(part, digest, piece.wanted.what)


def _link(path: Path, blob: Path) -> None:
    """Let a commit's file lead to its bytes; where there are no links it is a copy of them."""
    from huggingface_hub import constants

    spare = path.with_name(f".{path.name}.sightline-part")
    spare.unlink(missing_ok=True)
    with suppress(OSError):
        if not constants.HF_HUB_DISABLE_SYMLINKS:
            spare.symlink_to(os.path.relpath(blob, path.parent))
    if not spare.exists():
        shutil.copyfile(blob, spare)
    spare.replace(path)  # two processes at once leave the same
