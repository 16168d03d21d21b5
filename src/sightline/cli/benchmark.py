"""`sightline benchmark`: this model on this machine, in each engine. Enter at `command`."""

import json
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from sightline.cli.engine_table import draw_report, machine_line
from sightline.cli.opening import located
from sightline.cli.options import (
    BUNDLED,
    PRECISIONS,
    RUNTIMES,
    architecture_option,
    json_option,
    refuse_folder,
)
from sightline.cli.progress import Progress
from sightline.cli.table import printable
from sightline.errors import ImageError

if TYPE_CHECKING:
    from sightline.measure import Figures, Report, Unavailable

_MOST_PICTURES = 64  # of the user's own: read again and again
_OWN = "your pictures"


@click.command(short_help="How fast is this model on this machine?")
@click.argument("model", required=False, default=BUNDLED)
@click.option(
    "--images",
    "paths",
    multiple=True,
    metavar="PATHS",
    help="Pictures, folders or globs to read; may be repeated; the first 64 are taken.  [default: "
    "made photos of 640 × 480 and 12 megapixels]",
)
@click.option("--runtime", type=click.Choice(RUNTIMES), help="Only in this.  [default: each]")
@click.option("--precision", type=click.Choice(PRECISIONS), help="Only in this.  [default: each]")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0),
    default=20.0,
    show_default=True,
    help="About how long to take in all; everything is measured once, whatever that takes.",
)
@click.option(
    "--plot", type=click.Path(path_type=Path, dir_okay=False), help="Draw the speeds: NAME.svg."
)
@architecture_option
@json_option
def command(
    model: str,
    paths: tuple[str, ...],
    runtime: str | None,
    precision: str | None,
    seconds: float,
    plot: Path | None,
    architecture: str | None,
    as_json: bool,
) -> int:
    """Measure a model on this machine, in each engine that runs here.

    MODEL is a folder, the name of a published checkpoint, or `bundled`, the default. All engines
    are open at once, each in a process of its own, and are measured in turn, round after round;
    figures are medians. An engine that does not run here says why.

    Example: sightline benchmark --runtime onnxruntime --seconds 1
    """
    if plot is not None:
        if plot.suffix != ".svg":
            raise click.UsageError(f"--plot {str(plot)!r} does not end in .svg: give such a name")
        refuse_folder(plot)
    from sightline.measure import engines_like, made_photos, measure

    place = located(model)
    with TemporaryDirectory() as folder, Progress("steps") as progress:
        report = measure(
            place,
            engines_like(runtime, precision),
            _own_pictures(paths) if paths else made_photos(Path(folder)),
            architecture=architecture,
            seconds=seconds,
            tell=lambda said: progress.advance(note=said),
        )
    if report.machine.is_busy:
        click.echo(
            f"this machine is busy (load {report.machine.load}), so the figures are low: measure "
            "again when it rests",
            err=True,
        )
    _print(report, as_json=as_json)
    return _drawn(report, plot)


def _own_pictures(paths: Sequence[str]) -> dict[str, list[Path]]:
    """Return the first pictures that the paths stand for."""
    from sightline import images

    found = []
    for path in islice(images.find(paths), _MOST_PICTURES):
        try:
            images.read(path)
            found.append(Path(path))
        except ImageError as error:
            click.echo(printable(f"skipped: {error}"), err=True)
    if not found:
        raise click.UsageError("--images leads to no picture: check the paths")
    return {_OWN: found}


def _print(report: "Report", *, as_json: bool) -> None:
    """Print a table, or a line an engine."""
    if not as_json:
        click.echo(machine_line(report.machine))
        draw_report(report)
        return
    import msgspec

    beside = {
        "machine": msgspec.to_builtins(report.machine),
        "fingerprint": report.fingerprint,
        "embed_dim": report.embed_dim,
        "weights_bytes": report.weights_bytes,
        "bytes_of_100000_vectors": report.vector_bytes,
    }
    for one in report.engines:
        click.echo(json.dumps(_line(one) | beside, ensure_ascii=False))


def _line(one: "Figures | Unavailable") -> dict[str, object]:
    """Return one engine as JSON can write it."""
    import msgspec

    from sightline.measure import Unavailable

    line: dict[str, object] = msgspec.to_builtins(one, str_keys=True)
    if not isinstance(one, Unavailable):
        line["hours_of_100000_photos"] = one.hours
    return line


def _drawn(report: "Report", plot: Path | None) -> int:
    """Draw the plot if one is wanted; say what the whole came to."""
    from sightline.measure import Unavailable, draw_bars

    ran = {one.engine.name: one for one in report.engines if not isinstance(one, Unavailable)}
    if not ran:
        click.echo("sightline: error: no engine ran: the lines above say why", err=True)
        return 4
    if plot is not None:
        groups: dict[str, Mapping[str, float]] = {
            "images a second, batch 16": {name: one.images_per_s[16] for name, one in ran.items()},
            "texts a second, batch 16": {name: one.texts_per_s[16] for name, one in ran.items()},
        }
        for kind in next(iter(ran.values())).files_per_s:
            files = {name: one.files_per_s[kind] for name, one in ran.items()}
            groups[f"files a second, {kind}"] = files
        plot.write_text(draw_bars(machine_line(report.machine), groups), encoding="utf-8")
    return 0
