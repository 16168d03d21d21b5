"""`sightline models`: look after weights. Enter at `command`; most verbs have a file of their own.

`convert` is here: from one library's layout to another's.
"""

from pathlib import Path

import click

from sightline.cli.model_catalog import list_models, pull
from sightline.cli.model_certify import certify
from sightline.cli.model_check import check
from sightline.cli.model_info import info
from sightline.cli.model_resize import resize
from sightline.cli.opening import opened
from sightline.cli.options import architecture_option, model_argument
from sightline.cli.table import printable

LAYOUTS = ("huggingface", "openclip", "openai", "sightline")


@click.command(short_help="Write a model in another library's layout, bit for bit.")
@model_argument
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--to", "layout", type=click.Choice(LAYOUTS), required=True, help="Whose layout.")
@click.option("--replace", is_flag=True, help="Replace a model folder that is there.")
@architecture_option
def convert(model: str, folder: Path, layout: str, replace: bool, architecture: str | None) -> int:
    """Write MODEL (as for `models info`) to DIR, a new folder, in another layout.

    What was written is read again and compared before it is put in place: each tensor has the
    digest that it had. A layout that cannot say what the model is, is refused. `models check` can
    then tell whether DIR is still what was written.

    Example: sightline models convert bundled copy --to sightline
    """
    from sightline.checkpoints import convert as write_as
    from sightline.verify import write_canaries

    checkpoint = opened(model, architecture)
    done = write_as(checkpoint, folder, layout, replace=replace, seal=write_canaries)
    bare = folder / "model.pt"
    place = bare if bare.is_file() else folder
    click.echo(f"wrote {printable(str(place))}: {done.tensors} tensors in {layout} layout")
    for remark in done.remarks:
        click.echo(printable(remark), err=True)
    return 0


@click.group(
    short_help="Look after weights: list, pull, info, check, convert, resize, certify.",
    commands=[list_models, pull, info, check, convert, resize, certify],
)
def command() -> None:
    """Look after weights.

    Example: sightline models info bundled
    """
