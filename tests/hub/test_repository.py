"""What comes from a repository, and what the hub is asked for it."""

from pathlib import Path

import pytest
from huggingface_hub import constants

from hub_server import Hub
from sightline.errors import RemoteError
from sightline.hub import Repository, cached, digests, fetch, filling, resolve
from tiny_repository import FILES, MODEL, PAGE, WANTED, WEIGHTS

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


def test_a_repository_comes_with_the_files_that_a_checkpoint_needs_and_no_other(hub: Hub) -> None:
    commit = hub.publish("org/model", FILES)
    found = fetch(resolve("org/model"))
    assert (found.name, found.commit, found.license) == ("org/model", commit, "mit")
    assert found.files == WANTED
    assert {path.name for path in found.path.iterdir()} == set(found.files)
    for name in found.files:
        assert (found.path / name).read_bytes() == FILES[name]


def test_a_second_call_asks_nothing(hub: Hub) -> None:
    hub.publish("org/model", FILES)
    assert cached(MODEL) is None
    first = fetch(MODEL)
    hub.log.clear()
    assert fetch(MODEL) == first == cached(MODEL)
    assert hub.log == []


def test_a_branch_that_is_named_is_asked_for_and_bodies_are_not(hub: Hub) -> None:
    hub.publish("org/model", FILES)
    first = fetch(MODEL)
    hub.log.clear()
    assert fetch(MODEL, revision="main") == first
    assert [one.path for one in hub.log] == ["/api/models/org/model/revision/main"]


def test_what_is_in_the_cache_stays_until_the_branch_is_named(hub: Hub) -> None:
    old = hub.publish("org/model", FILES)
    fetch(MODEL)
    new = hub.publish("org/model", FILES | {"config.json": b"{}"})
    assert fetch(MODEL).commit == old
    assert fetch(MODEL, revision="main").commit == new
    assert fetch(MODEL).commit == new
    assert fetch(MODEL, revision=old).commit == old
    assert len(hub.bodies("model.safetensors")) == 2  # a redirect and the bytes: only once


def test_a_commit_branch_or_tag_is_taken(hub: Hub) -> None:
    old = hub.publish("org/model", FILES, branch="v1")
    hub.publish("org/model", FILES | {"config.json": b"{}"})
    assert fetch(MODEL, revision="v1").commit == old
    assert fetch(Repository(name="org/model", revision=old)).commit == old


@pytest.mark.parametrize("pin", ["f" * 40, "F" * 40])
def test_a_commit_that_is_named_is_held(pin: str, hub: Hub, tmp_path: Path) -> None:
    other = hub.publish("org/model", FILES)
    hub.branches["org/model", "f" * 40] = other  # what a hub that lies would answer
    with pytest.raises(RemoteError) as caught:
        fetch(MODEL, revision=pin)
    assert str(caught.value) == (
        f"org/model was asked for at {'f' * 40}, and commit {other} came: look at {PAGE}, or set "
        "HF_ENDPOINT to another mirror"
    )
    assert hub.bodies() == []
    assert list(tmp_path.rglob("models--*")) == []
    assert fetch(MODEL, revision=other.upper()).commit == other


def test_large_files_come_from_another_host_that_never_sees_the_token(hub: Hub) -> None:
    hub.publish("org/model", FILES)
    fetch(MODEL, token="hf_good")
    assert {one.server for one in hub.bodies("model.safetensors")} == {"hub", "cdn"}
    tokens = {(one.server, one.token) for one in hub.log}
    assert tokens == {("hub", "Bearer hf_good"), ("cdn", None)}


