"""What a hostile or broken hub may say of a file, and what lies in the cache afterwards."""

from pathlib import Path

import pytest
from huggingface_hub import constants

from hub_server import Hub, sha256
from sightline.errors import RemoteError
from sightline.hub import Terms, cached, choosing, fetch
from tiny_repository import FILES, MODEL, WANTED, WEIGHTS

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


def kept(tmp_path: Path) -> list[str]:
    """Return every file of a few bytes or more below the test's folder."""
    return [path.name for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size]


@pytest.mark.parametrize(
    "said",
    [
        {"X-Repo-Commit": "../../evil"},
        {"X-Repo-Commit": "b" * 40},
        {"ETag": '"../../../../evil"', "X-Linked-Etag": '"../../../../evil"'},
        {"ETag": '"../../../../precious"', "X-Linked-Etag": '"../../../../precious"'},
    ],
    ids=str,
)
def test_no_header_says_where_a_file_lies(said: dict[str, str], hub: Hub, tmp_path: Path) -> None:
    """The client takes an etag for a file's name, and so writes or links to what it likes."""
    commit = hub.publish("org/model", FILES)
    (tmp_path / "precious").write_bytes(b"not the hub's")
    hub.headers[""] = said
    found = fetch(MODEL)
    assert {path.name: path.read_bytes() for path in found.path.iterdir()} == {
        name: FILES[name] for name in WANTED
    }
    assert found.path.name == commit
    assert (tmp_path / "precious").read_bytes() == b"not the hub's"
    assert {path.name for path in tmp_path.iterdir()} <= {"cache", "precious", "sightline-home"}


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_file_without_an_end_is_left_with_nothing_behind(
    name: str, hub: Hub, tmp_path: Path
) -> None:
    hub.publish("org/model", FILES)
    hub.endless.add(name)
    size = len(FILES[name])
    with pytest.raises(RemoteError) as caught:
        fetch(MODEL)
    assert str(caught.value) == (
        f"{name} of org/model is larger than the {size} bytes that are expected: it is not the "
        "file that was meant"
    )
    assert not any("part" in left for left in kept(tmp_path))
    assert cached(MODEL) is None


def test_a_small_file_that_is_said_to_be_large_is_not_begun(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choosing, "LIMITS", (((("*.json",)), 10), (("*",), 10**6)))
    hub.publish("org/model", FILES)
    with pytest.raises(RemoteError) as caught:
        fetch(MODEL)
    assert str(caught.value) == (
        "config.json of org/model is larger than the 10 bytes that are expected: it is not the "
        "file that was meant"
    )
    assert not any("config" in left for left in kept(tmp_path))


def test_what_an_earlier_try_left_and_is_no_beginning_is_thrown_away(
    hub: Hub, tmp_path: Path
) -> None:
    hub.publish("org/model", FILES)
    blobs = tmp_path / "cache" / "models--org--model" / "blobs"
    blobs.mkdir(parents=True)
    (blobs / f"{sha256(WEIGHTS)}.sightline-part").write_bytes(b"x" * 1000)
    assert (fetch(MODEL).path / "model.safetensors").read_bytes() == WEIGHTS
    asked = [one.range for one in hub.bodies("model.safetensors") if one.server == "cdn"]
    assert asked == ["bytes=1000-", None]


def test_control_bytes_that_come_wrong_are_not_asked_for_again(hub: Hub) -> None:
    hub.publish("org/model", FILES, declared={"model.safetensors": b"what was meant"})
    with pytest.raises(
        RemoteError, match=r"^model\.safetensors of org/model has the sha256 digest"
    ):
        fetch(MODEL)
    assert len([one for one in hub.bodies("model.safetensors") if one.server == "cdn"]) == 1


def test_files_that_nobody_told_a_digest_of_are_named(hub: Hub) -> None:
    commit = hub.publish("org/model", FILES)
    hub.telling = "names"
    shown: list[Terms] = []
    found = fetch(MODEL, on_license=shown.append)
    assert (found.commit, found.unverified) == (commit, WANTED)
    assert [terms.caution for terms in shown] == [
        "README.md, config.json, model.safetensors and 1 more cannot be verified: the hub that was "
        "asked tells no digest"
    ]
    assert (found.path / "model.safetensors").read_bytes() == WEIGHTS
    assert cached(MODEL) == found
    assert not [path for path in found.path.parents[1].rglob("*part*")]


def test_control_what_was_verified_is_not_named(hub: Hub) -> None:
    hub.publish("org/model", FILES)
    shown: list[Terms] = []
    assert fetch(MODEL, on_license=shown.append).unverified == ()
    assert [terms.caution for terms in shown] == [None]


def test_where_there_are_no_links_files_are_copies(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_SYMLINKS", True)
    hub.publish("org/model", FILES)
    found = fetch(MODEL)
    for path in found.path.iterdir():
        assert not path.is_symlink()
        assert path.read_bytes() == FILES[path.name]
    assert cached(MODEL) == found


def test_control_where_there_are_links_bytes_lie_once(hub: Hub) -> None:
    hub.publish("org/model", FILES)
    assert all(path.is_symlink() for path in fetch(MODEL).path.iterdir())
