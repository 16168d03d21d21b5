"""`sightline models certify`: may a model compute in fewer bits? Enter at `certify`."""

from typing import TYPE_CHECKING

import click

from sightline.cli.certificate import draw_certificate
from sightline.cli.opening import opened
from sightline.cli.options import architecture_option, json_option, model_argument
from sightline.cli.progress import Progress
from sightline.cli.table import printable

if TYPE_CHECKING:
    from pathlib import Path

    from sightline.checkpoints import Checkpoint
    from sightline.runtime.ranges import Ranges

_RUNTIMES = ("openvino", "onnxruntime", "torch")
_PRECISIONS = ("bfloat16", "int8", "float16", "float32")


@click.command(short_help="May a model compute in fewer bits, and is it still right?")
@model_argument
@click.option(
    "--data", "uri", required=True, metavar="URI", help="Pictures with labels or captions."
)
@click.option("--precision", type=click.Choice(_PRECISIONS), required=True, help="In what.")
@click.option(
    "--runtime",
    type=click.Choice(_RUNTIMES),
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
    if (precision == "int8") != (calibrate_on is not None):
        raise click.UsageError(
            "--calibrate-on goes with --precision int8: give data that the steps are read off"
            if precision == "int8"
            else "--calibrate-on is for --precision int8 alone: leave it out"
        )
    from sightline.data import open_source
    from sightline.embedder import embedder_of
    from sightline.runtime.certificate import NAME, own_place, write_certificate
    from sightline.verify import certify as measure

    checkpoint, source = opened(model, architecture), open_source(uri)
    towers = checkpoint.folder / "towers" if beside else own_place(checkpoint)
    place = towers / f"{runtime}-{precision}"
    ranges = None if calibrate_on is None else _calibrated(checkpoint, calibrate_on, place)
    reference = embedder_of(checkpoint, runtime="onnxruntime", precision="float32")
    candidate = embedder_of(checkpoint, runtime=runtime, precision=precision)
    with Progress("pictures and texts") as progress:
        found = measure(
            reference,
            candidate,
            source,
            exact=embedder_of(checkpoint, runtime=runtime, precision="float32"),
            recipe="" if ranges is None else ranges.digest,
            on_progress=progress.advance,
        )
    write_certificate(found, place / NAME)
    if as_json:
        import msgspec

        said = {"passed": found.passed, "failures": found.failures}
        click.echo(msgspec.json.encode({**said, **msgspec.to_builtins(found)}))
    else:
        draw_certificate(found)
    click.echo(f"wrote {printable(str(place / NAME))}", err=True)
    return 0 if found.passed else 1


def _calibrated(checkpoint: "Checkpoint", uri: str, place: "Path") -> "Ranges":
    """Read steps off real data, and keep them where the model looks for them."""
    from sightline.data import open_source
    from sightline.runtime.ranges_file import NAME, write_ranges
    from sightline.verify.calibration import calibrate

    with Progress("pictures to calibrate on") as progress:
        found = calibrate(checkpoint, open_source(uri), on_progress=progress.advance)
    place.mkdir(parents=True, exist_ok=True)
    write_ranges(found, place / NAME)
    return found
