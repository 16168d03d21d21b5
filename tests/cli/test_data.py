import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ran import Ran
from sightline.cli.main import exit_code
from tiny_sets import picture, write_shard

Inspect = Callable[..., Ran]


@pytest.fixture
def inspect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Inspect:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    for name in ("apple/1.png", "apple/2.png", "pear/3.png"):
        path = tmp_path / "shelf" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture())

    def run(*arguments: str) -> Ran:
        capsys.readouterr()
        code = exit_code(["data", "inspect", *arguments])
        return Ran(code, *capsys.readouterr())

    return run


def test_a_class_folder_is_shown_with_its_labels(inspect: Inspect) -> None:
    size = f"{len(picture()):,} bytes"
    assert inspect("shelf/") == Ran(
        0,
        "shelf: 1 shard, 3 images, 2 labels\n"
        "\n"
        "formats    PNG 3\n"
        "width      4 px\n"
        "height     3 px\n"
        f"file size  {size}\n"
        "\n"
        "label  images\n"
        "apple       2  ██████████████████████████████\n"
        "pear        1  ███████████████\n"
        "\n"
        "sample       text\n"
        "apple/1.png  apple\n"
        "apple/2.png  apple\n"
        "pear/3.png   pear\n",
        "",
    )


def test_captions_groups_and_what_was_skipped_are_shown(inspect: Inspect, tmp_path: Path) -> None:
    words = b'{"captions": ["a dog", "dogs"], "group": {"domain": "photo"}}'
    members = [
        ("a.png", picture()),
        ("a.json", words),
        ("b.png", b"text"),
        ("b.txt", b"b"),
        ("c.png", b""),
    ]
    write_shard(tmp_path / "s.tar", members)
    ran = inspect("s.tar")
    assert ran.code == 3
    assert ran.out.startswith("s.tar: 1 shard, 1 image, 2 captions, 2 skipped\n\nformats")
    assert "captions an image  2\n" in ran.out
    assert "\ngroup domain: photo 1\n" in ran.out
    assert "a       a dog\na       dogs\n" in ran.out
    assert "\nskipped, bad image: 1\n  b was skipped: " in ran.out
    assert ran.out.endswith(
        "\nskipped, image without text: 1\n  c in s.tar has an image but no .json, .txt or .cls\n"
    )


def test_json_is_one_line_with_everything(inspect: Inspect) -> None:
    ran = inspect("shelf", "--json")
    [line] = ran.out.splitlines()
    found = json.loads(line)
    assert (ran.code, found["images"], found["labels"]) == (0, 3, {"apple": 2, "pear": 1})
    assert found["width_px"] == {"least": 4, "median": 4.0, "most": 4}


def test_when_every_picture_is_broken_the_code_is_4(inspect: Inspect, tmp_path: Path) -> None:
    write_shard(tmp_path / "s.tar", [("b.png", b"x"), ("b.txt", b"b")])
    ran = inspect("s.tar")
    assert (ran.code, ran.out.splitlines()[0]) == (4, "s.tar: 1 shard, 1 skipped")


def test_a_source_that_is_none_is_one_sentence(inspect: Inspect) -> None:
    assert inspect("none-{0..9}.tar") == Ran(
        4,
        "",
        "sightline: error: none-{0..9}.tar matches no file: check the path, which starts at "
        "the current folder\n",
    )


def test_a_tables_columns_can_be_named(inspect: Inspect, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("where,what\nshelf/apple/1.png,an apple\n")
    ran = inspect("t.csv", "--image-column", "where", "--text-column", "what", "--limit", "1")
    assert (ran.code, ran.out.splitlines()[0]) == (0, "t.csv: 1 shard, 1 image, 1 caption")


def test_control_characters_are_shown_not_obeyed(inspect: Inspect, tmp_path: Path) -> None:
    write_shard(tmp_path / "s.tar", [("a.png", picture()), ("a.cls", b"red\x1b[31m")])
    ran = inspect("s.tar")
    assert "\x1b" not in ran.out
    assert "red\\x1b[31m" in ran.out
