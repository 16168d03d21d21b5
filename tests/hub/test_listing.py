import json

import pytest

from hub_server import Hub, git_sha1, sha256
from sightline.errors import RemoteError
from sightline.hub import listing
from sightline.hub.digests import Digest
from sightline.hub.listing import Listed, list_files

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

API = "/api/models/org/model"
COMMIT = "a" * 40


def test_a_repository_is_listed_with_its_digests(hub: Hub) -> None:
    commit = hub.publish("org/model", {"config.json": b"{}", "model.safetensors": b"weights"})
    found = list_files("org/model", None, None)
    assert (found.commit, found.license) == (commit, "mit")
    assert found.files == {
        "config.json": Listed(2, Digest("git", git_sha1(b"{}"))),
        "model.safetensors": Listed(7, Digest("sha256", sha256(b"weights"))),
    }
    assert [one.path for one in hub.log] == [API]


@pytest.mark.parametrize(
    ("card", "license"),
    [
        (None, None),
        ({}, None),
        ({"license": "apache-2.0"}, "apache-2.0"),
        ({"license": ["mit", "cc-by-4.0"]}, "mit, cc-by-4.0"),
        ({"license": "other", "license_name": "apple-amlr"}, "apple-amlr"),
        ({"license": {"a": 1}}, "{'a': 1}"),
        ({"license": "\x1b[2Jm\u202ei\nt"}, "[2Jmi t"),  # nothing that a terminal obeys
        ({"license": "x" * 10**6}, "x" * 200 + "…"),
    ],
)
def test_a_card_declares_its_licence_in_several_ways(
    card: dict[str, object] | None, license: str | None, hub: Hub
) -> None:
    hub.web[API] = json.dumps({"id": "org/model", "sha": COMMIT, "cardData": card}).encode()
    found = list_files("org/model", None, None)
    assert (found.license, found.files) == (license, {})


def test_a_mirror_that_says_little_is_taken_at_that(hub: Hub) -> None:
    siblings = [
        {"rfilename": "config.json"},
        {"rfilename": "x.bin", "lfs": {"sha256": "../x", "size": 3, "pointerSize": 1}},
        {"rfilename": "y.json", "blobId": "../../y"},
    ]
    hub.web[API] = json.dumps({"id": "org/model", "sha": COMMIT, "siblings": siblings}).encode()
    assert list_files("org/model", None, None).files == {
        "config.json": Listed(0, None),
        "x.bin": Listed(3, None),
        "y.json": Listed(0, None),
    }


@pytest.mark.parametrize(
    "answer",
    [
        b"<html>Sign in to the hotel's network</html>",
        b"[]",
        b'{"id": "org/model"}',
        b'{"id": "org/model", "sha": "../../x"}',
        b'{"id": "org/model", "sha": "%s", "siblings": [{}]}' % COMMIT.encode(),
        b'{"id": "org/model", "sha": "%s", "siblings": [1]}' % COMMIT.encode(),
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a": ' * 100_000 + b"1" + b"}" * 100_000,
        b'{"sha": 5}',
        b'{"sha": "%s", "cardData": []}' % COMMIT.encode(),
        *(
            b'{"sha": "%s", "siblings": [{"rfilename": "a", %s}]}' % (COMMIT.encode(), told)
            for told in (
                b'"size": "abc"',
                b'"size": -5',
                b'"size": 1e99',
                b'"blobId": 7',
                b'"lfs": {"sha256": "x", "size": "abc"}',
                b'"lfs": {"sha256": 7}',
                b'"lfs": []',
            )
        ),
        b'{"sha": "%s", "siblings": [{"rfilename": 7}]}' % COMMIT.encode(),
        b"\xff\xfe",
    ],
    ids=lambda answer: answer[:80],
)
def test_what_is_no_hub_is_one_sentence(answer: bytes, hub: Hub) -> None:
    hub.web[API] = answer
    with pytest.raises(RemoteError) as caught:
        list_files("org/model", None, None)
    assert str(caught.value) == (
        f"{hub.url} did not answer for org/model as a hub does: check HF_ENDPOINT and the proxy"
    )


def test_an_answer_without_an_end_is_no_hubs(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "LARGEST", 300_000)
    hub.web[API] = b""
    hub.endless.add(API)
    with pytest.raises(RemoteError, match=r"did not answer for org/model as a hub does"):
        list_files("org/model", None, None)


def test_a_repository_that_moved_is_followed(hub: Hub) -> None:
    commit = hub.publish("new/model", {"config.json": b"{}"})
    hub.moved[API] = "/api/models/new/model"
    assert list_files("org/model", None, None).commit == commit
