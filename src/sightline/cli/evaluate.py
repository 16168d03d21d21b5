"""`sightline evaluate`: measure a model on sets of images, with intervals."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sightline.cli.opening import opened, say_uncertified
from sightline.cli.options import (
    architecture_option,
    json_option,
    model_argument,
    precision_option,
    refuse_blank,
    refuse_folder,
    runtime_option,
)
from sightline.cli.progress import Progress
from sightline.cli.table import Column, Table, printable

if TYPE_CHECKING:
    from sightline.evaluate import Result
    from sightline.evaluate.result import ClassFigure

_MOST_CLASSES = 20  # more are shown on demand only
_ENDS = 5  # classes shown from either end when there are more
_MOST_SKIPPED = 10  # named on stderr; --json names more


@click.command(short_help="How good is a model, and how sure is that?")
@model_argument
@click.argument("uris", nargs=-1, required=True, metavar="URI...")
@click.option(
    "--classes",
    metavar="FILE",
    help="What labelled images may be taken for, one name a line.  [default: labels of the set]",
)
@click.option(
    "--templates",
    metavar="NAME|TEMPLATE",
    help="plain, photo, imagenet7, imagenet80, or a sentence with {}.  [default: the model's own]",
)
@architecture_option
@runtime_option
@precision_option
@click.option("--every", is_flag=True, help="Show every class and group, however many there are.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the results there as well, for `sightline card`.",
)
@json_option
def command(
    model: str,
    uris: tuple[str, ...],
    classes: str | None,
    templates: str | None,
    architecture: str | None,
    runtime: str,
    precision: str,
    every: bool,
    out: Path | None,
    as_json: bool,
) -> int:
    """Measure MODEL (a model folder, or `bundled`) on each URI.

    A set with labels gives top-1 and top-5 accuracy, per class and per group; a set with captions
    and no labels gives recall at 1, 5 and 10 both ways. All with 95 % intervals.

    Example: sightline evaluate bundled photos/demo-photos.csv
    """
    from msgspec.structs import replace

    from sightline.data import open_source
    from sightline.embedder import embedder_of
    from sightline.evaluate import run, to_json, write_results
    from sightline.scoring import read_labels

    if out is not None:
        refuse_folder(out)
    if classes is not None:
        refuse_blank("--classes", classes, "give a file of names")
    named = None if classes is None else read_labels(Path(classes))
    sources = [open_source(uri) for uri in uris]  # a wrong address stops it before any work
    embedder = embedder_of(opened(model, architecture), runtime=runtime, precision=precision)
    say_uncertified(embedder)
    changed = {"classes": classes, "templates": templates, "architecture": architecture}
    options = _options(changed | {"runtime": runtime, "precision": precision})
    results: list[Result] = []
    with Progress("images") as progress:
        for uri, source in zip(uris, sources, strict=True):
            found = run(
                embedder,
                source,
                classes=named,
                templates=templates,
                on_progress=progress.advance,
            )
            again = shlex.join(["sightline", "evaluate", model, uri, *options])
            results.append(replace(found, model=model, command=again))
            progress.clear()
            if as_json:
                click.echo(to_json(results[-1]).decode())
            if out is not None:
                write_results(out, results)
    if not as_json:
        _draw(results, every=every)
    _say_what_was_left_out(results, embedder.spec.words.context_length)
    return 3 if any(result.skipped for result in results) else 0


def _options(given: Mapping[str, str | None]) -> list[str]:
    """Write the options that change a figure as they have to be given again."""
    chosen = {name: value for name, value in given.items() if value not in (None, "auto")}
    return [word for name, value in chosen.items() for word in (f"--{name}", str(value))]


def _draw(results: Sequence["Result"], *, every: bool) -> None:
    """Draw one row for each set and metric, then the classes of each set."""
    from sightline.evaluate.table import rows

    columns = [
        Column("set", widest=28, cut="folders"),
        Column("figure", widest=44, style="bold"),
        Column("value", "right"),
        Column("95 % interval"),
        Column("chance", "right", style="dim"),
        Column("counted on", style="dim"),
    ]
    table = Table(columns, _nothing)
    for row in rows(results, every_group=every):
        table.add([row.dataset, row.metric, row.value, row.interval, row.chance, row.count])
    table.finish()
    for result in results:
        if result.classes:
            click.echo()
            _draw_classes(result, every=every)


def _draw_classes(result: "Result", *, every: bool) -> None:
    """Draw the recall of each class of one set, the best first."""
    ranked = sorted(result.classes, key=lambda each: (-each.recall.value, each.name))
    shown: list[ClassFigure] = ranked
    heading = f"class of {result.dataset}"
    if len(ranked) > _MOST_CLASSES and not every:
        shown = [*ranked[:_ENDS], *ranked[-_ENDS:]]
        heading = f"best and worst {_ENDS} of {len(ranked)} classes of {result.dataset}"
    columns = [Column(heading, widest=60), Column("recall", "right"), Column("95 % interval")]
    table = Table([*columns, Column("images", "right", style="dim")], _nothing)
    for each in shown:
        low, high = each.recall.interval
        value = f"{each.recall.value:.3f}"
        table.add([each.name, value, f"{low:.3f} to {high:.3f}", f"{each.recall.count:,}"])
    table.finish()


def _nothing() -> None:
    """Take no progress line away: it is gone by now."""


def _say_what_was_left_out(results: Sequence["Result"], context_length: int) -> None:
    """List on stderr what the figures do not speak of."""
    for result in results:
        for field, reason in result.groups_left_out.items():
            click.echo(f"{result.dataset}: no figures by {printable(field)}: {reason}", err=True)
        if result.cut:
            click.echo(
                f"{result.dataset}: captions of which only the first {context_length} tokens were "
                f"read: {result.cut:,}",
                err=True,
            )
        if result.skipped:
            click.echo(f"{result.dataset}: examples skipped: {result.skipped:,}", err=True)
        for skip in result.skipped_first[:_MOST_SKIPPED]:
            click.echo(f"  {printable(skip.key)}: {printable(skip.reason)}", err=True)
