"""Where an engine finds a model's files by itself. Enter at `located`."""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from sightline.checkpoints import Weights


class Located(msgspec.Struct, frozen=True):
    """A folder and, for each file of weights, its name below it."""

    folder: Path
    names: Mapping[Path, str]


def located(weights: Weights) -> Located:
    """Return where the files really lie: engines follow no link that leads out of a folder.

    Args:
        weights: Opened files; a hub's cache has them as links into a folder of its own.
    """
    real = {path: path.resolve() for path in weights.buffers}
    folder = Path(os.path.commonpath([path.parent for path in real.values()]))
    return Located(folder, {path: at.relative_to(folder).as_posix() for path, at in real.items()})


def beside(weights: Weights) -> Located:
    """Return the files as neighbours of a graph that is kept in their folder."""
    return Located(weights.path.parent, {path: path.name for path in weights.buffers})
