import pytest

from sightline.cli.sheet import draw
from sightline.cli.table import Column

COLUMNS = (Column("part"), Column("what"))


def drawn(capsys: pytest.CaptureFixture[str], *rows: tuple[str, str]) -> list[str]:
    draw(COLUMNS, rows)
    return capsys.readouterr().out.splitlines()


def test_a_long_text_is_broken_and_nothing_of_it_is_lost(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    text = "one two three four five six seven eight nine ten"
    lines = drawn(capsys, ("first", text), ("second", "short"))
    assert lines == [
        "part    what",
        "first   one two three four five six",
        "        seven eight nine ten",
        "second  short",
    ]
    assert max(map(len, lines)) <= 40


def test_many_rows_keep_the_first_rows_widths(capsys: pytest.CaptureFixture[str]) -> None:
    lines = drawn(capsys, *(("a", "b") for _ in range(70)))
    assert lines[1:] == ["a     b"] * 70


def test_an_empty_text_is_a_line_and_control_characters_are_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert drawn(capsys, ("a", ""), ("b", "x\x1b[31m"))[1:] == ["a", "b     x\\x1b[31m"]


def test_a_text_without_end_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    lines = drawn(capsys, ("a", "x" * 10**7))
    assert lines[-1].endswith("x…")
    assert sum(line.count("x") for line in lines) == 5000
