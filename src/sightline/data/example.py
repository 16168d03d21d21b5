"""What every source yields: examples, what was skipped, and why. Enter at `Example`."""

from collections.abc import Iterator, Mapping

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


class Skipped(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One input that gave no example."""

    key: str
    kind: str  # a few words that many skipped inputs share
    reason: str  # one sentence about this one


class Tally:
    """How many inputs were skipped, by kind, with the first few of each."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._first: dict[str, list[Skipped]] = {}

    def add(self, skipped: Skipped) -> None:
        """Count one, and keep it if it is among the first of its kind."""
        self._counts[skipped.kind] = self._counts.get(skipped.kind, 0) + 1
        first = self._first.setdefault(skipped.kind, [])
        if len(first) < KEPT:
            first.append(skipped)

    @property
    def total(self) -> int:
        """Number of all inputs skipped."""
        return sum(self._counts.values())

    def __iter__(self) -> Iterator[tuple[str, int, tuple[Skipped, ...]]]:
        """Give (kind, count, the first few), the most frequent kind first."""
        for kind in sorted(self._counts, key=lambda kind: (-self._counts[kind], kind)):
            yield kind, self._counts[kind], tuple(self._first[kind])

    def to_json(self) -> dict[str, dict[str, object]]:
        """Give the counts and the first few as plain JSON values."""
        return {
            kind: {"count": count, "first": [msgspec.to_builtins(skipped) for skipped in first]}
            for kind, count, first in self
        }

    def restore(self, counts: Mapping[str, Mapping[str, object]]) -> None:
        """Take over what `to_json` gave."""
        self._counts = {kind: msgspec.convert(row["count"], int) for kind, row in counts.items()}
        self._first = {
            kind: msgspec.convert(row["first"], list[Skipped]) for kind, row in counts.items()
        }
