"""One picture after another, drawn for people or for programs. Enter at `Answer`."""

import csv
import json
import sys
from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import click

from sightline.cli.table import Column, Table, bar, percent

NONE = "none of these"
_BAR_WIDTH = 16


@runtime_checkable
class Answer(Protocol):
    """Draws the answers in one format."""

    def add(self, path: str, ranked: Sequence[tuple[str, float]], none: float | None) -> None:
        """Draw one picture's labels, best first."""

    def add_error(self, path: str, reason: str) -> None:
        """Draw one picture that was skipped, where the format has a place for it."""

    def finish(self) -> None:
        """Draw what was held back."""


class ClassifyTable:
    """One row a picture."""

    def __init__(self, before: Callable[[], None]) -> None:
        self._table = Table(
            (
                Column("picture", cut="folders", widest=36),
                Column("best label", widest=28, style="bold"),
                Column("", widest=_BAR_WIDTH, style="bar"),
                Column("score", align="right", widest=7),
                Column("runners-up", widest=80, style="dim"),
            ),
            before,
        )

    def add(self, path: str, ranked: Sequence[tuple[str, float]], none: float | None) -> None:
        """Draw the best with a bar, and what came after it in words."""
        everything = list(ranked)
        if none is not None:
            everything = sorted([*ranked, (NONE, none)], key=lambda pair: -pair[1])
        (best, share), *others = everything
        drawn = bar(share, _BAR_WIDTH).ljust(_BAR_WIDTH)
        rest = " · ".join(f"{label} {percent(score)}" for label, score in others)
        self._table.add((path, best, drawn, percent(share), rest))

    def add_error(self, path: str, reason: str) -> None:
        """Leave it to the list on stderr."""

    def finish(self) -> None:
        """Draw what was held back."""
        self._table.finish()


class JsonAnswer:
    """One object a line."""

    def __init__(self, before: Callable[[], None]) -> None:
        self._before = before

    def add(self, path: str, ranked: Sequence[tuple[str, float]], none: float | None) -> None:
        """Print the scores, best first."""
        beside = {} if none is None else {"none": _rounded(none)}
        scores = {label: _rounded(score) for label, score in ranked}
        self._print({"path": path, "scores": scores, **beside})

    def add_error(self, path: str, reason: str) -> None:
        """Print why it was skipped."""
        self._print({"path": path, "error": reason})

    def finish(self) -> None:
        """Nothing was held back."""

    def _print(self, line: dict[str, object]) -> None:
        self._before()
        click.echo(json.dumps(line, ensure_ascii=False))


class CsvAnswer:
    """One row a picture and label, best first."""

    def __init__(self, before: Callable[[], None]) -> None:
        self._before = before
        self._writer = csv.writer(sys.stdout, lineterminator="\n")
        self._writer.writerow(("path", "rank", "label", "score", "none", "error"))

    def add(self, path: str, ranked: Sequence[tuple[str, float]], none: float | None) -> None:
        """Write a row for each label."""
        self._before()
        for rank, (label, score) in enumerate(ranked, start=1):
            beside = "" if none is None else f"{none:.6g}"
            self._writer.writerow((path, rank, label, f"{score:.6g}", beside, ""))

    def add_error(self, path: str, reason: str) -> None:
        """Write a row without a label."""
        self._before()
        self._writer.writerow((path, "", "", "", "", reason))

    def finish(self) -> None:
        """Nothing was held back."""


def _rounded(score: float) -> float:
    """Keep the digits that float32 holds, so that lines stay readable."""
    return float(f"{score:.6g}")
