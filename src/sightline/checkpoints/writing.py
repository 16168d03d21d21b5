"""Write a model folder whole, or not at all. Enter at `write`."""

import math
from collections.abc import Mapping
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from sightline.checkpoints.folder import CALIBRATION, MANIFEST, TOKENIZER, WEIGHTS
from sightline.checkpoints.manifest import Manifest, Record, TensorRecord, to_json
from sightline.checkpoints.replacement import replacing, write_file
from sightline.checkpoints.weights import STORED
from sightline.errors import CheckpointError
from sightline.spec.document import spec_from_json, spec_to_json
from sightline.spec.towers import Spec

HEADER_ALIGNMENT = 64  # bytes: then each tensor of a wide type begins on a multiple of its size


def write(
    folder: str | Path,
    *,
    spec: Spec,
    tensors: Mapping[str, np.ndarray],
    record: Record,
    tokenizer_file: Path | None = None,
    calibration: Mapping[str, Any] | None = None,
) -> None:
    """Write a model folder beside its place and rename it there; a folder before it is replaced.

    Args:
        folder: Where; a folder that holds anything but a model is left alone.
        spec: What the model is.
        tensors: Name → array, stored in the array's own precision.
        record: Origin, licence and training data.
        tokenizer_file: The tokenizer.json to bring along; None where the tokenizer is CLIP's own.
        calibration: What goes into calibration.json; None leaves the model without one.

    Raises:
        CheckpointError: Something that cannot be stored, a place that is taken, a full disk.
    """
    folder = Path(folder)
    _check_place(folder)
    arrays = {name: _storable(name, tensors[name]) for name in sorted(tensors)}
    try:
        tokenizer = _tokenizer(spec, tokenizer_file)
        manifest = _manifest(spec, arrays, record, tokenizer)
        with replacing(folder) as draft:
            write_safetensors(draft / WEIGHTS, arrays)
            if tokenizer is not None:
                write_file(draft / TOKENIZER, tokenizer)
            if calibration is not None:
                write_file(draft / CALIBRATION, msgspec.json.encode(calibration))
            write_file(draft / MANIFEST, to_json(manifest))
    except OSError as error:
        raise CheckpointError(
            f"model folder {folder} cannot be written ({error.strerror or error}): "
            "free some space or choose another place; what was there before is untouched"
        ) from error


def write_safetensors(path: Path, tensors: Mapping[str, np.ndarray]) -> None:
    """Write tensors as one safetensors file, widest type first so that all of them are aligned."""
    header: dict[str, Any] = {}
    reached = 0
    ordered = sorted(tensors, key=lambda name: (-tensors[name].itemsize, name))
    for name in ordered:
        array = tensors[name]
        header[name] = {
            "dtype": _dtype(array),
            "shape": array.shape,
            "data_offsets": (reached, reached + array.nbytes),
        }
        reached += array.nbytes
    encoded = msgspec.json.encode(header)
    encoded += b" " * (-(8 + len(encoded)) % HEADER_ALIGNMENT)
    data = (_bytes(tensors[name]) for name in ordered)
    write_file(path, len(encoded).to_bytes(8, "little"), encoded, *data)


def _check_place(folder: Path) -> None:
    """Refuse to replace anything but a model folder."""
    if folder.is_dir():
        names = sorted(path.name for path in folder.iterdir())
        if names and MANIFEST not in names:
            raise CheckpointError(
                f"{folder} holds {names[0]} and no {MANIFEST}, so it is no model folder to "
                "replace: choose another place"
            )
    elif folder.exists():
        raise CheckpointError(f"{folder} is a file: choose another place for the model folder")


def _storable(name: str, array: np.ndarray) -> np.ndarray:
    """Return the array in the layout of the file: little-endian, row after row."""
    # Not ascontiguousarray: it would turn a scalar into a row of one.
    array = np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")
    if not name or _dtype(array) is None:
        raise CheckpointError(
            f"tensor {name!r} of type {array.dtype} cannot be stored: "
            "give it a name and a type of floats, integers or booleans"
        )
    return array


def _dtype(array: np.ndarray) -> str | None:
    """Return safetensors' name of an array's type; bfloat16 is not among NumPy's."""
    named = {stored: name for name, stored in STORED.items() if name != "BF16"}
    return named.get(array.dtype)


def _bytes(array: np.ndarray) -> memoryview:
    """View an array's memory."""
    return array.reshape(math.prod(array.shape)).view(np.uint8).data


def _tokenizer(spec: Spec, path: Path | None) -> bytes | None:
    """Return tokenizer.json's bytes, given exactly where the spec asks for a file."""
    if (spec.words.tokenizer == "file") != (path is not None):
        raise CheckpointError(
            f"the spec's tokenizer is {spec.words.tokenizer!r} and the tokenizer file is {path}: "
            "give a file for 'file', and none otherwise"
        )
    return None if path is None else path.read_bytes()


def _manifest(
    spec: Spec, arrays: Mapping[str, np.ndarray], record: Record, tokenizer: bytes | None
) -> Manifest:
    """Describe the folder."""
    created_with = {"sightline": version("sightline"), **record.created_with}
    return Manifest(
        # Through JSON and back, so that a whole number given for a float gives one fingerprint.
        spec=spec_from_json(spec_to_json(spec)),
        record=msgspec.structs.replace(record, created_with=created_with),
        tokenizer=None if tokenizer is None else sha256(tokenizer).hexdigest(),
        tensors={
            name: TensorRecord(
                dtype=str(_dtype(array)),
                shape=array.shape,
                sha256=sha256(_bytes(array)).hexdigest(),
            )
            for name, array in arrays.items()
        },
    )
