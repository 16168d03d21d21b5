"""A repository of the hub → the checkpoint's files in the client's cache, each verified once.

Enter at `fetch_repository`. What is there and verified is used without a request; a branch is asked
for anew only where its name is given.
"""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from sightline.errors import RemoteError
from sightline.hub.catalog import HubFile
from sightline.hub.choosing import SHAPES, choose, most_bytes
from sightline.hub.digests import Digest, another, digest_of
from sightline.hub.failures import spoken
from sightline.hub.filling import Piece, fill, holds
from sightline.hub.kept import Store, check_revision, digest_in_name, open_store, pinned
from sightline.hub.listing import Listing, list_files
from sightline.hub.progress import Meter, Progress
from sightline.hub.transfer import Wanted


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What of a repository is wanted."""

    repository: str
    page: str
    revision: str | None  # None: what is in the cache, else the newest
    layout: str | None
    files: tuple[HubFile, ...]  # (): chosen by layout
    token: str | None = None


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A checkpoint's files, all there and verified as far as somebody told their digests."""

    folder: Path
    files: tuple[str, ...]
    unverified: tuple[str, ...]  # those of which nobody did
    commit: str
    license: str | None  # as the repository declares it


# Handed, before the first byte is fetched, the declared licence and what cannot be verified.
OnTerms = Callable[[str | None, tuple[str, ...]], None]


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
    return Found(
        folder=store.snapshot(commit),
        files=names,
        unverified=receipt.unverified,
        commit=commit,
        license=receipt.license,
    )


def fetch_repository(
    asked: Asked,
    *,
    offline: bool,
    progress: Progress | None,
    on_terms: OnTerms,
) -> Found:
    """Return a checkpoint's files, fetching those that are missing.

    Args:
        asked: What is wanted.
        offline: Make do with what the cache holds.
        progress: Told bytes done, bytes in all, and the file under way.
        on_terms: Told the terms before the first byte is fetched; what it raises ends the fetch.

    Raises:
        RemoteError: They cannot be had; the message says why.
        CheckpointError: The repository holds no checkpoint.
    """
    from huggingface_hub import is_offline_mode

    check_revision(asked.revision, asked.repository)
    is_pinned = asked.revision is None or pinned(asked.revision) is not None
    offline = offline or is_offline_mode()
    found = find_verified(asked) if is_pinned or offline else None
    if found is not None:
        return found
    with spoken(asked.repository, asked.page):
        store = open_store(asked.repository)
        if offline:
            return _verify_cached(asked, store)
        revision = pinned(asked.revision) or asked.revision
        listing = list_files(asked.repository, revision, asked.token)
        _check_commit(asked, listing)
        store.point(revision, listing.commit)
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
    chosen, unverified = _chosen(asked, names), []
    for name in chosen:
        expected = _expected(asked, name) or digest_in_name(there / name)
        if expected is None:
            unverified.append(name)
            continue
        got = digest_of(there / name, expected.kind)
        if got != expected:
            store.remove(commit, name)
            raise RemoteError(another(f"{name} of {asked.repository}", got, expected))
    store.remember(commit, chosen, None, tuple(unverified))
    return Found(
        folder=there, files=chosen, unverified=tuple(unverified), commit=commit, license=None
    )


def _check_commit(asked: Asked, listing: Listing) -> None:
    """Hold the hub to a commit that was asked for: whoever pins one wants no other."""
    commit = pinned(asked.revision)
    if commit not in (None, listing.commit):
        raise RemoteError(
            f"{asked.repository} was asked for at {commit}, and commit {listing.commit} came: look "
            f"at {asked.page}, or set HF_ENDPOINT to another mirror"
        )


def _fetch_listed(
    asked: Asked,
    store: Store,
    listing: Listing,
    progress: Progress | None,
    on_terms: OnTerms,
) -> Found:
    """Fetch what is missing of what the hub lists, or is not what it lists."""
    pieces = [_piece(asked, listing, name) for name in _chosen(asked, set(listing.files))]
    names = tuple(piece.name for piece in pieces)
    unverified = tuple(piece.name for piece in pieces if not piece.digests)
    missing = [piece for piece in pieces if not holds(piece, store, listing.commit)]
    if missing:
        on_terms(listing.license, unverified)
    meter = Meter(progress, sum(listing.files[piece.name].size for piece in missing))
    for piece in missing:
        meter.begin(piece.name)
        fill(piece, store, listing.commit, meter.at)
    meter.finish()
    store.remember(listing.commit, names, listing.license, unverified)
    return Found(
        folder=store.snapshot(listing.commit),
        files=names,
        unverified=unverified,
        commit=listing.commit,
        license=listing.license,
    )


def _piece(asked: Asked, listing: Listing, name: str) -> Piece:
    """Say what is known of a file: the hub's digest and, where it has one, the catalog's."""
    from huggingface_hub import constants, hf_hub_url
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

    listed = listing.files[name]
    digests = {one: None for one in (_expected(asked, name), listed.digest) if one is not None}
    wanted = Wanted(
        url=hf_hub_url(asked.repository, name, revision=listing.commit),
        what=f"{name} of {asked.repository}",
        page=asked.page,
        limit=most_bytes(name),
        size=listed.size or None,
        headers=build_hf_headers(token=asked.token, library_name="sightline"),
        plain_host=urlsplit(constants.ENDPOINT).hostname,
    )
    blob = None if listed.digest is None else listed.digest.value
    return Piece(name=name, wanted=wanted, blob=blob, digests=tuple(digests))


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
