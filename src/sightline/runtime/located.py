"""Where an engine finds a model's files by itself. Enter at `located`."""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec
import numpy as np

from sightline.checkpoints import Weights

IN_MEMORY = "*/_ORT_MEM_ADDR_/*"


class Located(msgspec.Struct, frozen=True):
    """A folder and, for each file of weights, its name below it and the place of its first byte."""

    folder: Path
    names: Mapping[Path, str]
    starts: Mapping[Path, int] = {}  # 0 for those not named


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


def in_memory(weights: Weights) -> Located:
    """Return the mapped files as addresses, for an engine that opens a graph in this process.

    By the name that ONNX Runtime and OpenVINO know for it an offset is an address. The bytes are
    those that were checked, wherever their files are by now; they must outlive what is opened.
    """
    starts = {
        path: np.frombuffer(mapped, np.uint8).ctypes.data
        for path, mapped in weights.buffers.items()
    }
    return Located(weights.path.parent, dict.fromkeys(starts, IN_MEMORY), starts)