def test_a_token_of_the_environment_opens_a_gated_repository(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.publish("org/model", FILES)
    hub.gated.add("org/model")
    monkeypatch.setenv("HF_TOKEN", "hf_good")
    assert fetch(MODEL).files == WANTED


def test_progress_only_grows_and_ends_at_the_total(hub: Hub) -> None:
    hub.publish("org/model", FILES)
    hub.cuts["model.safetensors"] = [100_000, 50_000]
    told: list[tuple[int, int, str]] = []
    fetch(MODEL, progress=lambda *what: told.append(what))
    done = [one[0] for one in told]
    total = sum(len(FILES[name]) for name in WANTED)
    assert done == sorted(set(done))
    assert {one[1] for one in told} == {total} == {done[-1]}
    assert [*dict.fromkeys(one[2] for one in told)] == list(WANTED)
    told.clear()
    fetch(MODEL, progress=lambda *what: told.append(what))
    assert told == []  # nothing was fetched


def test_progress_ends_at_the_total_where_bytes_are_shared_with_an_older_commit(hub: Hub) -> None:
    hub.publish("org/model", FILES)
    fetch(MODEL)
    hub.publish("org/model", FILES | {"config.json": b"{}"})
    told: list[tuple[int, int, str]] = []
    fetch(MODEL, revision="main", progress=lambda *what: told.append(what))
    card = len(FILES["README.md"])
    assert told[-1][0] == told[-1][1] == len(WEIGHTS) + 4 + card


def test_nothing_is_printed(hub: Hub, capfd: pytest.CaptureFixture[str]) -> None:
    hub.publish("org/model", FILES)
    fetch(MODEL)
    assert capfd.readouterr() == ("", "")


def test_large_bytes_are_hashed_once(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.publish("org/model", FILES)
    hashed: list[str] = []

    def verify(path: Path, expected: digests.Digest, what: str) -> None:
        hashed.append(what.split()[0])

    monkeypatch.setattr(filling, "verify", verify)
    fetch(MODEL)
    fetch(MODEL)
    assert hashed == list(WANTED)


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
def test_bytes_that_differ_from_what_the_hub_declares_are_removed(name: str, hub: Hub) -> None:
    hub.publish("org/model", FILES, declared={name: b"what was meant"})
    with pytest.raises(RemoteError, match=rf"^{name} of org/model has the .* digest .* removed"):
        fetch(MODEL)
    left = [path.name for path in Path(constants.HF_HUB_CACHE).rglob("*part*")]
    assert left == []
    assert cached(MODEL) is None
    hub.publish("org/model", FILES)
    assert fetch(MODEL, revision="main").files == WANTED


@pytest.mark.parametrize(
    ("asked", "revision", "message"),
    [
        (
            "org/modle",
            None,
            "the hub has no repository org/modle, or it is private: set HF_TOKEN, or correct the "
            "name, to which the nearest known are ",
        ),
        (
            "org/model",
            "v9",
            f"org/model has no such revision: name a branch, tag or commit that {PAGE} lists",
        ),
        (
            "org/gated",
            None,
            "org/gated is refused (HTTP 401): accept its terms on "
            "https://huggingface.co/org/gated and set HF_TOKEN to a token that may read it",
        ),
        (
            "org/model",
            "../../secret",
            "'../../secret' is no revision of org/model: name a branch, tag or whole commit",
        ),
    ],
)
def test_what_the_hub_does_not_give_is_one_sentence(
    asked: str, revision: str | None, message: str, hub: Hub
) -> None:
    hub.publish("org/model", FILES)
    hub.publish("org/gated", FILES)
    hub.gated.add("org/gated")
    with pytest.raises(RemoteError) as caught:
        fetch(Repository(name=asked), revision=revision)
    assert str(caught.value).startswith(message)


def test_a_hub_that_cannot_be_reached(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(RemoteError) as caught:
        fetch(MODEL)
    assert str(caught.value) == (
        "http://127.0.0.1:1 cannot be reached for org/model ([Errno 111] Connection refused): "
        "check the connection, set HF_ENDPOINT to a mirror, or HF_HUB_OFFLINE=1 to use what the "
        "cache holds"
    )


def test_a_cut_connection_goes_on_where_it_was(hub: Hub) -> None:
    hub.publish("org/model", FILES)
    hub.cuts["model.safetensors"] = [200_000]
    assert (fetch(MODEL).path / "model.safetensors").read_bytes() == WEIGHTS
    asked = [one.range for one in hub.bodies("model.safetensors") if one.server == "cdn"]
    assert asked == [None, "bytes=200000-"]


def test_a_connection_that_is_cut_again_and_again_leaves_what_came(hub: Hub) -> None:
    hub.publish("org/model", FILES)
    hub.cuts["model.safetensors"] = [1000, 0, 0]  # and after bytes came, two more tries
    with pytest.raises(RemoteError) as caught:
        fetch(MODEL)
    assert str(caught.value).startswith("model.safetensors of org/model was cut at 1000 bytes (")
    assert str(caught.value).endswith("): fetch it again to go on from there")
    hub.log.clear()
    assert (fetch(MODEL).path / "model.safetensors").read_bytes() == WEIGHTS
    assert [one.range for one in hub.bodies("model.safetensors")] == ["bytes=1000-"] * 2
