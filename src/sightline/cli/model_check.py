"""`sightline models check`: what of a model is no longer as it was written."""

from typing import TYPE_CHECKING

import click

from sightline.cli.opening import located
from sightline.cli.options import architecture_option, json_option, model_argument
from sightline.cli.sheet import draw
from sightline.cli.table import Column

if TYPE_CHECKING:
    from sightline.verify import Findings

_WORDS = {"agrees": "same", "differs": "CHANGED", "unknown": "?"}
_CODES = {True: 0, False: 1, None: 4}


@click.command(short_help="Is a model still what was written, and if not, what is wrong?")
@model_argument
@architecture_option
@json_option
def check(model: str, architecture: str | None, as_json: bool) -> int:
    """Compare MODEL (a model folder, a file of weights, or `bundled`) with its canaries.

    Tensors, tokenizer, spec, pixels, ids and vectors, and the small files that other libraries
    open, are each compared with what they were when the model was written or converted, and what is
    wrong is named. Ends with 1 where something is, and with 4 where nothing says what the model
    was. README.md may be edited.

    Example: sightline models check bundled
    """
    from sightline.verify import check as compare

    found = compare(located(model), architecture=architecture)
    if as_json:
        import msgspec

        said = {"is_itself": found.is_itself, "wrong": found.fields}
        click.echo(msgspec.json.encode({**said, **msgspec.to_builtins(found)}))
    else:
        columns = (Column("part", widest=28), Column("", style="bold"), Column("what was found"))
        rows = [(note.part, _WORDS[note.verdict], note.sentence) for note in found.notes]
        draw(columns, rows)
        click.echo(_verdict(found))
    return _CODES[found.is_itself]


def _verdict(found: "Findings") -> str:
    """Say in one line how it went."""
    if found.is_itself is None:
        return f"{found.model}: it cannot be told whether this is the model that was written"
    if found.is_itself:
        return f"{found.model}: this is the model that was written"
    return f"{found.model}: this is not the model that was written: {', '.join(found.fields)}"
