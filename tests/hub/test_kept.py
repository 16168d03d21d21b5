import os
from pathlib import Path

import pytest

from sightline.errors import RemoteError
from sightline.hub.digests import Digest
from sightline.hub.kept import Store, check_revision, digest_in_name, open_store, pinned, see

COMMIT = "a" * 40


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Return a store with one file at one commit."""
    kept = Store(tmp_path / "models--org--name")
    kept.snapshot(COMMIT).mkdir(parents=True)
    (kept.snapshot(COMMIT) / "config.json").write_bytes(b"{}")
    return kept


def test_a_receipt_holds_while_the_files_are_as_they_were(store: Store) -> None:
    assert store.receipt(COMMIT) is None
    store.remember(COMMIT, ("config.json",), "mit", ("config.json",))
    receipt = store.receipt(COMMIT)
    assert receipt is not None
    assert (receipt.license, list(receipt.files)) == ("mit", ["config.json"])
    assert receipt.unverified == ("config.json",)


def touch(path: Path) -> None:
    """Change when a file was written, and nothing else."""
    found = path.stat()
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns + 1))


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.write_bytes(b"{ }"),
        lambda path: path.unlink(),
        touch,
    ],
)
def test_a_receipt_does_not_hold_for_other_files(change: object, store: Store) -> None:
    store.remember(COMMIT, ("config.json",), None, ())
    change(store.snapshot(COMMIT) / "config.json")  # type: ignore[operator]
    assert store.receipt(COMMIT) is None


@pytest.mark.parametrize("content", [b"", b"{}", b'{"version":1,"license":null,"files":{}}'])
def test_a_receipt_that_is_none_does_not_count(content: bytes, store: Store) -> None:
    store.remember(COMMIT, ("config.json",), None, ())
    (store.folder / ".sightline" / f"{COMMIT}.json").write_bytes(content)
    assert store.receipt(COMMIT) is None


def test_a_cache_of_somebody_else_goes_without_receipts(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbid(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", forbid)
    store.remember(COMMIT, ("config.json",), None, ())
    store.point(None, COMMIT)
    assert store.receipt(COMMIT) is None
    assert store.commit(None) is None


def test_a_branch_points_at_a_commit_as_the_client_writes_it(store: Store) -> None:
    assert store.commit(None) is None
    store.point(None, COMMIT)
    store.point("refs/pr/1", COMMIT)
    store.point("b" * 40, COMMIT)  # a commit needs no pointer
    assert (store.folder / "refs" / "main").read_text() == COMMIT
    assert store.commit(None) == store.commit("main") == store.commit("refs/pr/1") == COMMIT
    assert store.commit("b" * 40) == "b" * 40
    assert store.commit("B" * 40) == pinned("B" * 40) == "b" * 40
    assert sorted(path.name for path in (store.folder / "refs").iterdir()) == ["main", "refs"]


@pytest.mark.parametrize("content", [b"", b"main", b"\xff", b"../../x"])
def test_a_pointer_that_is_no_commit_does_not_count(content: bytes, store: Store) -> None:
    (store.folder / "refs").mkdir()
    (store.folder / "refs" / "main").write_bytes(content)
    assert store.commit("main") is None


def test_the_store_is_the_clients(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    assert open_store("org/name").folder == tmp_path / "models--org--name"


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("a" * 64, Digest("sha256", "a" * 64)),
        ("b" * 40, Digest("git", "b" * 40)),
        ("config.json", None),
        ("A" * 40, None),
    ],
)
def test_a_blobs_name_is_its_digest(name: str, digest: Digest | None, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"")
    (tmp_path / "link").symlink_to(tmp_path / name)
    assert digest_in_name(tmp_path / "link") == digest


@pytest.mark.parametrize("revision", [None, "main", "v1.0", "refs/pr/1", "a" * 40, "feature/x+y"])
def test_what_git_calls_a_revision_is_one(revision: str | None) -> None:
    check_revision(revision, "org/name")


@pytest.mark.parametrize("revision", ["", "..", "a/../b", "/etc", "a b", "-x", "a\n", "x" * 300])
def test_what_would_leave_the_folder_is_none(revision: str) -> None:
    with pytest.raises(RemoteError) as caught:
        check_revision(revision, "org/name")
    assert str(caught.value) == (
        f"{revision!r} is no revision of org/name: name a branch, tag or whole commit"
    )


def test_what_is_seen_changes_with_the_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    assert see(tmp_path / "a").size == 1
    with pytest.raises(FileNotFoundError):
        see(tmp_path / "b")


def test_a_removed_file_takes_its_bytes_along_and_nothing_outside(
    store: Store, tmp_path: Path
) -> None:
    """Bytes may lie in a store that several caches share; those are not ours to remove."""
    (tmp_path / "shared").write_bytes(b"another's")
    store.blob("x").parent.mkdir()
    store.blob("x").symlink_to(tmp_path / "shared")
    store.blob("y").write_bytes(b"ours")
    (store.snapshot(COMMIT) / "a").symlink_to("../../blobs/x")
    (store.snapshot(COMMIT) / "b").symlink_to("../../blobs/y")
    for name in ("a", "b", "config.json"):
        store.remove(COMMIT, name)
    assert list(store.snapshot(COMMIT).iterdir()) == list(store.blob("x").parent.iterdir()) == []
    assert (tmp_path / "shared").read_bytes() == b"another's"
