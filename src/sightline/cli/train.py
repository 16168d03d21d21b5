"""`sightline train`: make a model from a recipe. Enter at `command`."""

import shlex
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from sightline.cli.progress import Progress
from sightline.cli.table import printable

if TYPE_CHECKING:
    from sightline.data import Source, Tally
    from sightline.embedder import Embedder

INTERRUPTED = 130


@click.command(short_help="Make a model from a recipe.")
@click.argument("recipe", type=click.Path(path_type=Path), metavar="RECIPE.toml")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="The run folder: state, metrics, model, report.  [default: runs/NAME, the recipe's name]",
)
@click.option("--resume", is_flag=True, help="Go on with the run in that folder.")
def command(recipe: Path, overrides: tuple[str, ...], out: Path | None, resume: bool) -> int:
    """Train a model as RECIPE.toml says, with some of its values replaced.

    Addresses of data in a recipe start at the current folder. Ctrl-C ends the step, saves the
    state and stops; a run that was interrupted or killed goes on with --resume, and ends in the
    same weights as one that never stopped. What is still to come may be changed then: stages that
    have not begun, `evaluation`, `save_every`, `threads`.

    Example: sightline train recipes/bundled.toml seed=1 --out runs/mine
    """
    from sightline.train import pretrain, read_recipe
    from sightline.train.state import steps_done
    from sightline.verify import write_canaries

    plan = read_recipe(recipe, overrides)
    folder = Path("runs") / plan.name if out is None else out
    left = plan.examples_after(steps_done(folder) if resume else 0)
    again = ["sightline", "train", str(recipe), *overrides, "--out", str(folder), "--resume"]
    with Progress("examples", total=left) as progress, _interruptible(progress) as interrupt:

        def watch(examples: int, losses: Mapping[str, float]) -> None:
            interrupt.can_wait = True
            noted = " · ".join(f"{name} {value:.3f}" for name, value in losses.items())
            progress.advance(examples, noted)

        trained = pretrain(
            plan, folder, resume=resume, watch=watch, measure=_measure, stop=interrupt.is_asked
        )
    _say_what_was_skipped(trained.skipped)
    if not trained.is_done:
        click.echo(
            f"interrupted after step {trained.steps:,} of {plan.steps:,}, the state is saved; "
            f"go on with: {shlex.join(again)}",
            err=True,
        )
        return INTERRUPTED
    write_canaries(trained.model)
    click.echo(f"model: {trained.model}")
    click.echo(f"report: {trained.report}")
    return 3 if trained.skipped.total else 0


def _measure(embedder: "Embedder", source: "Source") -> dict[str, float]:
    """Measure the live model as `sightline evaluate` would."""
    from sightline.evaluate import run

    result = run(embedder, source)
    return {f"{result.dataset}/{name}": value for name, value in result.metrics.items()}


class _Interrupt:
    """Whether Ctrl-C or SIGTERM came; a second one, or one before the first step, stops at once."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._asked = False
        self.can_wait = False

    def is_asked(self) -> bool:
        """Return whether to stop after this step."""
        return self._asked

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        """Take the signal."""
        if self._asked or not self.can_wait:
            raise KeyboardInterrupt
        self._asked = True
        self._progress.clear()
        click.echo("stopping after this step; once more Ctrl-C stops at once", err=True)


@contextmanager
def _interruptible(progress: Progress) -> Iterator[_Interrupt]:
    """Take Ctrl-C and SIGTERM between two steps, where the state is whole, inside the block."""
    interrupt = _Interrupt(progress)
    before = {each: signal.signal(each, interrupt) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interrupt
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _say_what_was_skipped(skipped: "Tally") -> None:
    """List on stderr what was passed by, the first of each kind."""
    for kind, counted in skipped.kinds().items():
        click.echo(f"skipped ({kind}): {counted.count:,}", err=True)
        for each in counted.first:
            click.echo(f"  {printable(each.reason)}", err=True)
