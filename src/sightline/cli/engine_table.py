"""Engines side by side, for people. Enter at `draw_report`."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from sightline.cli.table import Column, Table, printable

if TYPE_CHECKING:
    from sightline.measure import Figures, Machine, Report

_FASTEST = "*"


def machine_line(machine: "Machine") -> str:
    """Say in one line what is measured on, with what, and how busy it is."""
    load = "" if machine.load is None else f", load {machine.load}"
    versions = ", ".join(f"{name} {number}" for name, number in machine.versions.items())
    return f"{machine.cores} × {machine.processor}, {machine.system}{load}; {versions}"


def draw_report(report: "Report") -> None:
    """Print a column for each engine that ran, a line for each that did not, and sizes."""
    from sightline.measure import Unavailable

    ran = [one for one in report.engines if not isinstance(one, Unavailable)]
    if ran:
        columns = [Column(one.engine.name, align="right", widest=24) for one in ran]
        table = Table([Column("", widest=44), *columns], lambda: None)
        for row in _rows(ran):
            table.add(row)
        table.finish()
        click.echo(f"{_FASTEST} the fastest; ×: so many times the first column")
    for one in report.engines:
        if isinstance(one, Unavailable):
            click.echo(printable(f"{one.engine.name} does not run here: {one.reason}"))
    sizes = [f"{size / 1e6:,.0f} MB in {kind}" for kind, size in report.vector_bytes.items()]
    click.echo(
        f"weights on disk: {report.weights_bytes / 1e6:,.0f} MB; vectors of 100,000 photos, "
        f"{report.embed_dim} numbers each, keys excluded: {' or '.join(sizes)}"
    )


def _rows(ran: Sequence["Figures"]) -> Iterator[list[str]]:
    """Yield the table's rows."""
    for batch in ran[0].images_per_s:
        yield _compared(f"images a second, {batch} at once", [x.images_per_s[batch] for x in ran])
    for batch in ran[0].texts_per_s:
        yield _compared(f"texts a second, {batch} at once", [x.texts_per_s[batch] for x in ran])
    for kind in ran[0].files_per_s:
        yield _compared(f"files a second, {kind}", [x.files_per_s[kind] for x in ran])
    pictures = [f"{one.picture.p50_ms:,.1f}, {one.picture.p95_ms:,.1f}" for one in ran]
    yield ["a file to its vector, ms: p50, p95", *pictures]
    texts = [f"{one.text.p50_ms:,.1f}, {one.text.p95_ms:,.1f}" for one in ran]
    yield ["a text to its vector, ms: p50, p95", *texts]
    yield ["rounds, all in turn", *(f"{one.rounds}" for one in ran)]
    yield ["opens in, s", *(f"{one.open_s:,.2f}" for one in ran)]
    yield ["memory at most, MB", *("–" if x.peak_mb is None else f"{x.peak_mb:,.0f}" for x in ran)]
    for kind in ran[0].files_per_s:
        yield [f"100,000 photos, {kind}, hours", *(f"{one.hours[kind]:,.2f}" for one in ran)]


def _compared(title: str, values: Sequence[float]) -> list[str]:
    """Mark the fastest, and say how many times the first the others are."""
    cells = [title]
    for place, value in enumerate(values):
        times = f" ({value / values[0]:.2f} ×)" if place else ""
        mark = f" {_FASTEST}" if len(values) > 1 and value == max(values) else ""
        cells.append(f"{value:,.1f}{times}{mark}")
    return cells
