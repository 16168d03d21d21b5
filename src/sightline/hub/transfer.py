"""Bytes of an address → a file, going on where an earlier try was cut. Enter at `transfer`.

huggingface_hub 2.4 begins a file anew in each call (`file_download._download_to_tmp_and_move`);
checkpoints are gigabytes, so ours keeps what came and asks for the rest, over the client's own
connection: its proxies, its certificates and its offline switch hold here too.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from sightline.errors import RemoteError
from sightline.hub.failures import refused

if TYPE_CHECKING:
    import httpx2

WAITS_S = (1.0, 2.0, 4.0, 8.0)  # before each further try; bytes that come begin them anew
SILENCE_S = 30.0  # a connection that says nothing for so long is cut
UNSAID = 2**26  # bytes, the most that is taken of a file whose size nobody says
REDIRECTS = 10
BUSY = frozenset({408, 429, 500, 502, 503, 504})


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """One file to transfer."""

    url: str
    what: str  # to call it in messages
    page: str  # where a person can look at it
    limit: int  # bytes, the most that is taken
    size: int | None = None  # bytes, where known
    headers: Mapping[str, str] = {}
    plain_host: str | None = None  # may answer without encryption: a mirror that was chosen


class _Again(Exception):
    """A try that failed in a way that may pass."""


class _Larger(RemoteError):
    """More bytes than the file has: none of them is of use."""


def transfer(wanted: Wanted, part: Path, at: Callable[[int, int], None]) -> None:
    """Bring a file's bytes into `part`, beginning after those that are there.

    Args:
        wanted: Which file.
        part: Where the bytes go; it stays when the connection is cut.
        at: Told bytes that are there, and in all (0 where nobody said).

    Raises:
        RemoteError: It is refused, too large, cut again and again, or the disk is full.
        OSError: `part` cannot be written to.
    """
    waits = iter(WAITS_S)
    most = part.stat().st_size if part.exists() else 0
    while True:
        try:
            with part.open("ab") as file:
                _try_once(wanted, file, at)
                file.flush()
                os.fsync(file.fileno())
            return
        except _Larger:
            part.unlink()
            raise
        except _Again as error:
            there = part.stat().st_size
            # Only bytes never had before are progress: a file of the wrong size would come again
            # and again.
            waits, most = (iter(WAITS_S), there) if there > most else (waits, most)
            wait = next(waits, None)
            if wait is None:
                raise RemoteError(_given_up(wanted.what, there, error)) from error
            time.sleep(wait)


def _try_once(wanted: Wanted, file: BinaryIO, at: Callable[[int, int], None]) -> None:
    import httpx2

    there = file.seek(0, os.SEEK_END)
    if wanted.size is not None and there > wanted.size:
        file.truncate(0)  # not what we began: another file under this name
        there = 0
    if wanted.size is not None and there == wanted.size:
        at(there, there)
        return
    try:
        with opened(wanted, there) as response:
            if _is_all(response.headers.get("Content-Range"), there, wanted):
                return
            there, whole = _placed(response, file, there, wanted)
            _check_room(file, whole - there, wanted)
            for chunk in response.iter_bytes():
                there += len(chunk)
                _check_size(there, whole, wanted)
                file.write(chunk)
                file.flush()  # to the system: it is there even where this process is killed
                at(there, whole)
    except httpx2.TransportError as error:
        raise _Again(str(error) or type(error).__name__) from error
    if there < whole:
        raise _Again(f"it has {whole} bytes")


def _given_up(what: str, there: int, error: _Again) -> str:
    if there:
        return f"{what} was cut at {there} bytes ({error}): fetch it again to go on from there"
    return f"{what} cannot be had ({error}): check the connection, then fetch it again"


@contextmanager
def opened(wanted: Wanted, there: int = 0) -> Iterator["httpx2.Response"]:
    """Ask for the bytes after `there`, following redirects that stay encrypted.

    Raises:
        RemoteError: A redirect is not encrypted, or they go round in a circle.
        TransportError: The network fails; whoever calls turns that into a sentence.
    """
    from huggingface_hub import get_session

    client = get_session()
    asked = {**wanted.headers, "Accept-Encoding": "identity"}
    if there:
        asked["Range"] = f"bytes={there}-"
    request = client.build_request("GET", wanted.url, headers=asked, timeout=SILENCE_S)
    for _ in range(REDIRECTS):
        _check_encrypted(request.url.scheme, request.url.host, wanted)
        response = client.send(request, stream=True, follow_redirects=False)
        if response.next_request is None:
            break
        response.close()
        request = response.next_request  # without the token where the host is another
    else:
        raise RemoteError(f"{wanted.what} is redirected more than {REDIRECTS} times: try a mirror")
    try:
        yield response
    finally:
        response.close()


def _placed(
    response: "httpx2.Response", file: BinaryIO, there: int, wanted: Wanted
) -> tuple[int, int]:
    """Put the file where the answer begins; return that place and the whole size, 0 if unsaid."""
    if response.status_code in BUSY:
        raise _Again(f"HTTP {response.status_code}")
    if response.status_code == 416 and there:  # what is there is no beginning of that file
        file.truncate(0)
        raise _Again("HTTP 416")
    if response.status_code not in (200, 206):
        raise RemoteError(refused(response.status_code, wanted.what, wanted.page))
    begins = _begins(response.headers.get("Content-Range", ""))
    if response.status_code == 200 or begins != there:
        file.truncate(0)
        there = 0
    if response.status_code == 206 and begins != there:
        raise _Again("another part of the file came than was asked for")
    is_packed = "Content-Encoding" in response.headers  # its length is not the file's
    length = 0 if is_packed else int(response.headers.get("Content-Length") or 0)
    whole = wanted.size or (there + length if length else 0)
    _check_size(whole, whole, wanted)
    return there, whole


def _is_all(content_range: str | None, there: int, wanted: Wanted) -> bool:
    """Tell an answer that nothing is left: an earlier try was cut after the last byte."""
    return bool(there) and wanted.size is None and content_range == f"bytes */{there}"


def _begins(content_range: str) -> int | None:
    """Return the first byte that "bytes 5-9/10" names."""
    first = content_range.removeprefix("bytes ").partition("-")[0]
    return int(first) if first.isdecimal() else None


def _check_size(there: int, whole: int, wanted: Wanted) -> None:
    most = min(whole or UNSAID, wanted.limit)
    if there > most:
        raise _Larger(
            f"{wanted.what} is larger than the {most} bytes that are expected: it is not the file "
            "that was meant"
        )


def _check_room(file: BinaryIO, missing: int, wanted: Wanted) -> None:
    folder = Path(file.name).parent
    free = shutil.disk_usage(folder).free
    if missing > free:
        raise RemoteError(
            f"{wanted.what} needs {missing} bytes more and {folder} has {free}: free some, or move "
            "the cache by HF_HOME or SIGHTLINE_HOME"
        )


def _check_encrypted(scheme: str, host: str, wanted: Wanted) -> None:
    if scheme in ("https", ""):  # without one it is no address, which the client says
        return
    if scheme == "http" and (host == wanted.plain_host or _is_this_machine(host)):
        return
    raise RemoteError(
        f"{wanted.what} would come from {scheme}://{host}, which is not encrypted: use an https "
        "address"
    )


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:  # a name
        return False
