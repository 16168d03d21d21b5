"""Arguments and options that several verbs have, and their checks. Enter at `image_paths`."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import click

from sightline.cli.table import printable

if TYPE_CHECKING:
    from sightline.spec import Words

Format: TypeAlias = Literal["table", "json", "csv"]
Jpegs: TypeAlias = Literal["careful", "fast"]
LongTexts: TypeAlias = Literal["cut", "window"]
BUNDLED = "bundled"

image_paths = click.argument("paths", nargs=-1, required=True, metavar="PATHS...")
model_argument = click.argument("model")
model_option = click.option(
    "--model",
    default=BUNDLED,
    show_default=True,
    envvar="SIGHTLINE_MODEL",
    show_envvar=True,
    metavar="MODEL",
    help="A model folder, the name of a published checkpoint (`sightline models list`), or "
    f"`{BUNDLED}`: the model that comes with Sightline.",
)
architecture_option = click.option(
    "--architecture",
    metavar="NAME",
    help="Of a file of weights that does not say what it is, as OpenCLIP spells it: ViT-B-32.",
)
RUNTIMES = ("onnxruntime", "openvino", "torch")
PRECISIONS = ("float32", "bfloat16", "float16", "int8")
runtime_option = click.option(
    "--runtime",
    type=click.Choice(["auto", *RUNTIMES]),
    default="auto",
    show_default=True,
    help="What the model runs in.",
)
precision_option = click.option(
    "--precision",
    type=click.Choice(["auto", *PRECISIONS]),
    default="auto",
    show_default=True,
    help="What it computes in. `auto` is float32, or quicker where a certificate allows it "
    "(`sightline models certify`).",
)
jpegs_option = click.option(
    "--jpegs",
    type=click.Choice(["careful", "fast"]),
    default="careful",
    show_default=True,
    help="`fast` decodes JPEGs as small as the model sees them: quicker on large photos, and "
    "vectors move a little.",
)
long_texts_option = click.option(
    "--long-texts",
    type=click.Choice(get_args(LongTexts)),
    default="cut",
    show_default=True,
    help="What becomes of a text that the model cannot read at once: `cut` loses its end, `window` "
    "reads it piece by piece and averages what the pieces say. Each is named on stderr.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
csv_option = click.option("--csv", "as_csv", is_flag=True, help="Print comma-separated values.")


def model_folder(model: str) -> str | None:
    """Return the folder that a MODEL names; None is the model that comes with the package.

    The word wins over a folder of that name, which is `./bundled`: what a command means does not
    change with the folder it is given in.
    """
    refuse_blank("MODEL", model, f"give a model folder, or {BUNDLED!r}")
    return None if model == BUNDLED else model


def refuse_blank(what: str, given: str, instead: str) -> None:
    """Refuse an empty text, as an unset shell variable leaves it: as a path it would be `.`."""
    if not given.strip():
        raise click.UsageError(f"{what} is blank: {instead}")


def chosen_format(*, as_json: bool, as_csv: bool) -> Format:
    """Return the one format that was asked for."""
    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other: give one")
    return "json" if as_json else "csv" if as_csv else "table"


def say_what_is_long(texts: Sequence[str], words: "Words", long_texts: LongTexts) -> None:
    """List the texts that the model cannot read at once, and what becomes of them."""
    for text, count in zip(texts, words.windows(texts).counts.tolist(), strict=True):
        if count == 1:
            continue
        name = repr(printable(text if len(text) <= 60 else f"{text[:60]}…"))
        has = f"{name} has more than the {words.recipe.context_length} tokens that this model reads"
        if long_texts == "cut":
            click.echo(f"cut: {has}, so its end is not seen", err=True)
        else:
            click.echo(f"read in {count} windows: {has} at once", err=True)


def refuse_folder(path: Path) -> None:
    """Refuse an output whose folder is not there, before any work is done."""
    if not os.path.isdir(path.parent):
        raise click.UsageError(f"folder {str(path.parent)!r} does not exist: make it first")
