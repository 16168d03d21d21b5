"""Without a connection, and beside other programs that use the same cache."""

from pathlib import Path

import pytest
from huggingface_hub import hf_hub_download

from hub_server import Hub
from sightline.errors import RemoteError
from sightline.hub import Terms, cached, fetch
from tiny_repository import FILES, MODEL, WANTED, WEIGHTS

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


def test_offline_uses_what_was_fetched(hub: Hub) -> None:
    hub.publish("org/model", FILES)
    first = fetch(MODEL)
    hub.log.clear()
    assert fetch(MODEL, offline=True) == fetch(MODEL, offline=True, revision="main") == first
    assert hub.log == []


def test_offline_without_it_says_what_to_do(hub: Hub) -> None:
    hub.publish("org/model", FILES)
    with pytest.raises(RemoteError) as caught:
        fetch(MODEL, offline=True)
    assert str(caught.value) == (
        "org/model is not in the cache and fetching is off: fetch it once with a connection and "
        "without HF_HUB_OFFLINE"
    )
    assert hub.log == []


def download_as_another_program(*names: str) -> Path:
    """Let the client alone download, as transformers does."""
    return [Path(hf_hub_download("org/model", name)) for name in names].pop()


def test_what_another_program_downloaded_is_found_offline(hub: Hub) -> None:
    commit = hub.publish("org/model", FILES)
    download_as_another_program(*WANTED)
    assert cached(MODEL) is None  # nobody verified it yet
    hub.log.clear()
    found = fetch(MODEL, offline=True)
    assert (found.files, found.commit, found.license) == (WANTED, commit, None)
    assert hub.log == []
    assert cached(MODEL) == found


def test_what_another_program_downloaded_is_not_fetched_again(hub: Hub) -> None:
    hub.publish("org/model", FILES)
    download_as_another_program("model.safetensors")
    hub.log.clear()
    assert fetch(MODEL).files == WANTED
    assert hub.bodies("model.safetensors") == []


def test_what_is_all_there_already_shows_no_terms(hub: Hub) -> None:
    hub.publish("org/model", FILES)
    download_as_another_program(*WANTED)
    shown: list[Terms] = []
    assert fetch(MODEL, on_license=shown.append).license == "mit"
    assert shown == []


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_damaged_file_of_another_program_is_removed_offline(name: str, hub: Hub) -> None:
    hub.publish("org/model", FILES)
    folder = download_as_another_program(*WANTED).parent
    (folder / name).resolve().write_bytes(b"damaged")
    with pytest.raises(RemoteError, match=rf"^{name} of org/model has the (sha256|git) digest "):
        fetch(MODEL, offline=True)
    assert not (folder / name).exists()
    assert (fetch(MODEL).path / name).read_bytes() == FILES[name]


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_damaged_file_of_another_program_is_fetched_anew(name: str, hub: Hub) -> None:
    hub.publish("org/model", FILES)
    folder = download_as_another_program(*WANTED).parent
    (folder / name).resolve().write_bytes(b"damaged")
    shown: list[Terms] = []
    hub.log.clear()
    assert (fetch(MODEL, on_license=shown.append).path / name).read_bytes() == FILES[name]
    assert {one.path.rpartition("/")[2] for one in hub.bodies()} == {name}
    assert len(shown) == 1


def test_damaged_bytes_of_another_commit_are_fetched_anew(hub: Hub) -> None:
    hub.publish("org/model", FILES)
    folder = fetch(MODEL).path
    (folder / "model.safetensors").resolve().write_bytes(b"damaged")
    hub.publish("org/model", FILES | {"config.json": b"{}"})
    assert (fetch(MODEL, revision="main").path / "model.safetensors").read_bytes() == WEIGHTS


def test_a_file_that_changed_since_it_was_verified_is_looked_at_again(hub: Hub) -> None:
    hub.publish("org/model", FILES)
    found = fetch(MODEL)
    (found.path / "model.safetensors").resolve().write_bytes(b"\0" * len(WEIGHTS))
    assert cached(MODEL) is None
    assert (fetch(MODEL).path / "model.safetensors").read_bytes() == WEIGHTS
    assert cached(MODEL) == found


def test_what_was_fetched_is_found_by_the_client(hub: Hub) -> None:
    hub.publish("org/model", FILES)
    fetch(MODEL)
    hub.log.clear()
    assert download_as_another_program(*WANTED).parent == fetch(MODEL).path
    assert hub.bodies() == []
