"""Options that several verbs have, and texts that do not fit. Enter at `image_paths`."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeAlias

import click

from sightline.cli.table import printable

Format: TypeAlias = Literal["table", "json", "csv"]

image_paths = click.argument("paths", nargs=-1, required=True, metavar="PATHS...")
model_option = click.option(
    "--model",
    type=click.Path(path_type=Path),
    envvar="SIGHTLINE_MODEL",
    show_envvar=True,
    help="A model folder.  [default: the model that comes with Sightline]",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
csv_option = click.option("--csv", "as_csv", is_flag=True, help="Print comma-separated values.")


def chosen_format(*, as_json: bool, as_csv: bool) -> Format:
    """Return the one format that was asked for."""
    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other: give one")
    return "json" if as_json else "csv" if as_csv else "table"


def say_what_was_cut(texts: Sequence[str], context_length: int) -> None:
    """List the texts of which the model will not see the end."""
    for text in texts:
        shown = text if len(text) <= 60 else f"{text[:60]}…"
        click.echo(
            f"cut: {printable(shown)!r} has more than the {context_length} tokens that this model "
            "reads, so its end is not seen",
            err=True,
        )


def refuse_folder(path: Path) -> None:
    """Refuse an output whose folder is not there, before any work is done."""
    if not os.path.isdir(path.parent):
        raise click.UsageError(f"folder {str(path.parent)!r} does not exist: make it first")
