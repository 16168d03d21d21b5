"""What the hub says of a repository: commit, files, digests, licence. Enter at `list_files`.

The answer may be a stranger's, behind HF_ENDPOINT: it is read strictly and only so far.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote, urlsplit

import msgspec

from sightline.errors import RemoteError
from sightline.hub.digests import Digest
from sightline.hub.kept import COMMIT
from sightline.hub.transfer import Wanted, opened

LARGEST = 2**26  # bytes of an answer: that lists a quarter of a million files
LONGEST = 200  # characters of a licence: the longest name of one that was seen has 40
_SHA256 = re.compile(r"[0-9a-f]{64}")
_Size = Annotated[int, msgspec.Meta(ge=0, le=2**62)] | None


class Listed(msgspec.Struct, frozen=True):
    """One file, as the hub describes it."""

    size: int  # bytes; 0 where a mirror does not say
    digest: Digest | None


class Listing(msgspec.Struct, frozen=True):
    """A repository at one commit."""

    commit: str
    license: str | None  # as its card declares it
    files: Mapping[str, Listed]


class _Large(msgspec.Struct):
    sha256: str
    size: _Size = None


class _Sibling(msgspec.Struct):
    rfilename: str
    size: _Size = None
    blobId: str | None = None
    lfs: _Large | None = None


class _Answer(msgspec.Struct):
    sha: str
    siblings: list[_Sibling] | None = None
    cardData: dict[str, Any] | None = None


def list_files(repository: str, revision: str | None, token: str | None) -> Listing:
    """Ask the hub what a repository holds: one request.

    Raises:
        RemoteError: The answer is not a hub's.
        HfHubHTTPError: The hub refuses; whoever calls turns that into a sentence.
    """
    content = _asked(_wanted(repository, revision, token))
    try:
        answer = msgspec.json.decode(content, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RemoteError(_no_hub(repository)) from error
    if not COMMIT.fullmatch(answer.sha):
        raise RemoteError(_no_hub(repository))
    files = {one.rfilename: _listed(one) for one in answer.siblings or ()}
    return Listing(answer.sha, _declared(answer.cardData or {}), files)


def _wanted(repository: str, revision: str | None, token: str | None) -> Wanted:
    """Say what is asked, as `HfApi.model_info` of huggingface_hub 2.4 does."""
    from huggingface_hub import constants
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

    at = "" if revision is None else f"/revision/{quote(revision, safe='')}"
    return Wanted(
        url=f"{constants.ENDPOINT}/api/models/{repository}{at}?blobs=true",
        what=repository,
        page=f"{constants.ENDPOINT}/{repository}",
        limit=LARGEST,
        headers=build_hf_headers(token=token, library_name="sightline"),
        plain_host=urlsplit(constants.ENDPOINT).hostname,
    )


def _asked(wanted: Wanted) -> bytes:
    """Return what the hub answers, which is read only so far."""
    import httpx2
    from huggingface_hub.utils import hf_raise_for_status  # type: ignore[attr-defined]

    content = bytearray()
    with opened(wanted) as response:
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > wanted.limit:
                raise RemoteError(_no_hub(wanted.what))
        told = {name: value for name, value in response.headers.items() if "x-error" in name}
    # The client's own words for what is wrong need a body that was read.
    hf_raise_for_status(
        httpx2.Response(response.status_code, headers=told, request=response.request)
    )
    return bytes(content)


def _listed(found: _Sibling) -> Listed:
    size = found.size or 0
    if found.lfs is not None:
        digest = Digest("sha256", found.lfs.sha256) if _SHA256.fullmatch(found.lfs.sha256) else None
        return Listed(found.lfs.size or size, digest)
    is_sha1 = found.blobId is not None and COMMIT.fullmatch(found.blobId)
    return Listed(size, Digest("git", str(found.blobId)) if is_sha1 else None)


def _declared(card: Mapping[str, Any]) -> str | None:
    """Return the licence of a repository's card: "other" has its own name beside it."""
    found = card.get("license_name") or card.get("license")
    words = [str(one) for one in found] if isinstance(found, list) else [str(found or "")]
    # What controls a terminal is in no licence's name.
    text = "".join(char for char in " ".join(", ".join(words).split()) if char.isprintable())
    return f"{text[:LONGEST]}…" if len(text) > LONGEST else text or None


def _no_hub(repository: str) -> str:
    from huggingface_hub import constants

    return (
        f"{constants.ENDPOINT} did not answer for {repository} as a hub does: check HF_ENDPOINT "
        "and the proxy"
    )
