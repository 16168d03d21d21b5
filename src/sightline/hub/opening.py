"""A path, or the name of a published checkpoint → a `Checkpoint`. Enter at `open_model`."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import msgspec

from sightline.checkpoints import Checkpoint, Record, read
from sightline.errors import CheckpointError
from sightline.hub.catalog import Entry
from sightline.hub.client import Fetched, Terms, caution, fetch
from sightline.hub.progress import Progress
from sightline.hub.spelling import Repository, hinted, resolve

# What only a path begins or ends with: such a text is never looked up among names.
PATH_STARTS = (".", "/", "~", "\\")
PATH_ENDS = (".pt", ".pth", ".bin", ".ckpt", ".safetensors", "/")


def open_model(
    name_or_path: str | Path | None = None,
    *,
    architecture: str | None = None,
    offline: bool = False,
    progress: Progress | None = None,
    on_license: Callable[[Terms], None] | None = None,
) -> Checkpoint:
    """Open a model on disk, or one that is published: fetched once, verified, then kept.

    Nothing is asked of the network for what is on disk, and of the hub only what is in the catalog
    or written as its own (`hf-hub:org/name`): a mistyped path stays here.

    Args:
        name_or_path: A folder or file as `checkpoints.read` takes it, or a checkpoint's name as
            `resolve` takes it; None is the model that comes with the package.
        architecture: For a file that does not say what it is.
        offline: Take a published one from the cache alone.
        progress: As for `fetch`.
        on_license: As for `fetch`.

    Raises:
        CheckpointError: There is no such path or name, or what is there is not a model.
        RemoteError: A published checkpoint cannot be had.
    """
    what = name_at(name_or_path)
    if what is None:
        return read(name_or_path, architecture=architecture)
    found = fetch(what, offline=offline, progress=progress, on_license=on_license)
    checkpoint = read(found.path, architecture=architecture)
    said = caution(found.unverified)
    return dataclasses.replace(
        checkpoint,
        record=_record(what, found, checkpoint.record),
        remarks=checkpoint.remarks if said is None else (*checkpoint.remarks, said),
    )


def name_at(name_or_path: str | Path | None) -> Entry | Repository | None:
    """Return the published checkpoint that a text names; None where it is a path.

    Raises:
        CheckpointError: It is neither.
    """
    if name_or_path is None or isinstance(name_or_path, Path) or _is_path(name_or_path):
        return None
    return _named(name_or_path)


def _is_path(text: str) -> bool:
    """Tell a path by what is there, or by what no name looks like."""
    if text.startswith(PATH_STARTS) or text.endswith(PATH_ENDS):
        return True
    try:
        return Path(text).exists()
    except (OSError, ValueError):  # longer than any path, or with a zero in it
        return False


def _named(text: str) -> Entry | Repository:
    """Return the published checkpoint that a text names."""
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
