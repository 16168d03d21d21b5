"""The ranges of a model's towers as a file. Enter at `read_ranges` and `write_ranges`."""

from pathlib import Path

import numpy as np

from sightline.checkpoints.replacement import replace_file
from sightline.checkpoints.safetensors_writing import safetensors_chunks, storable
from sightline.errors import CheckpointError
from sightline.runtime.ranges import TINY, Range, Ranges
from sightline.tensors import TensorFile
from sightline.tensors.safetensors_file import open_safetensors

NAME = "ranges.safetensors"
MAX_BYTES = 64 * 2**20  # those of ViT-bigG take 2 MB
LEAST_REACH = 256 * TINY  # of a range: its steps are numbers of float32 as well
ENDS, SMOOTHING = ".ends", ".smoothing"


def write_ranges(ranges: Ranges, path: Path) -> None:
    """Write ranges, whole or not at all.

    Raises:
        OSError: The disk is full, or the folder is missing or may not be written to.
    """
    arrays: dict[str, np.ndarray] = {}
    for name, found in ranges.by_name.items():
        arrays[name + ENDS] = np.array([found.low, found.high], np.float32)
        if found.smoothing is not None:
            arrays[name + SMOOTHING] = found.smoothing
    stored = {name: storable(name, array) for name, array in arrays.items()}
    replace_file(path, *safetensors_chunks(stored, {}))


def read_ranges(path: Path) -> Ranges:
    """Read ranges, which a stranger may have written.

    Raises:
        CheckpointError: The file is missing, too large or damaged, or holds no ranges.
    """
    file = open_safetensors(path)
    if len(file.mapped) > MAX_BYTES:
        raise CheckpointError(
            f"{path} has {len(file.mapped)} bytes where ranges take at most {MAX_BYTES}: "
            "calibrate the model again"
        )
    names = [name.removesuffix(ENDS) for name in file.places if name.endswith(ENDS)]
    ranges = {name: _range(file, name) for name in names}
    if len(file.places) != sum(1 + (one.smoothing is not None) for one in ranges.values()):
        raise _not_ranges(path, "something else")
    return Ranges(ranges)


def _range(file: TensorFile, name: str) -> Range:
    """Return one range, if its numbers can be one's.

    Raises:
        CheckpointError: They cannot.
    """
    ends, smoothing = _floats(file, name + ENDS), None
    if ends.shape != (2,) or not (ends[0] <= 0 <= ends[1] and ends[1] - ends[0] >= LEAST_REACH):
        raise _not_ranges(file.path, f"ends of {name} that are none")
    if name + SMOOTHING in file.places:
        smoothing = _floats(file, name + SMOOTHING)
        if smoothing.ndim != 1 or not (smoothing >= TINY).all():
            raise _not_ranges(file.path, f"a smoothing of {name} that is none")
    return Range(float(ends[0]), float(ends[1]), smoothing)


def _floats(file: TensorFile, name: str) -> np.ndarray:
    """Return a tensor of finite floats.

    Raises:
        CheckpointError: It is of another type, or not finite.
    """
    place = file.places[name]
    if place.dtype != "F32" or not np.isfinite(found := place.words(file.mapped)).all():
        raise _not_ranges(file.path, f"{name}, not finite numbers of float32")
    return found


def _not_ranges(path: Path, what: str) -> CheckpointError:
    return CheckpointError(f"{path} holds {what}: calibrate the model again")
