import os
from pathlib import Path

import pytest

from sightline.data import Example, open_source
from sightline.errors import DataError
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


def test_pictures_outside_class_folders_are_counted(tmp_path: Path) -> None:
    put(tmp_path, "apple/0.png", "stray.png")
    source = open_source(tmp_path)
    assert len(list(source)) == 1
    [counted] = source.skipped.kinds().values()
    assert counted.first[0].reason == f"stray.png stands outside the class folders of {tmp_path}"


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
