import errno

import httpx2
import pytest
from huggingface_hub import constants, errors

from sightline.errors import RefusedError, RemoteError
from sightline.hub.failures import spoken

PAGE = "https://huggingface.co/org/model"
REQUEST = httpx2.Request("GET", f"{PAGE}/resolve/main/config.json")


def answered(kind: type[errors.HfHubHTTPError], status: int) -> errors.HfHubHTTPError:
    """Return the client's error for a hub's answer."""
    return kind("said at length", response=httpx2.Response(status, request=REQUEST))


def said(error: BaseException) -> str:
    """Return the sentence that an error becomes."""
    with pytest.raises(RemoteError) as caught, spoken("org/model", PAGE):
        raise error
    assert caught.value.__cause__ is error
    return str(caught.value)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            errors.OfflineModeIsEnabled("x"),
            "org/model is not in the cache and HF_HUB_OFFLINE is set: unset it to fetch it",
        ),
        (
            answered(errors.GatedRepoError, 403),
            f"org/model is refused (HTTP 403): accept its terms on {PAGE} and set HF_TOKEN to a "
            "token that may read it",
        ),
        (
            answered(errors.HfHubHTTPError, 401),
            f"org/model is refused (HTTP 401): accept its terms on {PAGE} and set HF_TOKEN to a "
            "token that may read it",
        ),
        (
            answered(errors.RevisionNotFoundError, 404),
            f"org/model has no such revision: name a branch, tag or commit that {PAGE} lists",
        ),
        (
            answered(errors.RemoteEntryNotFoundError, 404),
            f"org/model lacks a file that it should have: look at {PAGE}, or name another revision",
        ),
        (
            answered(errors.HfHubHTTPError, 503),
            "org/model cannot be had now (HTTP 503): try again later",
        ),
        (
            httpx2.ReadTimeout("timed out"),
            f"{constants.ENDPOINT} cannot be reached for org/model (timed out): check the "
            "connection, set HF_ENDPOINT to a mirror, or HF_HUB_OFFLINE=1 to use what the cache "
            "holds",
        ),
        (
            errors.LocalEntryNotFoundError("long\nand longer"),
            f"{constants.ENDPOINT} cannot be reached for org/model (long): check the connection, "
            "set HF_ENDPOINT to a mirror, or HF_HUB_OFFLINE=1 to use what the cache holds",
        ),
        (
            errors.FileMetadataError("no etag"),
            f"{constants.ENDPOINT} did not answer for org/model as a hub does (no etag): check "
            "HF_ENDPOINT and the proxy",
        ),
        (
            httpx2.InvalidURL("no url"),
            f"{constants.ENDPOINT} did not answer for org/model as a hub does (no url): check "
            "HF_ENDPOINT and the proxy",
        ),
        (
            OSError(errno.ENOSPC, "No space left on device", "blobs/x"),
            "the disk is full at blobs/x: free some, then fetch it again",
        ),
        (
            OSError(errno.ENOSPC, "No space left on device"),
            "the disk is full at org/model: free some, then fetch it again",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "blobs"),
            "org/model cannot be kept ([Errno 13] Permission denied: 'blobs'): mend that, or move "
            "the cache by HF_HOME",
        ),
        (
            UnicodeEncodeError("ascii", "hf_\u00e9", 3, 4, "ordinal not in range(128)"),
            "org/model cannot be asked for ('ascii' codec can't encode character '\\xe9' in "
            "position 3: ordinal not in range(128)): check HF_TOKEN, HF_ENDPOINT and the proxy",
        ),
        (OSError(), "org/model cannot be kept (OSError): mend that, or move the cache by HF_HOME"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_failure_is_one_sentence(error: BaseException, message: str) -> None:
    assert said(error) == message


def test_a_repository_that_is_not_there_names_the_nearest() -> None:
    with pytest.raises(RemoteError) as caught, spoken("laion/CLIP-ViT-B-32-laion2B-s34B", PAGE):
        raise answered(errors.RepositoryNotFoundError, 401)
    assert str(caught.value).startswith(
        "the hub has no repository laion/CLIP-ViT-B-32-laion2B-s34B, or it is private: set "
        "HF_TOKEN, or correct the name, to which the nearest known are ViT-B-32/laion2b_s34b_b79k,"
    )


def test_every_error_of_the_client_that_a_fetch_meets_has_a_sentence() -> None:
    for kind in vars(errors).values():
        if isinstance(kind, type) and issubclass(kind, errors.HfHubHTTPError):
            assert said(answered(kind, 418))


def test_what_is_ours_passes() -> None:
    with pytest.raises(RefusedError, match="no"), spoken("org/model", PAGE):
        raise RefusedError("no")


def test_a_mistake_of_our_own_passes() -> None:
    with pytest.raises(ZeroDivisionError), spoken("org/model", PAGE):
        raise ZeroDivisionError
