from io import BytesIO, TextIOWrapper

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.cli.table import (
    _ONE_WIDE,
    Column,
    Table,
    bar,
    fit,
    percent,
    printable,
    width_of,
)


def drawn(capsys: pytest.CaptureFixture[str], columns: list[Column], *rows: list[str]) -> list[str]:
    table = Table(columns, lambda: None)
    for row in rows:
        table.add(row)
    table.finish()
    return capsys.readouterr().out.splitlines()


def test_columns_are_as_wide_as_their_cells(capsys: pytest.CaptureFixture[str]) -> None:
    columns = [Column("name"), Column("n", align="right")]
    assert drawn(capsys, columns, ["a", "1"], ["long name", "23"]) == [
        "name        n",
        "a           1",
        "long name  23",
    ]


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("a/b/cat.jpg", "a/b/cat.jpg"),
        ("photos/2026/cat.jpg", "…/cat.jpg"),
        ("p/2026/b/cat.jpg", "…/b/cat.jpg"),
        ("photos/a-long-name.jpg", "…ng-name.jpg"),
        ("/cat-on-mat.jpg", "cat-on-mat.jpg"[-11:].rjust(12, "…")),
    ],
)
def test_a_path_loses_its_first_folders(path: str, shown: str) -> None:
    assert fit(path, 12, Column("", cut="folders")).rstrip() == shown


def test_a_label_loses_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    assert drawn(capsys, [Column("label", widest=6)], ["polar bear"])[1] == "polar…"


def test_rows_after_the_first_fifty_come_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table([Column("n")], lambda: None)
    for number in range(49):
        table.add([str(number)])
    assert capsys.readouterr().out == ""
    table.add(["49"])
    assert len(capsys.readouterr().out.splitlines()) == 51
    table.add(["123"])
    assert capsys.readouterr().out == "1…\n"


def test_no_rows_draw_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert drawn(capsys, [Column("n")]) == []


@given(st.text(max_size=12), st.integers(1, 8), st.sampled_from(["left", "right"]))
def test_a_cell_is_exactly_as_wide_as_its_column(text: str, width: int, align: str) -> None:
    column = Column("", align="left" if align == "left" else "right")
    assert width_of(fit(printable(text), width, column)) == width


def test_wide_characters_take_two_columns() -> None:
    assert fit("猫猫猫", 5, Column("")) == "猫猫…"
    assert fit("猫", 4, Column("")) == "猫  "


def test_control_characters_are_shown_not_obeyed() -> None:
    assert printable("a\x1b[2Jb\nc") == "a\\x1b[2Jb\\nc"


@pytest.mark.parametrize(
    ("share", "text"),
    [(1.0, "100 %"), (0.0996, "10 %"), (0.0312, "3.1 %"), (0.0009, "<0.1 %"), (0.0, "<0.1 %")],
)
def test_small_shares_can_be_told_apart(share: float, text: str) -> None:
    assert percent(share) == text


@given(st.floats(0, 1), st.integers(1, 40))
def test_a_bar_is_as_long_as_its_share(share: float, width: int) -> None:
    assert abs(len(bar(share, width)) - share * width) <= 1


def test_where_blocks_cannot_be_printed_a_bar_is_made_of_hashes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdout", TextIOWrapper(BytesIO(), encoding="ascii"))
    assert bar(0.5, 8) == "####"


class Terminal(TextIOWrapper):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("no_colour", "shown"),
    [("", b"\x1b[2mname\x1b[0m\n\x1b[1mcat \x1b[0m\n"), ("1", b"name\ncat\n")],
)
def test_colour_is_for_terminals_unless_it_is_not_wanted(
    monkeypatch: pytest.MonkeyPatch, no_colour: str, shown: bytes
) -> None:
    file = BytesIO()
    stream = Terminal(file, encoding="utf-8")
    monkeypatch.setattr("sys.stdout", stream)
    monkeypatch.setenv("NO_COLOR", no_colour)
    table = Table([Column("name", style="bold")], lambda: None)
    table.add(["cat"])
    table.finish()
    stream.flush()
    assert file.getvalue() == shown


def test_what_counts_as_one_column_is_what_rich_counts_so() -> None:
    from rich.cells import cell_len

    plain = [chr(code) for code in range(32, 0x3000) if _ONE_WIDE.fullmatch(chr(code))]
    assert len(plain) > 600
    assert [char for char in plain if cell_len(char) != 1] == []
    assert not _ONE_WIDE.fullmatch("中")
    assert width_of("中é·") == 4
