from io import StringIO

import pytest

from sightline.cli.progress import Progress


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def counted(stream: StringIO, *moments: float, total: int | None = None) -> str:
    clock = Clock()
    with Progress("pictures", total=total, stream=stream, clock=clock) as progress:
        for moment in moments:
            clock.now = moment
            progress.advance()
        shown = stream.getvalue()
    return shown


def test_without_a_terminal_there_is_a_line_every_ten_seconds() -> None:
    shown = counted(StringIO(), 1, 9, 10, 11, 19, 21)
    assert shown == "3 pictures · 0.3 a second · 0:10\n6 pictures · 0.3 a second · 0:21\n"


def test_a_short_command_shows_nothing() -> None:
    assert counted(StringIO(), 1, 2) == ""
    assert counted(Terminal(), 0.2, 0.4) == ""


def test_on_a_terminal_the_line_is_redrawn_and_taken_away() -> None:
    stream = Terminal()
    shown = counted(stream, 1, 1.05, 2, total=8)
    assert shown == (
        "\r\x1b[K1 of 8 pictures · 1.0 a second · 0:07 left"
        "\r\x1b[K3 of 8 pictures · 1.5 a second · 0:03 left"
    )
    assert stream.getvalue() == shown + "\r\x1b[K"


def test_the_line_is_taken_away_on_an_error_too() -> None:
    stream, clock = Terminal(), Clock()
    progress = Progress("pictures", stream=stream, clock=clock)

    def fail() -> None:
        with progress:
            clock.now = 1.0
            progress.advance(note="step 3")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert stream.getvalue() == "\r\x1b[K1 pictures · 1.0 a second · 0:01 · step 3\r\x1b[K"
