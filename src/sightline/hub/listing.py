"""What the hub says of a repository: commit, files, digests, licence. Enter at `list_files`."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from sightline.errors import RemoteError
from sightline.hub.digests import Digest
from sightline.hub.kept import COMMIT

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo, RepoSibling

TIMEOUT_S = 30.0
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Listed(msgspec.Struct, frozen=True):
    """One file, as the hub describes it."""

    size: int  # bytes; 0 where a mirror does not say
    digest: Digest | None


class Listing(msgspec.Struct, frozen=True):
    """A repository at one commit."""

    commit: str
    license: str | None  # as its card declares it
    files: Mapping[str, Listed]


def list_files(repository: str, revision: str | None, token: str | None) -> Listing:
    """Ask the hub what a repository holds: one request.

    Raises:
        RemoteError: The answer is not a hub's.
        HfHubHTTPError: The hub refuses; whoever calls turns that into a sentence.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    try:
        info = HfApi(library_name="sightline").model_info(
            repository, revision=revision, files_metadata=True, timeout=TIMEOUT_S, token=token
        )
        files = {one.rfilename: _listed(one) for one in info.siblings or ()}
        declared = _declared(info)
    except HfHubHTTPError:  # some of these are ValueErrors too
        raise
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RemoteError(_no_hub(repository)) from error
    if info.sha is None or not COMMIT.fullmatch(info.sha):
        raise RemoteError(_no_hub(repository))
    return Listing(info.sha, declared, files)


def _listed(found: "RepoSibling") -> Listed:
    size = found.size or 0
    if found.lfs is not None:
        digest = Digest("sha256", found.lfs.sha256) if _SHA256.fullmatch(found.lfs.sha256) else None
        return Listed(found.lfs.size or size, digest)
    is_sha1 = found.blob_id is not None and COMMIT.fullmatch(found.blob_id)
    return Listed(size, Digest("git", str(found.blob_id)) if is_sha1 else None)


def _declared(info: "ModelInfo") -> str | None:
    """Return the licence of a repository's card: "other" has its own name beside it."""
    card = info.card_data
    if card is None:
        return None
    found = card.get("license_name") or card.get("license")
    return ", ".join(map(str, found)) if isinstance(found, list) else found and str(found)


def _no_hub(repository: str) -> str:
    from huggingface_hub import constants

    return (
        f"{constants.ENDPOINT} did not answer for {repository} as a hub does: check HF_ENDPOINT "
        "and the proxy"
    )
