"""`sightline embed`: write the vectors of pictures to a file. Enter at `command`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from sightline.cli.opening import ready
from sightline.cli.options import (
    Jpegs,
    architecture_option,
    image_paths,
    jpegs_option,
    model_option,
    precision_option,
    refuse_folder,
    runtime_option,
)
from sightline.cli.pictures import Tally, find_pictures
from sightline.cli.progress import Progress


@click.command(short_help="Write the vectors of pictures to a file.")
@image_paths
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to: NAME.npy, NAME.safetensors or NAME.parquet; what the rows are comes beside it, "
    "in NAME.npy.json and so on.",
)
@model_option
@architecture_option
@runtime_option
@precision_option
@jpegs_option
def command(
    paths: tuple[str, ...],
    out: Path,
    model: str,
    architecture: str | None,
    runtime: str,
    precision: str,
    jpegs: Jpegs,
) -> int:
    """Write one unit vector a picture, and beside them what they are.

    PATHS are pictures, folders, globs, or - to read names from standard input. The JSON file
    beside the vectors holds the model's fingerprint, the precision, the key of each row and each
    picture that was skipped. Where no picture can be read, nothing is written. Vectors go to disk
    as they come; only the names in the folder at hand are held in memory.

    Example: sightline embed photo.jpg --out vectors.npy
    """
    from sightline.data.vector_files import SUFFIXES, sidecar_of, write_vectors

    if out.suffix not in SUFFIXES:
        known = ", ".join(SUFFIXES)
        raise click.UsageError(f"--out {str(out)!r} ends in none of {known}: choose one of them")
    refuse_folder(out)
    from sightline.embedder import Skipped

    embedder = ready(model, architecture, runtime=runtime, precision=precision, jpegs=jpegs)
    with Progress("pictures") as progress:
        tally = Tally(progress.clear, listed=True)

        def results() -> Iterator[tuple[str, Any]]:
            for path, found in embedder.stream(find_pictures(paths)):
                progress.advance()
                if isinstance(found, Skipped):
                    tally.skip(path, found.reason)
                    yield path, found.reason
                else:
                    tally.done += 1
                    yield path, found

        write_vectors(
            results(), out, embed_dim=embedder.spec.embed_dim, made_by=embedder.describe()
        )
    if tally.done:
        click.echo(
            f"{tally.done:,} vectors of {embedder.spec.embed_dim} numbers in {out}, "
            f"what they are in {sidecar_of(out)}",
            err=True,
        )
    return tally.finish()
