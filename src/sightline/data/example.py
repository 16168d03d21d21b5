"""What every source yields: examples, what was skipped, and why. Enter at `Example`."""

import os
from collections.abc import Mapping

import msgspec

KEPT = 5  # skipped inputs named per kind; the rest is counted only


class Example(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One picture with its words, still encoded.

    `texts` is never empty: where a record has a label and no caption, it is the label alone.
    """

    key: str  # unique inside its shard, folder or table
    image: bytes  # the file's bytes, as stored
    texts: tuple[str, ...]
    label: str | None = None
    group: Mapping[str, str] = {}  # msgspec copies a mutable default for each instance
    source: str = ""  # the record's own `source`, else the name of the source it was read from


def storable(name: str) -> str:
    """Write a file name's bytes that are not UTF-8 as escapes, so that any file can hold it."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


class Skipped(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One input that gave no example."""

    key: str
    kind: str  # a few words that many skipped inputs share
    reason: str  # one sentence about this one


class Counted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many inputs of one kind were skipped."""

    count: int
    first: tuple[Skipped, ...]


class Tally:
    """How many inputs were skipped, by kind, with the first few of each."""

    def __init__(self) -> None:
        self._kinds: dict[str, Counted] = {}

    def add(self, skipped: Skipped) -> None:
        """Count one, and keep it if it is among the first of its kind."""
        self._merge(skipped.kind, 1, (skipped,))

    def merge(self, other: "Tally") -> None:
        """Add what another one has counted."""
        for kind, counted in other.kinds().items():
            self._merge(kind, counted.count, counted.first)

    def _merge(self, kind: str, count: int, first: tuple[Skipped, ...]) -> None:
        was = self._kinds.get(kind, Counted(count=0, first=()))
        first = (*was.first, *first)[:KEPT] if len(was.first) < KEPT else was.first
        self._kinds[kind] = Counted(count=was.count + count, first=first)

    @property
    def total(self) -> int:
        """Number of all inputs skipped."""
        return sum(counted.count for counted in self._kinds.values())

    def kinds(self) -> dict[str, Counted]:
        """Give the counts by kind, the most frequent first."""
        rows = sorted(self._kinds.items(), key=lambda row: (-row[1].count, row[0]))
        return dict(rows)

    def restore(self, kinds: Mapping[str, Counted]) -> None:
        """Take over what `kinds` gave."""
        self._kinds = dict(kinds)
