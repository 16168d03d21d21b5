import shutil
from pathlib import Path

import pytest

from hub_server import Hub, sha256
from sightline.errors import RemoteError
from sightline.hub import archive
from sightline.hub.archive import cached_file, fetch_file
from sightline.hub.catalog import WebFile

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

BODY = bytes(range(256)) * 2000


def served(hub: Hub, sha: str | None = sha256(BODY)) -> WebFile:
    """Serve a file and return where it is."""
    hub.web["/models/ViT-B-32.pt"] = BODY
    return WebFile(url=f"{hub.url}/models/ViT-B-32.pt", sha256=sha)


def test_a_file_is_fetched_once_and_kept_by_its_digest(hub: Hub, tmp_path: Path) -> None:
    source, told = served(hub), list[tuple[int, int, str]]()
    assert cached_file(source) is None
    place = fetch_file(source, lambda *what: told.append(what))
    assert place == tmp_path / "sightline-home" / "hub" / sha256(BODY) / "ViT-B-32.pt"
    assert place.read_bytes() == BODY
    assert told[-1] == (len(BODY), len(BODY), "ViT-B-32.pt")
    assert fetch_file(source, None) == cached_file(source) == place
    assert len(hub.log) == 1


def test_a_cut_fetch_goes_on_in_the_next_call(hub: Hub) -> None:
    source = served(hub)
    hub.cuts["ViT-B-32.pt"] = [5000, 0, 0]
    with pytest.raises(RemoteError, match=r"was cut at 5000 bytes \(.*\): fetch it again to go on"):
        fetch_file(source, None)
    assert cached_file(source) is None
    assert fetch_file(source, None).read_bytes() == BODY
    assert hub.log[-1].range == "bytes=5000-"


def test_another_file_than_was_meant_is_removed(hub: Hub) -> None:
    source = served(hub, "0" * 64)
    with pytest.raises(RemoteError) as caught:
        fetch_file(source, None)
    assert str(caught.value) == (
        f"{source.url} has the sha256 digest {sha256(BODY)} but {'0' * 64} is expected: it was "
        "removed, so fetch it again, and trust no copy that differs a second time"
    )
    assert cached_file(source) is None


def test_a_file_that_is_not_there(hub: Hub) -> None:
    source = WebFile(url=f"{hub.url}/gone.pt", sha256="0" * 64)
    with pytest.raises(RemoteError) as caught:
        fetch_file(source, None)
    assert str(caught.value) == f"{source.url} is not there (HTTP 404): look at {source.url}"


def test_a_file_without_a_digest_is_not_fetched(hub: Hub) -> None:
    source = served(hub, None)
    with pytest.raises(RemoteError) as caught:
        fetch_file(source, None)
    assert str(caught.value) == (
        f"{source.url} has no known digest: fetch it by hand, if you trust it"
    )
    assert hub.log == []


def test_a_user_without_a_home_is_told_what_to_set(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = served(hub)
    monkeypatch.setattr(archive, "home", lambda: None)
    assert cached_file(source) is None
    with pytest.raises(RemoteError) as caught:
        fetch_file(source, None)
    assert str(caught.value) == (
        "ViT-B-32.pt has no place to be kept: this user has no home folder, so set "
        "SIGHTLINE_HOME to a folder"
    )


def test_a_cache_that_cannot_be_written_to(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "sightline-home").mkdir()
    (tmp_path / "sightline-home" / "hub").write_bytes(b"a file where a folder should be")
    with pytest.raises(RemoteError, match=r"cannot be kept \(\[Errno .*\): mend that, or move"):
        fetch_file(served(hub), None)


def test_a_full_disk(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=0))
    with pytest.raises(RemoteError, match=rf"needs {len(BODY)} bytes more and .* has 0: free some"):
        fetch_file(served(hub), None)
