"""`sightline data inspect`: what is in a source of pictures and words."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from sightline.cli.options import json_option
from sightline.cli.progress import Progress
from sightline.cli.table import Column, Table, bar, printable

if TYPE_CHECKING:
    from sightline.data.survey import Spread, Survey

_LABELS_SHOWN = 12
_VALUES_SHOWN = 6  # of a group field
_BAR_COLUMNS = 30


@click.group(short_help="Look after data: inspect.")
def command() -> None:
    """Look after data.

    Example: sightline data inspect shelf/
    """


@command.command(short_help="What is in these shards, tables or class folders?")
@click.argument("uris", nargs=-1, required=True, metavar="URI...")
@click.option("--limit", type=click.IntRange(min=1), help="Look at so many pictures only.")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="Threads that decode pictures.",
)
@click.option(
    "--image-column", help="A table's column of paths, where its name is not a usual one."
)
@click.option("--text-column", help="A table's column of captions, likewise.")
@click.option("--label-column", help="A table's column of labels, likewise.")
@json_option
def inspect(
    uris: tuple[str, ...],
    limit: int | None,
    workers: int,
    image_column: str | None,
    text_column: str | None,
    label_column: str | None,
    as_json: bool,
) -> int:
    """Count what is in a source, decode every picture, and show samples.

    URI is a folder of class folders, a table of paths and captions (.csv, .tsv, .jsonl, .parquet)
    or tar shards; braces (shard-{000..012}.tar) and globs stand for several. Ends with 3 where
    something was skipped.

    Example: sightline data inspect shelf/
    """
    from sightline.data import Columns, open_source
    from sightline.data.survey import survey

    columns = Columns(image=image_column, text=text_column, label=label_column)
    source = open_source(uris, columns=columns)
    with Progress("pictures") as progress:
        found = survey(source, workers=workers, limit=limit, on_image=progress.advance)
    if as_json:
        import msgspec

        click.echo(msgspec.json.encode(found))
    else:
        _show(found)
    if not found.skipped_count:
        return 0
    return 3 if found.images else 4


def _show(found: "Survey") -> None:
    """Print a survey for people: what it is, labels, groups, samples, and what was skipped."""
    click.echo(f"{printable(found.source)}: {_headline(found)}")
    formats = [f"{name} {count:,}" for name, count in found.formats.items()]
    facts = [
        ("formats", ", ".join(formats)),
        ("width", _range(found.width_px, "px")),
        ("height", _range(found.height_px, "px")),
        ("file size", _range(found.file_bytes, "bytes")),
        ("captions an image", _range(found.captions_per_image, "")),
    ]
    _print_rows([Column(""), Column("", widest=90)], [fact for fact in facts if fact[1]])
    _show_labels(found)
    for field, values in found.groups.items():
        shown = [f"{value} {count:,}" for value, count in list(values.items())[:_VALUES_SHOWN]]
        more = len(values) - len(shown)
        rest = f", and {more:,} more" if more else ""
        click.echo(f"\ngroup {printable(field)}: {printable(', '.join(shown))}{rest}")
    click.echo()
    samples = [(sample.key, text) for sample in found.samples for text in sample.texts[:2]]
    _print_rows([Column("sample", widest=36, cut="folders"), Column("text", widest=90)], samples)
    _show_skipped(found)


def _headline(found: "Survey") -> str:
    """Say in one line how much there is."""
    counted = [
        (found.images, "image"),
        (found.captions, "caption"),
        (len(found.labels), "label"),
        (found.skipped_count, "skipped"),
    ]
    shards = _number(found.shards, "shard")
    return ", ".join([shards, *(_number(count, what) for count, what in counted if count)])


def _number(count: int, what: str) -> str:
    plural = "" if count == 1 or what == "skipped" else "s"
    return f"{count:,} {what}{plural}"


def _range(spread: "Spread | None", unit: str) -> str:
    """Write smallest to largest and the middle, or the one value that all have."""
    if spread is None:
        return ""
    if spread.least == spread.most:
        return f"{spread.least:,} {unit}".strip()
    return f"{spread.least:,} to {spread.most:,} {unit}".strip() + f", median {spread.median:,.10g}"


def _show_labels(found: "Survey") -> None:
    """Draw the most frequent labels as bars."""
    if not found.labels:
        return
    click.echo()
    most = max(found.labels.values())
    rows = [
        (label, f"{count:,}", bar(count / most, _BAR_COLUMNS))
        for label, count in list(found.labels.items())[:_LABELS_SHOWN]
    ]
    columns = [Column("label"), Column("images", align="right"), Column("", style="bar")]
    _print_rows(columns, rows)
    if len(found.labels) > _LABELS_SHOWN:
        least = min(found.labels.values())
        click.echo(f"and {len(found.labels) - _LABELS_SHOWN:,} more, the least with {least:,}")
    if found.unlabelled:
        click.echo(f"{_number(found.unlabelled, 'image')} without a label")


def _show_skipped(found: "Survey") -> None:
    """List what was skipped, by kind, with the first few of each."""
    for kind, row in found.skipped.items():
        click.echo(f"\nskipped, {kind}: {row.count:,}")
        for skipped in row.first:
            click.echo(f"  {printable(skipped.reason)}")


def _print_rows(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    table = Table(columns, lambda: None)
    for row in rows:
        table.add(row)
    table.finish()
