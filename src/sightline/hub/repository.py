"""A repository of the hub → the checkpoint's files in the client's cache, each verified once.

Enter at `fetch_repository`. What is there and verified is used without a request; a branch is asked
for anew only where its name is given.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from sightline.errors import RemoteError
from sightline.hub.catalog import HubFile
from sightline.hub.choosing import SHAPES, choose
from sightline.hub.digests import Digest, verify
from sightline.hub.failures import spoken
from sightline.hub.kept import COMMIT, Store, check_revision, digest_in_name, open_store
from sightline.hub.listing import Listing, list_files
from sightline.hub.progress import Meter, Progress
from sightline.hub.transfer import Wanted, transfer

LARGEST = 64 * 2**30  # bytes, of one file


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What of a repository is wanted."""

    repository: str
    page: str
    revision: str | None  # None: what is in the cache, else the newest
    layout: str | None
    files: tuple[HubFile, ...]  # (): chosen by layout
    token: str | None = None


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A checkpoint's files, all there and verified."""

    folder: Path
    files: tuple[str, ...]
    commit: str
    license: str | None  # as the repository declares it


def find_verified(asked: Asked) -> Found | None:
    """Return what the cache holds and was verified, without a request.

    Raises:
        RemoteError: The revision is not one.
    """
    check_revision(asked.revision, asked.repository)
    store = open_store(asked.repository)
    commit = store.commit(asked.revision)
    receipt = store.receipt(commit) if commit is not None else None
    if commit is None or receipt is None:
        return None
    names = tuple(sorted(receipt.files))
    if not _needed(asked) <= receipt.files.keys():  # another layout of the same repository
        return None
    return Found(folder=store.snapshot(commit), files=names, commit=commit, license=receipt.license)


def fetch_repository(
    asked: Asked,
    *,
    offline: bool,
    progress: Progress | None,
    on_terms: Callable[[str | None], None],
) -> Found:
    """Return a checkpoint's files, fetching those that are missing.

    Args:
        asked: What is wanted.
        offline: Make do with what the cache holds.
        progress: Told bytes done, bytes in all, and the file under way.
        on_terms: Handed the declared licence before the first byte is fetched; what it raises ends
            the fetch.

    Raises:
        RemoteError: They cannot be had; the message says why.
        CheckpointError: The repository holds no checkpoint.
    """
    from huggingface_hub import is_offline_mode

    check_revision(asked.revision, asked.repository)
    is_pinned = asked.revision is None or COMMIT.fullmatch(asked.revision)
    offline = offline or is_offline_mode()
    found = find_verified(asked) if is_pinned or offline else None
    if found is not None:
        return found
    with spoken(asked.repository, asked.page):
        store = open_store(asked.repository)
        if offline:
            return _verify_cached(asked, store)
        listing = list_files(asked.repository, asked.revision, asked.token)
        store.point(asked.revision, listing.commit)
        found = find_verified(msgspec.structs.replace(asked, revision=listing.commit))
        return found or _fetch_listed(asked, store, listing, progress, on_terms)


def _verify_cached(asked: Asked, store: Store) -> Found:
    """Take what another program downloaded: its files are named by their digests."""
    commit = store.commit(asked.revision)
    there = store.snapshot(commit or "none")
    names = {path.name for path in there.iterdir()} if there.is_dir() else set()
    if commit is None or not names:
        raise RemoteError(
            f"{asked.repository} is not in the cache and fetching is off: fetch it once with a "
            "connection and without HF_HUB_OFFLINE"
        )
    chosen = _chosen(asked, names)
    for name in chosen:
        expected = _expected(asked, name) or digest_in_name(there / name)
        if expected is not None:
            verify(there / name, expected, f"{name} of {asked.repository}")
    store.remember(commit, chosen, None)
    return Found(folder=there, files=chosen, commit=commit, license=None)


