"""The name of a published checkpoint → a `Checkpoint`. Enter at `named` and `open_published`."""

import dataclasses
from collections.abc import Callable

import msgspec

from sightline.checkpoints import Checkpoint, Record, read
from sightline.errors import CheckpointError
from sightline.hub.catalog import Entry
from sightline.hub.client import Fetched, Terms, caution, fetch
from sightline.hub.progress import Progress
from sightline.hub.spelling import Repository, hinted, resolve


def open_published(
    what: Entry | Repository,
    *,
    architecture: str | None,
    offline: bool,
    progress: Progress | None,
    on_license: Callable[[Terms], None] | None,
) -> Checkpoint:
    """Open what `named` found, fetched first if it has to be; the rest is as in `open_model`.

    Raises:
        CheckpointError: What was fetched is not a model.
        RemoteError: It cannot be had.
    """
    found = fetch(what, offline=offline, progress=progress, on_license=on_license)
    checkpoint = read(found.path, architecture=architecture)
    said = caution(found.unverified)
    return dataclasses.replace(
        checkpoint,
        record=_record(what, found, checkpoint.record),
        remarks=checkpoint.remarks if said is None else (*checkpoint.remarks, said),
    )


def named(text: str) -> Entry | Repository:
    """Return the published checkpoint that a text names.

    Raises:
        CheckpointError: There is none of that name.
    """
    try:
        what = resolve(text)
    except CheckpointError as error:
        raise CheckpointError(f"there is no model folder {text!r}, and {error}") from error
    if isinstance(what, Repository) and ":" not in text:
        same = "".join(f", or take the catalog's {name}" for name in hinted(text))
        raise CheckpointError(
            f"there is no model folder {text!r}, and the catalog has no such checkpoint: check the "
            f"path, or write hf-hub:{text} to fetch it from the hub{same}"
        )
    return what


def _record(what: Entry | Repository, found: Fetched, read_from: Record) -> Record:
    """Say where a checkpoint was fetched from, and what the catalog knows of it."""
    at = "" if found.commit is None else f" at {found.commit}"
    where = what.source.page if isinstance(what, Entry) else f"https://huggingface.co/{what.name}"
    seen = what.training_data if isinstance(what, Entry) else None
    return msgspec.structs.replace(
        read_from,
        origin=f"{what.name}, fetched from {where}{at}",
        license=found.license or read_from.license,
        training_data=read_from.training_data if seen is None else (seen,),
    )
