"""Paths and names behind one door, and nothing asked of the network that is not meant for it."""

from pathlib import Path

import pytest

from hub_server import Hub
from published_models import write_hugging_face_clip
from sightline.checkpoints import read
from sightline.errors import CheckpointError
from sightline.hub import Terms, open_model, published

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


def publish(hub: Hub, folder: Path) -> str:
    """Publish a tiny CLIP that transformers wrote."""
    write_hugging_face_clip(folder)
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    return hub.publish("org/model", files | {"README.md": b"---\nlicense: mit\n---\n"})


def refusal(name: str) -> str:
    with pytest.raises(CheckpointError) as caught:
        open_model(name)
    return str(caught.value)


def test_a_repository_opens_like_the_folder_it_was_made_of(hub: Hub, tmp_path: Path) -> None:
    commit = publish(hub, tmp_path / "m")
    shown: list[Terms] = []
    found = open_model("hf-hub:org/model", on_license=shown.append)
    assert found.fingerprint == read(tmp_path / "m").fingerprint
    assert found.license == "mit"
    assert found.origin == f"org/model, fetched from https://huggingface.co/org/model at {commit}"
    assert [terms.license for terms in shown] == ["mit"]
    again = open_model("hf-hub:org/model", on_license=shown.append, offline=True)
    assert (again.fingerprint, len(shown)) == (found.fingerprint, 1)


def test_what_could_not_be_verified_is_a_remark_for_good(hub: Hub, tmp_path: Path) -> None:
    publish(hub, tmp_path / "m")
    assert not any("digest" in said for said in open_model("hf-hub:org/model").remarks)
    publish(hub, tmp_path / "m")
    hub.publish("org/other", hub.commits["org/model", hub.branches["org/model", "main"]].files)
    hub.telling = "names"
    for _ in range(2):  # the second time from the cache
        found = open_model("hf-hub:org/other")
        assert found.remarks[-1].endswith(
            "more cannot be verified: the hub that was asked tells no digest"
        )


def test_what_is_on_disk_is_never_asked_for(hub: Hub, tmp_path: Path) -> None:
    write_hugging_face_clip(tmp_path / "m")
    before = len(hub.log)
    assert open_model(str(tmp_path / "m")).fingerprint == read(tmp_path / "m").fingerprint
    assert open_model().layout == "sightline"
    assert len(hub.log) == before


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (
            "runs/mine",
            "there is no model folder 'runs/mine', and the catalog has no such checkpoint: check "
            "the path, or write hf-hub:runs/mine to fetch it from the hub",
        ),
        (
            "sentence-transformers/clip-ViT-B-32",
            "or write hf-hub:sentence-transformers/clip-ViT-B-32 to fetch it from the hub, or "
            "take the catalog's ViT-B-32/openai",
        ),
        ("./openai/clip-vit-base-patch32", "model folder openai/clip-vit-base-patch32 does not"),
        ("./runs/mine", "model folder runs/mine does not exist: check the path"),
        ("weights.pt", "model folder weights.pt does not exist: check the path"),
        ("ViT-B-32", "there is no model folder 'ViT-B-32', and ViT-B-32 has 7 checkpoints"),
        ("modle", "there is no model folder 'modle', and no checkpoint is called 'modle'"),
        ("a" * 9000, "and a checkpoint's name has 1 to 250 characters, but this has 9000"),
        ("a\0b", "there is no model folder 'a\\x00b', and no checkpoint is called"),
    ],
)
def test_a_mistyped_path_stays_here(
    typed: str, said: str, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = len(hub.log)
    assert said in refusal(typed)
    assert len(hub.log) == before


def test_an_entry_of_the_catalog_brings_what_is_known_of_it(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sightline.hub.catalog import HubFiles
    from tiny_repository import listed_as

    publish(hub, tmp_path / "m")
    entry = listed_as(
        HubFiles(repository="org/model", revision=None, files=()), training_data="400 M pairs"
    )
    monkeypatch.setattr(published, "resolve", lambda name: entry)
    found = open_model("Tiny/test")
    assert found.training_data == ("400 M pairs",)
    assert found.origin.startswith("Tiny/test, fetched from https://huggingface.co/org/model at ")


def test_a_hub_id_opens_as_people_write_it_and_a_folder_of_that_name_wins(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = "openai/clip-vit-base-patch32"
    write_hugging_face_clip(tmp_path / "m")
    commit = hub.publish(name, {path.name: path.read_bytes() for path in Path("m").iterdir()})
    found = open_model(name)
    assert found.layout == "huggingface"
    assert found.origin == f"{name}, fetched from https://huggingface.co/{name} at {commit}"
    assert found.fingerprint == read(tmp_path / "m").fingerprint
    (tmp_path / "openai").mkdir()
    (tmp_path / "m").rename(tmp_path / name)
    before = len(hub.log)
    assert open_model(name).folder == Path(name)
    assert len(hub.log) == before
