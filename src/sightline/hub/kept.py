"""What huggingface_hub's cache holds of a repository, and what of it was verified.

The cache is the client's own, so what other programs downloaded is found. Beside a repository's
files lies one receipt a commit, in `.sightline/`: which files make up the checkpoint, and how they
were when their digests were right. Enter at `Store`.
"""

import os
import re
from contextlib import suppress
from pathlib import Path

import msgspec

from sightline.checkpoints.replacement import replace_file
from sightline.errors import RemoteError
from sightline.hub.digests import Digest

VERSION = 2  # of a receipt
COMMIT = re.compile(r"[0-9a-f]{40}")
_PINNED = re.compile(r"[0-9a-f]{40}", re.IGNORECASE)
_REVISION = re.compile(r"(?!.*\.\.)[\w][\w./+-]{0,200}", re.ASCII)
_KINDS = ((re.compile(r"[0-9a-f]{64}"), "sha256"), (COMMIT, "git"))


class Seen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file as it was when it was verified."""

    size: int  # bytes
    mtime_ns: int


class Receipt(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The files of a checkpoint, all verified but those that it names."""

    version: int
    license: str | None  # as the repository declares it
    unverified: tuple[str, ...]  # nobody told a digest of these
    files: dict[str, Seen]


class Store(msgspec.Struct, frozen=True):
    """A repository's folder in the cache; it need not exist."""

    folder: Path

    def snapshot(self, commit: str) -> Path:
        """Return the folder with a commit's files."""
        return self.folder / "snapshots" / commit

    def blob(self, name: str) -> Path:
        """Return where the client keeps the bytes of a file with that etag."""
        return self.folder / "blobs" / name

    def commit(self, revision: str | None) -> str | None:
        """Return the commit that a revision was when somebody last asked, or None."""
        if (commit := pinned(revision)) is not None:
            return commit
        with suppress(OSError, UnicodeDecodeError):
            found = self._reference(revision).read_text(encoding="utf-8").strip()
            return found if COMMIT.fullmatch(found) else None
        return None

    def point(self, revision: str | None, commit: str) -> None:
        """Write down which commit a revision is, as the client does."""
        if pinned(revision) is None:
            _write(self._reference(revision), commit.encode())

    def receipt(self, commit: str) -> Receipt | None:
        """Return a commit's receipt where every file still is as it was, else None."""
        with suppress(OSError, msgspec.MsgspecError):
            found = msgspec.json.decode(self._receipt(commit).read_bytes(), type=Receipt)
            seen = {name: see(self.snapshot(commit) / name) for name in found.files}
            return found if found.version == VERSION and seen == found.files else None
        return None

    def remember(
        self, commit: str, names: tuple[str, ...], license: str | None, unverified: tuple[str, ...]
    ) -> None:
        """Write a receipt for files that were all verified, as far as they could be.

        Raises:
            OSError: A file has gone meanwhile.
        """
        files = {name: see(self.snapshot(commit) / name) for name in names}
        receipt = Receipt(version=VERSION, license=license, unverified=unverified, files=files)
        _write(self._receipt(commit), msgspec.json.encode(receipt))

    def remove(self, commit: str, name: str) -> None:
        """Remove a file of a commit and the bytes that it leads to; nothing outside the folder.

        Raises:
            OSError: It cannot be removed.
        """
        path = self.snapshot(commit) / name
        while path.is_relative_to(self.folder):
            target = (
                Path(os.path.normpath(path.parent / path.readlink())) if path.is_symlink() else None
            )
            path.unlink(missing_ok=True)
            if target is None:
                return
            path = target

    def _reference(self, revision: str | None) -> Path:
        return self.folder / "refs" / (revision or "main")

    def _receipt(self, commit: str) -> Path:
        return self.folder / ".sightline" / f"{commit}.json"


def _write(path: Path, content: bytes) -> None:
    """Write a note, unless the cache is somebody else's: then files are verified each time."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, content)


def open_store(repository: str) -> Store:
    """Return a repository's place in the client's cache."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    name = repo_folder_name(repo_id=repository, repo_type="model")
    return Store(Path(constants.HF_HUB_CACHE).expanduser() / name)


def pinned(revision: str | None) -> str | None:
    """Return the commit that a revision is; None where it may be another one tomorrow."""
    return revision.lower() if revision is not None and _PINNED.fullmatch(revision) else None


def see(path: Path) -> Seen:
    """Look at a file.

    Raises:
        OSError: It is not there.
    """
    found = path.stat()
    return Seen(found.st_size, found.st_mtime_ns)


def digest_in_name(path: Path) -> Digest | None:
    """Return the digest that the client named a file's bytes by, or None where it copied them."""
    name = path.resolve().name
    for pattern, kind in _KINDS:
        if pattern.fullmatch(name):
            return msgspec.convert({"kind": kind, "value": name}, Digest)
    return None


def check_revision(revision: str | None, repository: str) -> None:
    """Refuse what git could not call a revision: it becomes part of a path.

    Raises:
        RemoteError: It is such a text.
    """
    if revision is not None and not _REVISION.fullmatch(revision):
        raise RemoteError(
            f"{revision!r} is no revision of {repository}: name a branch, tag or whole commit"
        )