def _fetch_listed(
    asked: Asked,
    store: Store,
    listing: Listing,
    progress: Progress | None,
    on_terms: Callable[[str | None], None],
) -> Found:
    """Fetch what is missing of what the hub lists, and verify all of it."""
    chosen = _chosen(asked, set(listing.files))
    folder = store.snapshot(listing.commit)
    missing = [name for name in chosen if not (folder / name).exists()]
    if missing:
        on_terms(listing.license)
    meter = Meter(progress, sum(listing.files[name].size for name in missing))
    for name in chosen:
        verified: Path | None = None
        if name in missing:
            meter.begin(name)
            verified = _fill(asked, store, listing, name, meter)
            _link(asked, listing.commit, name, meter)
        expected = _expected(asked, name) or listing.files[name].digest
        is_new = verified != (folder / name).resolve() or expected != listing.files[name].digest
        if expected is not None and is_new:
            verify(folder / name, expected, f"{name} of {asked.repository}")
    meter.finish()
    store.remember(listing.commit, chosen, listing.license)
    return Found(folder=folder, files=chosen, commit=listing.commit, license=listing.license)


def _chosen(asked: Asked, names: set[str]) -> tuple[str, ...]:
    wanted = tuple(sorted(file.name for file in asked.files))
    if not wanted:
        return choose(names, asked.layout, asked.repository)
    lacking = [name for name in wanted if name not in names]
    if lacking:
        raise RemoteError(
            f"{asked.repository} lacks {', '.join(lacking)}: look at {asked.page}, or name another "
            "revision"
        )
    return wanted


def _needed(asked: Asked) -> set[str]:
    """Return files without which it is not what is wanted."""
    if asked.files or asked.layout is None:
        return {file.name for file in asked.files}
    return {SHAPES[asked.layout].record}


def _expected(asked: Asked, name: str) -> Digest | None:
    """Return the digest that the catalog knows."""
    for file in asked.files:
        if file.name == name and file.sha256 is not None:
            return Digest("sha256", file.sha256)
    return None


def _fill(asked: Asked, store: Store, listing: Listing, name: str, meter: Meter) -> Path | None:
    """Bring a large file's bytes to where the client will look for them; return where, verified.

    The client itself would begin anew after a cut (see `transfer`). Large files are kept by their
    sha256, which is also their etag, so they are found there; small ones are the client's matter.
    """
    from huggingface_hub import constants, hf_hub_url
    from huggingface_hub.utils import (  # type: ignore[attr-defined]
        WeakFileLock,
        build_hf_headers,
    )

    listed = listing.files[name]
    if listed.digest is None or listed.digest.kind != "sha256":
        return None
    blob = store.blob(listed.digest.value)
    lock = store.folder.parent / ".locks" / store.folder.name / f"{blob.name}.lock"
    for folder in (blob.parent, lock.parent):
        folder.mkdir(parents=True, exist_ok=True)
    wanted = Wanted(
        url=hf_hub_url(asked.repository, name, revision=listing.commit),
        what=f"{name} of {asked.repository}",
        page=asked.page,
        limit=LARGEST,
        size=listed.size or None,
        headers=build_hf_headers(token=asked.token, library_name="sightline"),
        plain_host=urlsplit(constants.ENDPOINT).hostname,
    )
    with WeakFileLock(lock):
        if blob.exists():  # another process was quicker
            meter.at(listed.size)
            return None
        part = blob.with_name(f"{blob.name}.sightline-part")
        transfer(wanted, part, lambda there, _: meter.at(there))
        verify(part, listed.digest, wanted.what)
        part.replace(blob)
    return blob.resolve()


def _link(asked: Asked, commit: str, name: str, meter: Meter) -> None:
    """Let the client put a file in place; what is filled already it only links to."""
    from huggingface_hub import hf_hub_download

    hf_hub_download(
        asked.repository,
        name,
        revision=commit,
        token=asked.token,
        library_name="sightline",
        tqdm_class=_bar_for(meter),
    )


def _bar_for(meter: Meter) -> type[Any]:
    """Return what the client takes for a progress bar: it draws nothing and tells the meter."""

    class Bar:
        def __init__(self, **_: object) -> None: ...

        def __enter__(self) -> "Bar":
            return self

        def __exit__(self, *_: object) -> None: ...

        def update(self, count: int) -> None:
            meter.at(meter.reached + count)

    return Bar
