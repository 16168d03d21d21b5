"""A checkpoint's name → its files on disk, verified. Enter at `fetch`."""

import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from sightline.errors import CheckpointError, RemoteError
from sightline.hub.archive import cached_file, fetch_file
from sightline.hub.catalog import Entry, WebFile
from sightline.hub.progress import Progress
from sightline.hub.repository import Asked, Found, fetch_repository, find_verified
from sightline.hub.spelling import Repository

NAMED = 3  # files in one sentence


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What a person should know before something is downloaded."""

    name: str
    license: str | None  # as the repository declares it now, else as the catalog has it
    read_in: str | None  # where that stands
    otherwise: str | None  # another licence, which the catalog read elsewhere
    page: str  # where to read more
    unverified: tuple[str, ...] = ()  # files of which nobody tells a digest: they may be any

    @property
    def caution(self) -> str | None:
        """What cannot be verified, in one sentence; None where all can."""
        return caution(self.unverified)


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """A checkpoint on disk."""

    name: str
    path: Path  # the folder with its files, or the one file that it is
    files: tuple[str, ...]  # those that make it up; the folder may hold more
    commit: str | None  # of the repository; None for a plain file
    license: str | None  # as the repository declares it, else as the catalog has it
    unverified: tuple[str, ...] = ()  # of the files, those of which nobody told a digest


def fetch(
    what: Entry | Repository,
    *,
    revision: str | None = None,
    token: str | None = None,
    offline: bool = False,
    progress: Progress | None = None,
    on_license: Callable[[Terms], None] | None = None,
) -> Fetched:
    """Return a checkpoint's files, having fetched and verified those that were missing.

    Only the files that a checkpoint needs are taken, safetensors before pickles. What is in the
    cache and was verified is used without a request; what was cut goes on where it was.

    Args:
        what: What `resolve` returned.
        revision: A branch, tag or commit. None takes the catalog's, else the one that is in the
            cache, else the newest. A branch that is named is asked for each time.
        token: For the hub; None takes HF_TOKEN or the one that `hf auth login` kept.
        offline: Use the cache alone, as with HF_HUB_OFFLINE=1.
        progress: Told bytes done, bytes in all, and the file under way.
        on_license: Handed the terms before the first download, and not again once it is there. What
            it raises ends the fetch.

    Raises:
        CheckpointError: The checkpoint is one that cannot be loaded, or the repository has none.
        RemoteError: The hub, the network or the disk does not give it; the message says which.
    """
    if isinstance(what, Entry) and what.refusal is not None:
        raise CheckpointError(f"{what.name} cannot be loaded: {what.refusal}")
    _be_silent()
    if isinstance(what, Entry) and isinstance(what.source, WebFile):
        _check_no_revision(what.name, revision)
        return _fetch_file(what, what.source, offline, progress, on_license)
    asked = msgspec.structs.replace(_asked(what, revision), token=token)

    def on_terms(declared: str | None, unverified: tuple[str, ...]) -> None:
        if on_license is not None:
            terms = _terms(what, asked.page, declared)
            on_license(msgspec.structs.replace(terms, unverified=unverified))

    found = fetch_repository(asked, offline=offline, progress=progress, on_terms=on_terms)
    return _fetched(what, found)


def cached(what: Entry | Repository, *, revision: str | None = None) -> Fetched | None:
    """Return a checkpoint that was fetched before, without a request; None where it was not.

    Raises:
        RemoteError: The revision is not one.
    """
    _be_silent()
    if isinstance(what, Entry) and isinstance(what.source, WebFile):
        path = cached_file(what.source)
        return None if path is None else _fetched_file(what, path)
    found = find_verified(_asked(what, revision))
    return None if found is None else _fetched(what, found)


def caution(unverified: tuple[str, ...]) -> str | None:
    """Say which files of a checkpoint cannot be verified; None where all can."""
    if not unverified:
        return None
    more = len(unverified) - NAMED
    named = ", ".join(unverified[:NAMED]) + (f" and {more} more" if more > 0 else "")
    return f"{named} cannot be verified: the hub that was asked tells no digest"


def _be_silent() -> None:
    """Turn the client's telemetry off, where it is not yet imported."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")


def _asked(what: Entry | Repository, revision: str | None) -> Asked:
    """Say what of a repository is wanted; the catalog's files are those of its own revision."""
    if isinstance(what, Repository):
        return Asked(
            repository=what.name,
            page=f"https://huggingface.co/{what.name}",
            revision=revision or what.revision,
            layout=None,
            files=(),
        )
    assert not isinstance(what.source, WebFile)
    is_other = revision is not None and revision != what.source.revision
    return Asked(
        repository=what.source.repository,
        page=what.source.page,
        revision=revision or what.source.revision,
        layout=what.layout,
        files=() if is_other else what.source.files,
    )


def _terms(what: Entry | Repository, page: str, declared: str | None) -> Terms:
    """Take the licence from the repository, else from the catalog; where both speak, say both."""
    known = what.license if isinstance(what, Entry) else None
    read_in = what.sources.get("license") if isinstance(what, Entry) else None
    if declared is None:
        return Terms(name=what.name, license=known, read_in=read_in, otherwise=None, page=page)
    is_same = known is None or known.casefold() == declared.casefold()
    return Terms(
        name=what.name,
        license=declared,
        read_in=f"the card of {page}",
        otherwise=None if is_same else f"{known}, read in {read_in}",
        page=page,
    )


def _fetched(what: Entry | Repository, found: Found) -> Fetched:
    known = what.license if isinstance(what, Entry) else None
    return Fetched(
        name=what.name,
        path=found.folder,
        files=found.files,
        commit=found.commit,
        license=found.license or known,
        unverified=found.unverified,
    )


def _fetch_file(
    entry: Entry,
    source: WebFile,
    offline: bool,
    progress: Progress | None,
    on_license: Callable[[Terms], None] | None,
) -> Fetched:
    path = cached_file(source)
    if path is None:
        if offline:
            raise RemoteError(
                f"{entry.name} is not in the cache and fetching is off: fetch it once with a "
                "connection"
            )
        if on_license is not None:
            on_license(_terms(entry, source.page, None))
        path = fetch_file(source, progress)
    return _fetched_file(entry, path)


def _fetched_file(entry: Entry, path: Path) -> Fetched:
    return Fetched(
        name=entry.name, path=path, files=(path.name,), commit=None, license=entry.license
    )


def _check_no_revision(name: str, revision: str | None) -> None:
    if revision is not None:
        raise RemoteError(f"{name} is one file without revisions: leave out {revision!r}")
