"""What a person sees while a model is found: its terms, its download. Enter at `opened`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sightline.cli.options import Jpegs, model_folder
from sightline.cli.progress import Progress
from sightline.cli.table import printable

if TYPE_CHECKING:
    from sightline.checkpoints import Checkpoint
    from sightline.embedder import Embedder
    from sightline.hub import Terms

_UNIT = 2**20  # bytes


def opened(model: str, architecture: str | None = None) -> "Checkpoint":
    """Open what MODEL says: `bundled`, a folder, a file, or the name of a published checkpoint.

    Of a published one that has to be fetched first, the licence is shown before the first byte.
    """
    from sightline.hub import open_model

    with _Download() as download:
        return open_model(
            model_folder(model), architecture=architecture, progress=download.at, on_license=_show
        )


def ready(
    model: str, architecture: str | None, *, runtime: str, precision: str, jpegs: Jpegs
) -> "Embedder":
    """Open what MODEL says for pictures that are certain to come."""
    from sightline.embedder import embedder_of

    embedder = embedder_of(
        opened(model, architecture),
        runtime=runtime,
        precision=precision,
        jpegs=jpegs,
        images_follow=True,
    )
    say_uncertified(embedder)
    return embedder


def say_uncertified(embedder: "Embedder") -> None:
    """Say on stderr where nobody measured that towers in fewer bits are right."""
    from sightline.runtime.choosing import UNCERTIFIED

    precision = embedder.towers.precision
    if precision == "float32":
        return
    _, mark, why = embedder.towers.description.partition(UNCERTIFIED)
    if mark:
        click.echo(printable(f"sightline: {precision} is {mark}{why}"), err=True)


def located(model: str) -> str | Path | None:
    """Return where the model lies that MODEL says, fetched if it has to be; None is the bundled."""
    from sightline.hub import fetch, name_at

    folder = model_folder(model)
    what = name_at(folder)
    if what is None:
        return folder
    with _Download() as download:
        return fetch(what, progress=download.at, on_license=_show).path


class _Download:
    """A line with the megabytes that have come, once any have."""

    def __init__(self) -> None:
        self._progress: Progress | None = None
        self._done = 0  # MB

    def __enter__(self) -> "_Download":
        """Draw nothing yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave nothing half drawn."""
        if self._progress is not None:
            self._progress.clear()

    def at(self, done: int, total: int, name: str) -> None:
        """Take note of bytes done, bytes in all, and the file under way."""
        if self._progress is None:
            self._progress = Progress("MB", total=total // _UNIT)
        self._progress.advance(done // _UNIT - self._done, name)
        self._done = done // _UNIT


def _show(terms: "Terms") -> None:
    """Say what may be done with a checkpoint, and where that stands."""
    known = terms.license or "not known"
    source = f" ({terms.read_in})" if terms.read_in else ""
    other = f"; the catalog has another: {terms.otherwise}" if terms.otherwise else ""
    click.echo(
        printable(f"fetching {terms.name}: licence {known}{source}{other}; read {terms.page}"),
        err=True,
    )
    if terms.caution is not None:
        click.echo(printable(terms.caution), err=True)
