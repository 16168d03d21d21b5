"""A path, or the name of a published checkpoint → a `Checkpoint`. Enter at `open_model`.

What is only needed for a name is imported for one.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from sightline.checkpoints import Checkpoint, read
from sightline.hub.progress import Progress

if TYPE_CHECKING:
    from sightline.hub.catalog import Entry
    from sightline.hub.client import Terms
    from sightline.hub.spelling import Repository

# What only a path begins or ends with: such a text is never looked up among names.
PATH_STARTS = (".", "/", "~", "\\")
PATH_ENDS = (".pt", ".pth", ".bin", ".ckpt", ".safetensors", "/")


def open_model(
    name_or_path: str | Path | None = None,
    *,
    architecture: str | None = None,
    offline: bool = False,
    progress: Progress | None = None,
    on_license: "Callable[[Terms], None] | None" = None,
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
    from sightline.hub.published import open_published

    return open_published(
        what,
        architecture=architecture,
        offline=offline,
        progress=progress,
        on_license=on_license,
    )


def name_at(name_or_path: str | Path | None) -> "Entry | Repository | None":
    """Return the published checkpoint that a text names; None where it is a path.

    Raises:
        CheckpointError: It is neither.
    """
    if name_or_path is None or isinstance(name_or_path, Path) or _is_path(name_or_path):
        return None
    from sightline.hub.published import named

    return named(name_or_path)


def _is_path(text: str) -> bool:
    """Tell a path by what is there, or by what no name looks like."""
    if text.startswith(PATH_STARTS) or text.endswith(PATH_ENDS):
        return True
    try:
        return Path(text).exists()
    except (OSError, ValueError):  # longer than any path, or with a zero in it
        return False
