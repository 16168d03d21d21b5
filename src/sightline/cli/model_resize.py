"""`sightline models resize`: the same model for pictures of another size."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sightline.cli.opening import opened
from sightline.cli.options import architecture_option, model_argument
from sightline.cli.table import printable

if TYPE_CHECKING:
    from sightline.spec import Spec

RULES = ("antialias", "plain")


@click.command(short_help="Write a model for pictures of another size.")
@model_argument
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--size", "size_px", type=int, required=True, help="The edge of the pictures, in px.")
@click.option(
    "--how",
    type=click.Choice(RULES),
    help="How learned positions are resized: `antialias` as OpenCLIP does it, `plain` as Hugging "
    "Face does it; by default as the library whose files MODEL is.",
)
@architecture_option
def resize(
    model: str, folder: Path, size_px: int, how: str | None, architecture: str | None
) -> int:
    """Write MODEL (a model folder, a file of weights, or `bundled`) to DIR for a size of pictures.

    The result is another model, with a fingerprint and canaries of its own. Calibration and card
    stay behind: both say what was measured at the old size.

    Example: sightline models resize bundled bigger --size 96 --how antialias
    """
    from sightline.checkpoints import resize as write_at
    from sightline.verify import write_canaries

    checkpoint = opened(model, architecture)
    written = write_at(checkpoint, folder, size_px, how, seal=write_canaries)
    click.echo(f"wrote {printable(str(folder))}: pictures of {size_px} px, {_positions(written)}")
    return 0


def _positions(spec: "Spec") -> str:
    """Say what became of the positions."""
    rule, grid = spec.image.position_resized, spec.image.grid
    if rule == "no":
        return "no position changed"
    return f"positions resized to {grid} × {grid} ({rule})"
