"""One file at a plain address → the cache, whole and verified. Enter at `fetch_file`.

It gets its name only once its digest was right, so a file that is there needs no second look.
"""

from pathlib import Path

from sightline.errors import RemoteError
from sightline.hub.catalog import WebFile
from sightline.hub.digests import Digest, verify
from sightline.hub.failures import spoken
from sightline.hub.progress import Meter, Progress
from sightline.hub.transfer import Wanted, transfer
from sightline.settings import home

LARGEST = 16 * 2**30  # bytes; the largest that OpenAI published is a tenth of it


def cached_file(source: WebFile) -> Path | None:
    """Return where the file is, or None."""
    place = _place(source)
    return place if place is not None and place.exists() else None


def fetch_file(source: WebFile, progress: Progress | None) -> Path:
    """Return where the file is, having fetched it if need be.

    Raises:
        RemoteError: There is no place for it, no digest of it, or it cannot be had.
    """
    place = _place(source)
    if place is None:
        raise RemoteError(
            f"{source.name} has no place to be kept: this user has no home folder, so set "
            "SIGHTLINE_HOME to a folder"
        )
    if source.sha256 is None:
        raise RemoteError(f"{source.url} has no known digest: fetch it by hand, if you trust it")
    with spoken(source.url, source.page):
        place.parent.mkdir(parents=True, exist_ok=True)
        _fetch(source, place, Digest("sha256", source.sha256), progress)
    return place


def _fetch(source: WebFile, place: Path, digest: Digest, progress: Progress | None) -> None:
    from huggingface_hub.utils import WeakFileLock  # type: ignore[attr-defined]

    part, meter = place.with_name(f"{place.name}.part"), Meter(progress, 0)
    meter.begin(place.name)

    def at(there: int, whole: int) -> None:
        meter.total = max(whole, there)
        meter.at(there)

    with WeakFileLock(place.with_name(".lock")):
        if place.exists():  # another process was quicker
            return
        wanted = Wanted(url=source.url, what=source.url, page=source.page, limit=LARGEST)
        transfer(wanted, part, at)
        verify(part, digest, source.url)
        part.replace(place)


def _place(source: WebFile) -> Path | None:
    folder = home()
    if folder is None:
        return None
    return folder / "hub" / (source.sha256 or "unknown") / source.name
