"""Facts of one thing, a line or several each, as wide as the terminal. Enter at `draw`."""

import textwrap
from collections.abc import Sequence

from sightline.cli.table import Column, Table, printable, terminal_width, width_of

_GAP = 2
_LONGEST = 5000  # characters of a fact: a stranger's record may hold a text of any length


def draw(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    """Draw rows whose last cell is broken into lines instead of being cut."""
    *leading, last = columns
    named = ([column.title for column in leading], *(row[:-1] for row in rows))
    widths = [max(map(width_of, cells)) for cells in zip(*named, strict=True)]
    room = max(20, terminal_width() - sum(widths) - _GAP * len(leading))
    table = Table([*leading, last._replace(widest=room)], _nothing)
    for *cells, text in rows:
        shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
        lines = textwrap.wrap(printable(shown), room) or [""]
        table.add([*cells, lines[0]])
        for line in lines[1:]:
            table.add(["" for _ in cells] + [line])
    table.finish()


def _nothing() -> None:
    """Take no progress line away: there is none."""
