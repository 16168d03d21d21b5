"""What can go wrong at the hub or on the way → one sentence. Enter at `spoken`."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from sightline.errors import RemoteError, SightlineError
from sightline.hub.spelling import nearest


@contextmanager
def spoken(what: str, page: str) -> Iterator[None]:
    """Turn failures of the client, the network and the disk into `RemoteError`.

    Args:
        what: What is asked for: a repository's id, or an address.
        page: Where a person can look at it.

    Raises:
        RemoteError: Whatever of these failed in the block.
    """
    import httpx2
    from huggingface_hub import errors as hub

    try:
        yield
    except hub.OfflineModeIsEnabled as error:
        raise RemoteError(
            f"{what} is not in the cache and HF_HUB_OFFLINE is set: unset it to fetch it"
        ) from error
    except hub.HfHubHTTPError as error:
        raise RemoteError(_answered(error, what, page)) from error
    except (hub.LocalEntryNotFoundError, httpx2.TransportError) as error:
        raise RemoteError(_unreachable(what, error)) from error
    except (httpx2.HTTPError, httpx2.InvalidURL, hub.FileMetadataError) as error:
        raise RemoteError(
            f"{_endpoint()} did not answer for {what} as a hub does ({_first_line(error)}): check "
            "HF_ENDPOINT and the proxy"
        ) from error
    except SightlineError:  # ours already, and some of them are OSErrors too
        raise
    except OSError as error:
        raise RemoteError(_disk(what, error)) from error
    except ValueError as error:  # a name, token or address that the client cannot say
        raise RemoteError(
            f"{what} cannot be asked for ({_first_line(error)}): check HF_TOKEN, HF_ENDPOINT and "
            "the proxy"
        ) from error


def refused(status: int, what: str, page: str) -> str:
    """Say what an HTTP status that is an error means for a file."""
    if status in (401, 403):
        return (
            f"{what} is refused (HTTP {status}): accept its terms on {page} and set HF_TOKEN to a "
            "token that may read it"
        )
    if status == 404:
        return f"{what} is not there (HTTP 404): look at {page}"
    return f"{what} cannot be had now (HTTP {status}): try again later"


def _answered(error: Exception, what: str, page: str) -> str:
    """Say what the hub answered."""
    from huggingface_hub import errors as hub

    status = getattr(getattr(error, "response", None), "status_code", 0)
    if isinstance(error, hub.GatedRepoError):
        return refused(status, what, page)
    if isinstance(error, hub.RepositoryNotFoundError):
        return (
            f"the hub has no repository {what}, or it is private: set HF_TOKEN, or correct the "
            f"name, to which the nearest known are {', '.join(nearest(what))}"
        )
    if isinstance(error, hub.RevisionNotFoundError):
        return f"{what} has no such revision: name a branch, tag or commit that {page} lists"
    if isinstance(error, hub.RemoteEntryNotFoundError):
        return f"{what} lacks a file that it should have: look at {page}, or name another revision"
    return refused(status, what, page)


def _unreachable(what: str, error: Exception) -> str:
    cause = error.__cause__ or error  # the client wraps what the network said
    return (
        f"{_endpoint()} cannot be reached for {what} ({_first_line(cause)}): check the connection, "
        "set HF_ENDPOINT to a mirror, or HF_HUB_OFFLINE=1 to use what the cache holds"
    )


def _disk(what: str, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"the disk is full at {error.filename or what}: free some, then fetch it again"
    return f"{what} cannot be kept ({_first_line(error)}): mend that, or move the cache by HF_HOME"


def _endpoint() -> str:
    from huggingface_hub import constants

    return constants.ENDPOINT


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
