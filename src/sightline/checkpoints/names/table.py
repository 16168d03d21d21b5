"""A layout's names of tensors and ours, as rows that are read both ways. Enter at `NameTable`.

In a pattern `{}` stands for a number and a final `*` for one more part ("weight", "bias",
"running_mean" …); both sides of a row have the same ones in the same order.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

import msgspec

from sightline.tensors import Place


class Row(msgspec.Struct, frozen=True):
    """One tensor of theirs and what it is here: one tensor, or several below one another."""

    theirs: str
    ours: tuple[str, ...]
    turned: bool = False  # theirs has its input on the first axis
    lead: int = 0  # axes of length one that theirs has in front


class NameTable(msgspec.Struct, frozen=True, kw_only=True):
    """All rows of one layout."""

    title: str  # for messages: "Hugging Face's CLIP"
    rows: tuple[Row, ...]
    may_drop: tuple[str, ...] = ()  # buffers that no answer depends on


class Found(msgspec.Struct, frozen=True):
    """A file's tensors, seen through a table."""

    places: Mapping[str, Place]  # by our names
    theirs: Mapping[str, str]  # our name → the name in the file
    left_over: tuple[str, ...]  # names in the file that no row knows


class Written(msgspec.Struct, frozen=True):
    """One tensor of a file to be written."""

    theirs: str
    ours: tuple[str, ...]
    row: Row


def row(theirs: str, *ours: str, turned: bool = False, lead: int = 0) -> Row:
    """Write a row of a table."""
    return Row(theirs, ours, turned, lead)


def under(theirs: str, ours: str, rows: Iterable[Row]) -> tuple[Row, ...]:
    """Put both sides of rows behind prefixes, as a block's are in its tower."""
    return tuple(
        Row(theirs + one.theirs, tuple(ours + name for name in one.ours), one.turned, one.lead)
        for one in rows
    )


def look_up(places: Mapping[str, Place], table: NameTable) -> Found:
    """Read a file's names by a table; nothing is judged yet."""
    found: dict[str, Place] = {}
    theirs: dict[str, str] = {}
    left_over = []
    for name, place in places.items():
        known = _read_name(name, table.rows)
        if known is None:
            if not _may_drop(name, table):
                left_over.append(name)
            continue
        one, ours = known
        whole = place.transpose() if one.turned else place
        # What has no such parts stays whole: its shape is then not the one that is needed.
        parted = len(ours) > 1 and bool(whole.shape) and whole.shape[0] % len(ours) == 0
        for index, our_name in enumerate(ours):
            found[our_name] = whole.part(index, len(ours)) if parted else whole
            theirs[our_name] = name
    return Found(found, theirs, tuple(left_over))


def reads(names: Iterable[str], table: NameTable) -> bool:
    """Tell whether a table knows every name of a file."""
    return all(_read_name(name, table.rows) or _may_drop(name, table) for name in names)


def spell(names: Sequence[str], table: NameTable) -> tuple[list[Written], list[str]]:
    """Return what a file of this layout holds for tensors of ours, and which it cannot hold."""
    wanted, written, unknown = set(names), [], []
    for name in names:
        known = _write_name(name, table.rows)
        if known is None:
            unknown.append(name)
        elif known.ours[0] == name and wanted.issuperset(known.ours):  # once for all its parts
            written.append(known)
    return written, unknown


def _may_drop(name: str, table: NameTable) -> bool:
    return any(_pattern(pattern).fullmatch(name) for pattern in table.may_drop)


def _read_name(name: str, rows: Sequence[Row]) -> tuple[Row, tuple[str, ...]] | None:
    """Return the row that knows a name of theirs, and our names for it."""
    for one in rows:
        matched = _pattern(one.theirs).fullmatch(name)
        if matched:
            return one, tuple(_fill(pattern, matched.groups()) for pattern in one.ours)
    return None


def _write_name(name: str, rows: Sequence[Row]) -> Written | None:
    """Return the row that knows a name of ours, and their name for it."""
    for one in rows:
        for pattern in one.ours:
            matched = _pattern(pattern).fullmatch(name)
            if matched:
                parts = matched.groups()
                ours = tuple(_fill(each, parts) for each in one.ours)
                return Written(_fill(one.theirs, parts), ours, one)
    return None


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    """Compile a pattern of a table."""
    quoted = re.escape(pattern).replace(r"\{\}", r"(\d+)").replace(r"\*", r"([^.]+)")
    return re.compile(quoted)


def _fill(pattern: str, parts: Sequence[str]) -> str:
    """Put what a pattern stood for into another."""
    given = iter(parts)
    return re.sub(r"\{\}|\*", lambda _: next(given), pattern)
