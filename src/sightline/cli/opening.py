"""What a person sees while a model is found: its terms, its download. Enter at `opened`."""

from typing import TYPE_CHECKING

import click

from sightline.cli.options import model_folder
from sightline.cli.progress import Progress
from sightline.cli.table import printable

if TYPE_CHECKING:
    from sightline.checkpoints import Checkpoint
    from sightline.hub import Terms

_UNIT = 2**20  # bytes


def opened(model: str, architecture: str | None = None) -> "Checkpoint":
    """Open what MODEL says: `bundled`, a folder, a file, or the name of a published checkpoint.

    Of a published one that has to be fetched first, the licence is shown before the first byte.
    """
    from sightline.hub import open_model

    progress: Progress | None = None
    before = 0

    def tell(done: int, total: int, name: str) -> None:
        """Draw how many megabytes there are."""
        nonlocal progress, before
        if progress is None:
            progress = Progress("MB", total=total // _UNIT).__enter__()
        progress.advance(done // _UNIT - before, name)
        before = done // _UNIT

    try:
        return open_model(
            model_folder(model), architecture=architecture, progress=tell, on_license=_show
        )
    finally:
        if progress is not None:
            progress.clear()


def _show(terms: "Terms") -> None:
    """Say what may be done with a checkpoint, and where that stands."""
    known = terms.license or "not known"
    source = f" ({terms.read_in})" if terms.read_in else ""
    other = f"; the catalog has another: {terms.otherwise}" if terms.otherwise else ""
    click.echo(
        printable(f"fetching {terms.name}: licence {known}{source}{other}; read {terms.page}"),
        err=True,
    )
