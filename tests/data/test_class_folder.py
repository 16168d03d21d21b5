import os
from pathlib import Path

import msgspec
import pytest

from sightline.data import Example, open_source
from sightline.errors import DataError
from sightline.scoring.label_files import read_labels
from tiny_sets import picture


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(picture())


def test_the_sub_folder_is_the_label_however_deep_the_picture(tmp_path: Path) -> None:
    put(tmp_path, "pear/2.png", "apple/deep/1.JPG", "apple/0.png")
    found = list(open_source(tmp_path, name="shelf"))
    assert [(example.key, example.label, example.texts) for example in found] == [
        ("apple/0.png", "apple", ("apple",)),
        ("apple/deep/1.JPG", "apple", ("apple",)),
        ("pear/2.png", "pear", ("pear",)),
    ]
    assert found[0] == Example(
        key="apple/0.png", image=picture(), texts=("apple",), label="apple", source="shelf"
    )


def test_a_label_is_what_labels_from_the_same_folder_are(tmp_path: Path) -> None:
    put(tmp_path, "polar_bear/0.png", "_/0.png", "cat/0.png")
    labels = {example.label for example in open_source(tmp_path)}
    assert labels == {"polar bear", "_", "cat"}
    assert labels == {each.name for each in read_labels(tmp_path)}


def test_names_that_are_not_utf_8_can_be_written_down(tmp_path: Path) -> None:
    put(tmp_path, "caf\udce9/0.png", "caf\udce9/1\udcff.png", "stray\udcff.png")
    (tmp_path / "caf\udce9/2\udcff.png").write_bytes(b"")
    source = open_source(tmp_path, name="shelf")
    keys = [(example.key, example.label) for example in source]
    assert keys == [("caf\\xe9/0.png", "caf\\xe9"), ("caf\\xe9/1\\xff.png", "caf\\xe9")]
    written = msgspec.json.encode([keys, source.skipped.kinds(), source.signature])
    assert rb"stray\\xff.png" in written


def test_two_classes_may_be_links_to_one_folder_and_a_loop_ends(tmp_path: Path) -> None:
    put(tmp_path, "elsewhere/0.png", "shelf/cat/1.png")
    for name in ("dog", "puppy"):
        (tmp_path / "shelf" / name).symlink_to(tmp_path / "elsewhere")
    (tmp_path / "shelf/cat/all").symlink_to(tmp_path / "shelf")
    (tmp_path / "shelf/cat/own").symlink_to(tmp_path / "shelf/cat")
    found = [example.key for example in open_source(tmp_path / "shelf")]
    assert found == ["cat/1.png", "dog/0.png", "puppy/0.png"]


def test_pictures_outside_class_folders_are_counted(tmp_path: Path) -> None:
    put(tmp_path, "apple/0.png", "stray.png")
    source = open_source(tmp_path)
    assert len(list(source)) == 1
    [counted] = source.skipped.kinds().values()
    assert counted.first[0].reason == f"stray.png stands outside the class folders of {tmp_path}"


def test_a_class_folder_that_may_not_be_listed_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "apple/0.png", "closed/0.png")
    scandir = os.scandir

    def refused(path: str | Path) -> object:
        if Path(path).name == "closed":  # root, as in a container, may list anything
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refused)
    source = open_source(tmp_path)
    assert [example.key for example in source] == ["apple/0.png"]
    [(kind, counted)] = source.skipped.kinds().items()
    assert kind == "unreadable folder"
    assert counted.first[0].reason == "closed may not be listed: check who may read it"


def test_an_empty_picture_and_a_dead_link_are_counted(tmp_path: Path) -> None:
    put(tmp_path, "apple/0.png")
    (tmp_path / "apple/1.png").write_bytes(b"")
    (tmp_path / "apple/2.png").symlink_to("nowhere")
    source = open_source(tmp_path)
    assert [example.key for example in source] == ["apple/0.png"]
    assert source.skipped.kinds()["unreadable file"].count == 2


def test_a_pipe_never_hangs(tmp_path: Path) -> None:
    put(tmp_path, "apple/0.png")
    os.mkfifo(tmp_path / "apple/1.png")
    source = open_source(tmp_path)
    assert [example.key for example in source] == ["apple/0.png"]
    assert source.skipped.total == 1


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        open_source(tmp_path)
    assert str(caught.value) == f"{tmp_path} holds no image: give a folder of class folders"


def test_a_folder_of_shards_says_how_to_give_them(tmp_path: Path) -> None:
    put(tmp_path, "a.tar.gz")
    with pytest.raises(DataError) as caught:
        open_source(tmp_path)
    assert str(caught.value) == f"{tmp_path} holds tar shards: give {tmp_path}/*.tar* instead"


def test_a_folder_without_labels_says_what_to_do(tmp_path: Path) -> None:
    put(tmp_path, "0.png", "1.png")
    with pytest.raises(DataError) as caught:
        open_source(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path} holds 2 images but no class folders: put each into a sub-folder named after "
        "its class, or list path and caption in a CSV file"
    )
