import gzip
import shutil
import time
from pathlib import Path

import pytest

from hub_server import Hub
from sightline.errors import RemoteError
from sightline.hub import transfer as module
from sightline.hub.transfer import WAITS_S, Wanted, transfer

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

BODY = bytes(range(256)) * 2000


def wanted(hub: Hub, **other: object) -> Wanted:
    """Ask for the file that the hub serves at /file."""
    hub.web.setdefault("/file", BODY)
    fields = {"url": f"{hub.url}/file", "what": "the file", "page": "its page", "limit": 10**6}
    return Wanted(**(fields | other))  # type: ignore[arg-type]


def bring(asked: Wanted, part: Path) -> list[tuple[int, int]]:
    """Transfer, and return what was told."""
    told: list[tuple[int, int]] = []
    transfer(asked, part, lambda there, whole: told.append((there, whole)))
    return told


def refusal(asked: Wanted, part: Path) -> str:
    """Return the sentence in which a transfer is refused."""
    with pytest.raises(RemoteError) as caught:
        bring(asked, part)
    return str(caught.value)


def test_a_file_comes_whole(hub: Hub, tmp_path: Path) -> None:
    told = bring(wanted(hub), tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == BODY
    assert told == sorted(told)
    assert told[-1] == (len(BODY), len(BODY))


@pytest.mark.parametrize("size", [None, len(BODY)])
def test_what_is_there_already_is_not_asked_for(size: int | None, hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(BODY[:1000])
    bring(wanted(hub, size=size), tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == BODY
    assert [one.range for one in hub.log] == ["bytes=1000-"]


def test_a_server_without_ranges_sends_all_again(hub: Hub, tmp_path: Path) -> None:
    hub.ranges = False
    hub.cuts["/file"] = [3000]
    bring(wanted(hub), tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == BODY
    assert [one.range for one in hub.log] == [None, "bytes=3000-"]


@pytest.mark.parametrize(("size", "requests"), [(None, 1), (len(BODY), 0)])
def test_a_fetch_that_ended_after_the_last_byte_is_done(
    size: int | None, requests: int, hub: Hub, tmp_path: Path
) -> None:
    (tmp_path / "part").write_bytes(BODY)
    bring(wanted(hub, size=size), tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == BODY
    assert len(hub.log) == requests


@pytest.mark.parametrize("size", [None, len(BODY)])
def test_more_than_the_file_has_is_begun_anew(size: int | None, hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(BODY + b"another file")
    bring(wanted(hub, size=size), tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == BODY


def test_a_busy_server_is_asked_again(hub: Hub, tmp_path: Path) -> None:
    hub.statuses["/file"] = [503, 429]
    bring(wanted(hub), tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == BODY


def test_a_server_that_stays_busy_is_left(hub: Hub, tmp_path: Path) -> None:
    hub.statuses["/file"] = [503] * 3
    assert refusal(wanted(hub), tmp_path / "part") == (
        "the file cannot be had (HTTP 503): check the connection, then fetch it again"
    )


def test_bytes_that_come_begin_the_tries_anew(hub: Hub, tmp_path: Path) -> None:
    hub.cuts["/file"] = [1, 1, 1, 1, 1]  # more cuts than there are tries without a byte
    bring(wanted(hub), tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == BODY


def test_waits_grow(monkeypatch: pytest.MonkeyPatch, hub: Hub, tmp_path: Path) -> None:
    waited: list[float] = []
    monkeypatch.setattr(module, "WAITS_S", WAITS_S)  # other tests do without
    monkeypatch.setattr(time, "sleep", waited.append)
    hub.statuses["/file"] = [503] * 5
    assert refusal(wanted(hub), tmp_path / "part").startswith("the file cannot be had")
    assert waited == [1.0, 2.0, 4.0, 8.0]


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (404, "the file is not there (HTTP 404): look at its page"),
        (
            403,
            "the file is refused (HTTP 403): accept its terms on its page and set HF_TOKEN to a "
            "token that may read it",
        ),
        (410, "the file cannot be had now (HTTP 410): try again later"),
    ],
)
def test_an_answer_that_will_not_change_ends_it(
    status: int, message: str, hub: Hub, tmp_path: Path
) -> None:
    hub.statuses["/file"] = [status]
    assert refusal(wanted(hub), tmp_path / "part") == message
    assert len(hub.log) == 1


def test_a_redirect_is_followed_and_the_token_stays_behind(hub: Hub, tmp_path: Path) -> None:
    hub.web["/elsewhere"] = BODY
    hub.moved["/file"] = f"{hub.cdn}/elsewhere"
    bring(wanted(hub, headers={"Authorization": "Bearer hf_good"}), tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == BODY
    assert [(one.server, one.token) for one in hub.log] == [
        ("hub", "Bearer hf_good"),
        ("cdn", None),
    ]


def test_control_on_the_same_host_the_token_goes_along(hub: Hub, tmp_path: Path) -> None:
    hub.web["/elsewhere"] = BODY
    hub.moved["/file"] = "/elsewhere"
    bring(wanted(hub, headers={"Authorization": "Bearer hf_good"}), tmp_path / "part")
    assert [one.token for one in hub.log] == ["Bearer hf_good"] * 2


def test_a_redirect_in_a_circle_ends(hub: Hub, tmp_path: Path) -> None:
    hub.moved["/file"] = "/file"
    assert refusal(wanted(hub), tmp_path / "part") == (
        "the file is redirected more than 10 times: try a mirror"
    )


@pytest.mark.parametrize("address", ["http://example.org/file", "http://10.0.0.1/file"])
def test_nothing_is_taken_unencrypted_from_elsewhere(
    address: str, hub: Hub, tmp_path: Path
) -> None:
    message = (
        f"the file would come from {address.removesuffix('/file')}, which is not encrypted: use "
        "an https address"
    )
    assert refusal(wanted(hub, url=address), tmp_path / "part") == message
    hub.moved["/file"] = address
    assert refusal(wanted(hub), tmp_path / "part") == message


def test_a_mirror_that_was_chosen_may_be_unencrypted(hub: Hub, tmp_path: Path) -> None:
    """The socket's guard lets nothing through: that it is tried at all is what counts."""
    asked = wanted(hub, url="http://192.0.2.1/file", plain_host="192.0.2.1")
    with pytest.raises(Exception, match=r"192\.0\.2\.1"):
        bring(asked, tmp_path / "part")


def test_a_file_that_is_too_large_is_not_taken(hub: Hub, tmp_path: Path) -> None:
    said = "the file is larger than the 1000 bytes that are expected: it is not the file that was "
    assert refusal(wanted(hub, limit=1000), tmp_path / "part") == f"{said}meant"
    assert refusal(wanted(hub, size=1000), tmp_path / "part") == f"{said}meant"
    assert not (tmp_path / "part").exists()


def test_a_body_without_an_end_is_left_where_nobody_said_its_size(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "UNSAID", 300_000)
    hub.endless.add("/file")
    said = (
        "the file is larger than the 300000 bytes that are expected: it is not the file that was "
    )
    assert refusal(wanted(hub), tmp_path / "part") == f"{said}meant"
    assert not (tmp_path / "part").exists()


def test_a_packed_body_is_unpacked_and_its_length_is_not_the_files(
    hub: Hub, tmp_path: Path
) -> None:
    asked = wanted(hub)
    hub.web["/file"], hub.headers["/file"] = gzip.compress(BODY), {"Content-Encoding": "gzip"}
    bring(asked, tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == BODY


def test_what_is_no_address_is_said(hub: Hub, tmp_path: Path) -> None:
    assert refusal(wanted(hub, url="not an address"), tmp_path / "part") == (
        "the file cannot be had (Request URL is missing an 'http://' or 'https://' protocol.): "
        "check the connection, then fetch it again"
    )


def test_a_file_that_is_too_small_is_not_taken_for_whole(hub: Hub, tmp_path: Path) -> None:
    said = refusal(wanted(hub, size=len(BODY) + 1), tmp_path / "part")
    assert said.startswith("the file ")
    assert "(HTTP 416)" in said or f"(it has {len(BODY) + 1} bytes)" in said
    assert len(hub.log) == 3  # it does not come again and again


def test_a_disk_without_room_is_seen_before_it_is_full(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=11))
    (tmp_path / "part").write_bytes(BODY[:1000])
    assert refusal(wanted(hub), tmp_path / "part") == (
        f"the file needs {len(BODY) - 1000} bytes more and {tmp_path} has 11: free some, or move "
        "the cache by HF_HOME or SIGHTLINE_HOME"
    )
    assert (tmp_path / "part").read_bytes() == BODY[:1000]
