"""`sightline models certify`: may a model compute in fewer bits? Enter at `certify`."""

from typing import TYPE_CHECKING

import click

from sightline.cli.certificate import draw_certificate
from sightline.cli.opening import opened
from sightline.cli.options import (
    PRECISIONS,
    RUNTIMES,
    architecture_option,
    json_option,
    model_argument,
)
from sightline.cli.progress import Progress
from sightline.cli.table import printable

if TYPE_CHECKING:
    from sightline.checkpoints import Checkpoint
    from sightline.embedder import Embedder
    from sightline.runtime.ranges import Ranges


@click.command(short_help="May a model compute in fewer bits, and is it still right?")
@model_argument
@click.option(
    "--data", "uri", required=True, metavar="URI", help="Pictures with labels or captions."
)
@click.option("--precision", type=click.Choice(PRECISIONS), required=True, help="In what.")
@click.option(
    "--runtime",
    type=click.Choice(RUNTIMES),
    default="openvino",
    show_default=True,
    help="Computed by what.",
)
@click.option(
    "--calibrate-on",
    metavar="URI",
    help="For int8: pictures with captions or labels, other ones than --data, that steps are read "
    "off.",
)
@click.option(
    "--beside", is_flag=True, help="Keep it in the model's folder instead of in the cache folder."
)
@architecture_option
@json_option
def certify(
    model: str,
    uri: str,
    precision: str,
    runtime: str,
    calibrate_on: str | None,
    beside: bool,
    architecture: str | None,
    as_json: bool,
) -> int:
    """Hold MODEL in fewer bits to itself in float32, on real data.

    What comes of it is a certificate: how close vectors and answers stay, each beside its limit.
    With one that passed, and OpenVINO installed, bfloat16 is chosen by itself. int8 is calibrated
    first. Ends with 1 where it does not pass.

    Example: sightline models certify bundled --precision bfloat16 --data photos/demo-photos.csv
    """
    _check_asked(uri, precision, calibrate_on)
    from sightline.data import open_source
    from sightline.embedder import embedder_of
    from sightline.runtime.certificate import NAME, own_place, write_certificate
    from sightline.runtime.choosing import require_offered
    from sightline.runtime.ranges_file import NAME as RANGES
    from sightline.runtime.ranges_file import write_ranges
    from sightline.verify import certify as measure

    require_offered(runtime, precision)
    checkpoint, source = opened(model, architecture), open_source(uri)
    towers = checkpoint.folder / "towers" if beside else own_place(checkpoint)
    place = towers / f"{runtime}-{precision}"
    place.mkdir(parents=True, exist_ok=True)  # one that cannot be is told before minutes of work
    ranges = None if calibrate_on is None else _calibrated(checkpoint, calibrate_on)
    reference = embedder_of(checkpoint, runtime="onnxruntime", precision="float32")
    candidate = _candidate(checkpoint, reference, runtime, precision, ranges)
    with Progress("pictures and texts") as progress:
        found = measure(
            reference,
            candidate,
            source,
            exact=embedder_of(checkpoint, runtime=runtime, precision="float32"),
            recipe="" if ranges is None else ranges.digest,
            on_progress=progress.advance,
        )
    if ranges is not None:  # now, not before: those that were there stay certified until then
        write_ranges(ranges, place / RANGES)
    write_certificate(found, place / NAME)
    if as_json:
        import msgspec

        said = {"passed": found.passed, "failures": found.failures}
        click.echo(msgspec.json.encode({**said, **msgspec.to_builtins(found)}))
    else:
        draw_certificate(found)
    click.echo(f"wrote {printable(str(place / NAME))}", err=True)
    return 0 if found.passed else 1


def _check_asked(uri: str, precision: str, calibrate_on: str | None) -> None:
    """Refuse options that contradict one another."""
    if (precision == "int8") != (calibrate_on is not None):
        raise click.UsageError(
            "--calibrate-on goes with --precision int8: give data that the steps are read off"
            if precision == "int8"
            else "--calibrate-on is for --precision int8 alone: leave it out"
        )
    if calibrate_on == uri:
        raise click.UsageError(
            "--calibrate-on and --data are the same: measure on pictures that no step was read off"
        )


def _calibrated(checkpoint: "Checkpoint", uri: str) -> "Ranges":
    """Read steps off real data."""
    from sightline.data import open_source
    from sightline.verify.calibration import calibrate

    with Progress("pictures to calibrate on") as progress:
        return calibrate(checkpoint, open_source(uri), on_progress=progress.advance)


def _candidate(
    checkpoint: "Checkpoint",
    reference: "Embedder",
    runtime: str,
    precision: str,
    ranges: "Ranges | None",
) -> "Embedder":
    """Return what is measured: in eight bits by these ranges, whatever the model has already."""
    import msgspec

    from sightline.runtime.choosing import Choice
    from sightline.runtime.towers import open_chosen

    choice = Choice(runtime=runtime, precision=precision, why="to be certified", ranges=ranges)
    return msgspec.structs.replace(reference, towers=open_chosen(checkpoint, choice))
