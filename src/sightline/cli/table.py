"""Rows for people: columns that fit, bars, colour only on a terminal. Enter at `Table`."""

import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import click

_HELD = 50  # rows looked at before the columns' widths are settled; the rest is drawn as it comes
_GAP = "  "
_EIGHTHS = " ▏▎▍▌▋▊▉"
# Western letters, dashes, quotes, dots and our own bars take one column each, as rich would say.
_ONE_WIDE = re.compile("[ -~\u00a0-\u00ac\u00ae-\u02ff\u2010-\u2027\u2580-\u259f]*")
_STYLES: Mapping[str, dict[str, Any]] = {
    "bold": {"bold": True},
    "dim": {"dim": True},
    "bar": {"fg": "cyan"},
}


class Column(NamedTuple):
    """One column: its heading and how it takes part in the fight for width."""

    title: str
    align: Literal["left", "right"] = "left"
    widest: int = 40  # of a terminal's columns
    cut: Literal["end", "folders"] = "end"  # what a long text gives up; a path, its first folders
    style: Literal["plain", "bold", "dim", "bar"] = "plain"


class Table:
    """Rows drawn as they come, in columns settled from the first of them."""

    def __init__(self, columns: Sequence[Column], before: Callable[[], None]) -> None:
        """Begin a table; `before` is called before each write, to take a progress line away."""
        self._columns = columns
        self._before = before
        self._held: list[Sequence[str]] = []
        self._widths: list[int] | None = None
        self._colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")

    def add(self, row: Sequence[str]) -> None:
        """Add one row of cells."""
        row = [printable(cell) for cell in row]
        if self._widths is not None:
            self._draw(row, self._widths)
            return
        self._held.append(row)
        if len(self._held) == _HELD:
            self.finish()

    def finish(self) -> None:
        """Draw what was held back."""
        if self._widths is None and self._held:
            self._widths = self._settle()
            self._draw([column.title for column in self._columns], self._widths, heading=True)
            for row in self._held:
                self._draw(row, self._widths)
        self._held = []

    def _settle(self) -> list[int]:
        """Give each column what its cells need, as far as the terminal goes."""
        widths = []
        left = terminal_width()
        for place, column in enumerate(self._columns):
            need = max(width_of(text) for text in (column.title, *(r[place] for r in self._held)))
            widths.append(max(1, min(need, column.widest, left)))
            left -= widths[-1] + len(_GAP)
        return widths

    def _draw(self, row: Sequence[str], widths: list[int], *, heading: bool = False) -> None:
        """Print one row."""
        cells = []
        for cell, width, column in zip(row, widths, self._columns, strict=True):
            text = fit(cell, width, column)
            cells.append(self._styled(text, "dim" if heading else column.style))
        self._before()
        click.echo(_GAP.join(cells).rstrip(), color=self._colour)

    def _styled(self, text: str, style: str) -> str:
        """Colour a cell where the terminal takes it."""
        if not self._colour or style == "plain":
            return text
        # Not `bold=False`: click would write "neither bold nor dim" after the style that is wanted.
        return click.style(text, **_STYLES[style])


def terminal_width() -> int:
    """Return the columns there are to draw in; 100 where nothing says."""
    return max(40, shutil.get_terminal_size((100, 24)).columns)


def printable(text: str) -> str:
    """Show control characters instead of obeying them: a file name may hold any."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def width_of(text: str) -> int:
    """Return the terminal columns a text takes: two for most Chinese, none for an accent."""
    if _ONE_WIDE.fullmatch(text):
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def fit(text: str, width: int, column: Column) -> str:
    """Cut or fill a text to exactly this width."""
    if width_of(text) > width:
        text = _last_parts(text, width) if column.cut == "folders" else text
    if width_of(text) > width:
        while text and width_of(text) > width - 1:
            text = text[1:] if column.cut == "folders" else text[:-1]
        text = f"…{text}" if column.cut == "folders" else f"{text}…"
    filling = " " * (width - width_of(text))
    return filling + text if column.align == "right" else text + filling


def _last_parts(path: str, width: int) -> str:
    """Give up the first folders of a path, as few as will do; a file's name is never given up."""
    parts = path.split("/")
    kept = ["/".join(["…", *parts[start:]]) for start in range(1, len(parts))]
    return next((short for short in kept if width_of(short) <= width), parts[-1])


def bar(share: float, width: int) -> str:
    """Draw a share between 0 and 1 as a bar.

    Example:
        >>> bar(0.5, 4), bar(0.3, 4)
        ('██', '█▏')
    """
    eighths = round(max(0.0, min(1.0, share)) * width * 8)
    whole, part = divmod(eighths, 8)
    drawn = "█" * whole + _EIGHTHS[part].strip()
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    try:
        drawn.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return "#" * round(eighths / 8)
    return drawn


def percent(share: float) -> str:
    """Write a share so that small ones can be told apart.

    Example:
        >>> percent(0.724), percent(0.0312), percent(0.0001)
        ('72 %', '3.1 %', '<0.1 %')
    """
    if share < 0.001:
        return "<0.1 %"
    return f"{share * 100:.1f} %" if share < 0.0995 else f"{share * 100:.0f} %"
