"""What `fetch` is for one who calls it: entries, plain files, terms."""

from pathlib import Path

import pytest

from hub_server import Hub, sha256
from sightline.errors import CheckpointError, RefusedError, RemoteError
from sightline.hub import Terms, cached, fetch, resolve
from sightline.hub.catalog import HubFile, HubFiles, WebFile
from tiny_repository import FILES, MODEL, PAGE, WANTED, WEIGHTS, listed_as

CARD = f"the card of {PAGE}"
pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


def test_an_entry_brings_its_files_of_its_revision(hub: Hub) -> None:
    commit = hub.publish("org/model", FILES)
    hub.publish("org/model", FILES | {"config.json": b"newer"})
    files = tuple(
        HubFile(name=name, sha256=sha256(FILES[name]))
        for name in ("config.json", "model.safetensors")
    )
    entry = listed_as(HubFiles(repository="org/model", revision=commit, files=files))
    found = fetch(entry)
    assert (found.name, found.commit, found.license) == ("Tiny/test", commit, "mit")
    assert found.files == ("config.json", "model.safetensors")
    assert fetch(entry, revision="main").files == WANTED  # chosen anew: another commit


def test_a_layout_is_not_taken_for_the_other_of_its_repository(hub: Hub) -> None:
    both = FILES | {"open_clip_config.json": b"{}", "open_clip_model.safetensors": WEIGHTS}
    hub.publish("org/model", both)
    assert "open_clip_config.json" in fetch(MODEL).files
    entry = listed_as(HubFiles(repository="org/model", revision=None, files=()))
    assert cached(entry) is None
    assert fetch(entry).files == WANTED


def test_a_digest_of_the_catalog_wins_over_the_hubs(hub: Hub) -> None:
    commit = hub.publish("org/model", FILES)
    files = (
        HubFile(name="config.json", sha256=None),
        HubFile(name="model.safetensors", sha256="0" * 64),
    )
    entry = listed_as(HubFiles(repository="org/model", revision=commit, files=files))
    for _ in range(2):  # it is removed, and so fetched again
        with pytest.raises(RemoteError) as caught:
            fetch(entry)
        assert str(caught.value) == (
            f"model.safetensors of org/model has the sha256 digest {sha256(WEIGHTS)} but "
            f"{'0' * 64} is expected: it was removed, so fetch it again, and trust no copy that "
            "differs a second time"
        )
    assert len(hub.bodies(f"/{commit}/model.safetensors")) == 4
    assert cached(entry) is None


def test_a_file_that_the_catalog_names_and_the_repository_lacks(hub: Hub) -> None:
    commit = hub.publish("org/model", FILES)
    files = (HubFile(name="gone.bin", sha256=None), HubFile(name="config.json", sha256=None))
    with pytest.raises(RemoteError) as caught:
        fetch(listed_as(HubFiles(repository="org/model", revision=commit, files=files)))
    assert str(caught.value) == (
        f"org/model lacks gone.bin: look at {PAGE}, or name another revision"
    )


def test_what_cannot_be_loaded_is_not_fetched(hub: Hub) -> None:
    with pytest.raises(CheckpointError) as caught:
        fetch(resolve("MobileCLIP-S2/datacompdr"))
    assert str(caught.value) == (
        "MobileCLIP-S2/datacompdr cannot be loaded: its image tower is a hybrid of convolutions "
        "and a transformer, which a spec cannot describe: take ViT-B-16/datacomp_xl_s13b_b90k or "
        "a TinyCLIP"
    )
    assert hub.log == []


def test_a_repository_without_a_checkpoint_is_refused(hub: Hub) -> None:
    hub.publish("org/model", {"README.md": b""})
    with pytest.raises(CheckpointError, match=r"^org/model holds no checkpoint: it needs sight"):
        fetch(MODEL)


def test_one_file_at_an_address_comes_too(hub: Hub, tmp_path: Path) -> None:
    hub.web["/models/tiny.pt"] = WEIGHTS
    entry = listed_as(
        WebFile(url=f"{hub.url}/models/tiny.pt", sha256=sha256(WEIGHTS)), layout="openai"
    )
    shown: list[Terms] = []
    assert cached(entry) is None
    found = fetch(entry, on_license=shown.append)
    assert found.path.read_bytes() == WEIGHTS
    assert found.path.is_relative_to(tmp_path / "sightline-home" / "hub")
    assert (found.files, found.commit, found.license) == (("tiny.pt",), None, "MIT")
    assert cached(entry) == fetch(entry, offline=True, on_license=shown.append) == found
    assert len(shown) == 1
    with pytest.raises(RemoteError) as caught:
        fetch(entry, revision="main")
    assert str(caught.value) == "Tiny/test is one file without revisions: leave out 'main'"


def test_one_file_that_is_not_there_offline(hub: Hub) -> None:
    entry = listed_as(WebFile(url=f"{hub.url}/tiny.pt", sha256="0" * 64))
    with pytest.raises(RemoteError) as caught:
        fetch(entry, offline=True)
    assert str(caught.value) == (
        "Tiny/test is not in the cache and fetching is off: fetch it once with a connection"
    )
    assert hub.log == []


def test_the_licence_is_shown_before_the_first_download_and_not_again(hub: Hub) -> None:
    hub.publish("org/model", FILES, license="apache-2.0")
    shown: list[Terms] = []

    def show(told: Terms) -> None:
        assert hub.bodies() == []
        shown.append(told)

    fetch(MODEL, on_license=show)
    fetch(MODEL, on_license=show)
    assert shown == [terms("apache-2.0", CARD)]


def terms(license: str | None, read_in: str | None, otherwise: str | None = None) -> Terms:
    """Return the terms of the repository."""
    return Terms(name="org/model", license=license, read_in=read_in, otherwise=otherwise, page=PAGE)


@pytest.mark.parametrize(
    ("declared", "known", "said"),
    [
        (None, None, terms(None, None)),
        (None, "MIT", terms("MIT", "LICENSE at abc")),
        ("mit", "MIT", terms("mit", CARD)),
        ("mit", None, terms("mit", CARD)),
        # Apple's DFN went from one licence to another: what is declared now counts.
        (
            "apple-amlr",
            "apple-sample",
            terms("apple-amlr", CARD, "apple-sample, read in LICENSE at abc"),
        ),
    ],
)
def test_what_the_repository_declares_now_counts_and_what_differs_is_said(
    declared: str | None, known: str | None, said: Terms, hub: Hub
) -> None:
    hub.publish("org/model", FILES, license=declared)
    source = HubFiles(repository="org/model", revision=None, files=())
    read = {"license": "LICENSE at abc"} if known else {}
    entry = listed_as(source, name="org/model", license=known, sources=read)
    shown: list[Terms] = []
    found = fetch(entry, on_license=shown.append)
    assert shown == [said]
    assert found.license == said.license


def test_who_refuses_the_terms_downloads_nothing(hub: Hub) -> None:
    hub.publish("org/model", FILES)

    def refuse(told: Terms) -> None:
        raise RefusedError(f"{told.license} may not be used here")

    with pytest.raises(RefusedError, match=r"^mit may not be used here$"):
        fetch(MODEL, on_license=refuse)
    assert hub.bodies() == []
