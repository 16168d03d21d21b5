from pathlib import Path

import pytest

from sightline.data import open_source
from sightline.errors import DataError
from tiny_sets import numbered, picture, write_numbered, write_shard


def test_several_shards_are_one_source_in_stored_order(tmp_path: Path) -> None:
    source = open_source(write_numbered(tmp_path, [2, 1, 3]))
    assert [example.key for example in source] == [f"{number:04}" for number in range(6)]
    assert (source.name, len(source.shards)) == ("shard-*.tar", 3)


def test_a_source_can_be_read_again_and_counts_anew(tmp_path: Path) -> None:
    write_shard(tmp_path / "s.tar", [*numbered(0, 1), ("x.jpg", b"i")])
    source = open_source(tmp_path / "s.tar")
    first = list(source)
    assert list(source) == first
    assert source.skipped.total == 1


def test_reading_is_lazy(tmp_path: Path) -> None:
    uri = write_numbered(tmp_path, [1, 1])
    reading = iter(open_source(uri))
    next(reading)
    (tmp_path / "shard-001.tar").unlink()
    with pytest.raises(DataError, match="cannot be read"):
        next(reading)


def test_sources_of_different_kinds_can_be_joined(tmp_path: Path) -> None:
    (tmp_path / "set/apple").mkdir(parents=True)
    (tmp_path / "set/apple/1.png").write_bytes(picture())
    write_shard(tmp_path / "s.tgz.tar", numbered(0, 1))
    found = list(open_source([tmp_path / "set", tmp_path / "s.tgz.tar"], name="both"))
    assert [(example.key, example.source) for example in found] == [
        ("apple/1.png", "both"),
        ("0000", "both"),
    ]


@pytest.mark.parametrize("place", ["", "test"])
def test_class_numbers_are_named_by_the_list_beside_or_above_the_shards(
    tmp_path: Path, place: str
) -> None:
    (tmp_path / place).mkdir(exist_ok=True)
    (tmp_path / "classnames.txt").write_text("cat\ndog\n")
    path = write_shard(tmp_path / place / "0.tar", [("k.webp", b"i"), ("k.cls", b"1")])
    [example] = open_source(path)
    assert example.label == "dog"


def test_a_list_of_class_names_may_begin_with_a_mark_and_end_blank(
    tmp_path: Path,
) -> None:
    (tmp_path / "classnames.txt").write_bytes(b"\xef\xbb\xbfcat\r\ndog\r\n\r\n")
    members = [("a.webp", b"i"), ("a.cls", b"0"), ("b.webp", b"i"), ("b.cls", b"1")]
    labels = [each.label for each in open_source(write_shard(tmp_path / "0.tar", members))]
    assert labels == ["cat", "dog"]


def test_a_list_of_class_names_with_a_gap_is_refused(tmp_path: Path) -> None:
    names = tmp_path / "classnames.txt"
    names.write_text("cat\n\ndog\n")
    path = write_shard(tmp_path / "0.tar", [("k.webp", b"i"), ("k.cls", b"1")])
    with pytest.raises(DataError) as caught:
        open_source(path)
    assert str(caught.value) == (
        f"{names} has no class name on line 2, so the numbers after it are in doubt: write one "
        "class name a line"
    )


def test_a_list_of_class_names_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = write_shard(tmp_path / "0.tar", [("k.webp", b"i"), ("k.cls", b"1")])
    names = tmp_path / "classnames.txt"
    names.write_bytes(b"cat\n\xff\xfe")
    with pytest.raises(DataError) as caught:
        open_source(path)
    assert str(caught.value) == (
        f"{names} is not text in UTF-8: write one class name a line, or move it away"
    )


def test_a_list_of_class_names_that_cannot_be_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_shard(tmp_path / "0.tar", [("k.webp", b"i"), ("k.cls", b"1")])
    names = tmp_path / "classnames.txt"
    names.write_text("cat\ndog\n")

    def denied(self: Path, encoding: str) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", denied)
    with pytest.raises(DataError) as caught:
        open_source(path)
    assert str(caught.value) == f"{names} cannot be read (Permission denied): check it"


def test_an_unknown_suffix_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(b"")
    with pytest.raises(DataError) as caught:
        open_source(path)
    assert str(caught.value) == (
        f"{path} is of no known kind: give a class folder, or a file that ends in .tar, .tar.gz, "
        ".tgz, .csv, .tsv, .jsonl, .ndjson, .parquet"
    )


def test_a_source_without_any_example_says_why(tmp_path: Path) -> None:
    write_shard(tmp_path / "s.tar", [("a.jpg", b"i"), ("b.jpg", b"i")])
    with pytest.raises(DataError) as caught:
        list(open_source(tmp_path / "s.tar"))
    assert str(caught.value) == (
        "s.tar gave no example (2 skipped like this): a in s.tar has an image but no .json, .txt "
        "or .cls"
    )


def test_an_empty_tar_holds_no_example(tmp_path: Path) -> None:
    write_shard(tmp_path / "s.tar", [])
    with pytest.raises(DataError, match=r"^s\.tar holds no example: it is empty$"):
        list(open_source(tmp_path / "s.tar"))


def test_the_signature_tells_another_set_of_files(tmp_path: Path) -> None:
    uri = write_numbered(tmp_path, [1, 1])
    before = open_source(uri).signature
    assert open_source(uri).signature == before
    write_shard(tmp_path / "shard-002.tar", numbered(7, 1))
    assert open_source(uri).signature != before
