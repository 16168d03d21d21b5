from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.errors import TextError
from sightline.scoring import Class, read_labels
from sightline.scoring.label_files import parse_class


def written(folder: Path, content: str | bytes, name: str = "labels.txt") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_a_line_is_a_class_with_its_aliases(tmp_path: Path) -> None:
    path = written(tmp_path, "\ufeff# pets\r\ncat = kitten | tabby cat\r\n\r\n  dog \r\n")
    assert read_labels(path) == (Class("cat", aliases=("kitten", "tabby cat")), Class("dog"))


def test_json_is_names_or_whole_prompts(tmp_path: Path) -> None:
    assert read_labels(written(tmp_path, '["cat", "dog"]')) == (Class("cat"), Class("dog"))
    assert read_labels(written(tmp_path, '{"cat": ["a cat asleep"]}')) == (
        Class("cat", prompts=("a cat asleep",)),
    )


def test_a_folder_gives_the_names_of_its_sub_folders(tmp_path: Path) -> None:
    for name in ("wild_boar", "cat", ".git"):
        (tmp_path / name).mkdir()
    written(tmp_path, "", "readme.txt")
    assert read_labels(tmp_path) == (Class("cat"), Class("wild boar"))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "label file {} has no labels: write one a line"),
        (
            "cat\n\ncat",
            "label file {}, line 3: label 'cat' was given on line 1: give each label once",
        ),
        (
            "cat\ndog = | puppy",
            "label file {}, line 2: class 'dog' has an empty name, alias or prompt: fill it",
        ),
        (b"caf\xe9", "label file {} is not UTF-8 text (byte 3): save it as UTF-8"),
        ('{"cat": [}', "label file {}, line 1: not JSON (Expecting value): correct it"),
        (
            '{"a": ["x"], "a": ["y"]}',
            "label file {}: label 'a' is given twice: give each label once",
        ),
        ("[]", "label file {}: there are no labels: give at least one"),
        (
            '{"cat": "a cat"}',
            "label file {} is neither a list of names nor an object from name to a list of "
            "prompts: write it as one of them",
        ),
        (
            "[" * 100_000,
            "label file {} is no list of names (maximum recursion depth exceeded while decoding a "
            "JSON array from a unicode string): correct it",
        ),
        (
            "[1]",
            "label file {} is neither a list of names nor an object from name to a list of "
            "prompts: write it as one of them",
        ),
    ],
)
def test_a_wrong_file_says_where(tmp_path: Path, content: str | bytes, sentence: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(TextError) as caught:
        read_labels(path)
    assert str(caught.value) == sentence.format(path)


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    with pytest.raises(TextError) as caught:
        read_labels(path)
    assert str(caught.value) == f"label file {path} cannot be read: No such file or directory"


def test_a_folder_without_sub_folders_says_so(tmp_path: Path) -> None:
    with pytest.raises(TextError) as caught:
        read_labels(tmp_path)
    assert str(caught.value) == (
        f"label folder {tmp_path} has no sub-folders: give a folder with one sub-folder a class"
    )


words = st.text(st.characters(exclude_characters="=|", codec="utf-8"), min_size=1).map(str.strip)


@given(words.filter(bool), st.lists(words.filter(bool), max_size=3))
def test_a_class_that_is_written_is_read_back(name: str, aliases: list[str]) -> None:
    line = f"{name} = {' | '.join(aliases)}" if aliases else name
    assert parse_class(line) == Class(name, aliases=tuple(aliases))
