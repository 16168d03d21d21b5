"""`sightline export`: a model as a folder that runs where Sightline is not. Enter at `command`."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from sightline.cli.certificate import draw_certificate
from sightline.cli.classify import read_classes
from sightline.cli.opening import opened
from sightline.cli.options import architecture_option, model_argument, refuse_blank
from sightline.cli.progress import Progress
from sightline.cli.table import printable

if TYPE_CHECKING:
    from sightline.checkpoints import Checkpoint
    from sightline.data import Source
    from sightline.export import Plan
    from sightline.runtime.certificate import Certificate


@click.command(short_help="Write a model as a folder that runs by itself.")
@model_argument
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR",
    help="Where: a new folder, or an empty one.",
)
@click.option(
    "--format",
    "layout",
    type=click.Choice(["onnx", "openvino", "huggingface"]),
    default="onnx",
    show_default=True,
    help="What opens it.",
)
@click.option(
    "--precision",
    type=click.Choice(["float32", "float16", "int8"]),
    default="float32",
    show_default=True,
    help="float16 stores matrices in half precision and computes in float32; int8 needs a model "
    "that was calibrated.",
)
@click.option(
    "--labels",
    metavar="LIST|FILE|FOLDER",
    help="Write the vectors of these classes, as for `classify`, in place of the text tower.",
)
@click.option(
    "--template",
    "templates",
    multiple=True,
    help="A sentence with {} where the label goes; may be repeated.  [default: the model's own]",
)
@click.option(
    "--check",
    metavar="URI",
    help="Pictures with labels or captions, to certify what was written on.",
)
@click.option(
    "--page", is_flag=True, help="Add a page that runs the image tower in a browser; with --labels."
)
@click.option(
    "--onnxruntime-web",
    "engine",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="What that page computes with: node_modules/onnxruntime-web after `npm install "
    "onnxruntime-web`.",
)
@click.option("--replace", is_flag=True, help="Replace an older export that is there.")
@architecture_option
def command(
    model: str,
    folder: Path,
    layout: Literal["onnx", "openvino", "huggingface"],
    precision: Literal["float32", "float16", "int8"],
    labels: str | None,
    templates: tuple[str, ...],
    check: str | None,
    page: bool,
    engine: Path | None,
    replace: bool,
    architecture: str | None,
) -> int:
    """Write MODEL (as for `models info`) to DIR, to be run without Sightline.

    The folder holds the towers, how pictures and texts are prepared, and a script of twenty lines
    that classifies a photo. It is opened again and compared with the model; with --check a
    certificate says how near it comes on real pictures, and the exit code is 1 if that is not
    enough.

    Example: sightline export bundled --to exported --labels 'cat,dog'
    """
    if templates and labels is None:
        raise click.UsageError("--template goes into labels: give --labels too")
    if engine is not None and not page:
        raise click.UsageError("--onnxruntime-web is for a page: give --page too")
    if layout == "huggingface" and (labels is not None or page or precision != "float32"):
        raise click.UsageError(
            "--format huggingface writes the whole model as it is: leave --labels, --page and "
            "--precision out, or choose another format"
        )
    if labels is not None:
        refuse_blank("--labels", labels, "give names with commas between them, a file or a folder")
    from sightline.data import open_source

    source = None if check is None else open_source(check)
    classes = () if labels is None else read_classes(labels)
    checkpoint = opened(model, architecture)
    if layout == "huggingface":
        return _shared(checkpoint, folder, source, replace=replace)
    from sightline.export import Plan

    plan = Plan(
        format=layout,
        precision=precision,
        classes=classes,
        templates=templates or None,
        page=page,
        browser_engine=engine,
    )
    return _exported(checkpoint, folder, plan, source, replace=replace)


def _exported(
    checkpoint: "Checkpoint", folder: Path, plan: "Plan", source: "Source | None", *, replace: bool
) -> int:
    """Export, and say what was written and how near it is to the model."""
    from sightline.export import export

    with Progress("pictures and texts") as progress:
        done = export(
            checkpoint, folder, plan, replace=replace, check=source, on_progress=progress.advance
        )
    size = sum(done.sizes.values()) / 1e6
    click.echo(printable(f"wrote {folder}: {len(done.sizes)} files, {size:.1f} MB"))
    if done.certificate is None:
        near = f"{done.compared.pictures:.6f} (pictures) and {done.compared.texts:.6f} (texts)"
        click.echo(f"made examples: lowest cosine with the model's own vectors {near}")
    return _judged(done.certificate)


def _shared(
    checkpoint: "Checkpoint", folder: Path, source: "Source | None", *, replace: bool
) -> int:
    """Write what transformers opens, and say in what it differs."""
    from sightline.export import share

    with Progress("pictures and texts") as progress:
        done = share(
            checkpoint, folder, replace=replace, check=source, on_progress=progress.advance
        )
    click.echo(printable(f"wrote {folder}: {done.tensors} tensors in huggingface layout"))
    for remark in done.remarks:
        click.echo(printable(remark), err=True)
    return _judged(done.certificate)


def _judged(certificate: "Certificate | None") -> int:
    """Draw a certificate if there is one; return the exit code that it comes to."""
    if certificate is None:
        click.echo("not certified: --check DATA measures it on real pictures", err=True)
        return 0
    click.echo()
    draw_certificate(certificate)
    return 0 if certificate.passed else 1
