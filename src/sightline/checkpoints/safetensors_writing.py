"""Tensors as one safetensors file. Enter at `write_safetensors`."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from sightline.checkpoints.replacement import write_file
from sightline.errors import CheckpointError
from sightline.tensors import STORED

HEADER_ALIGNMENT = 64  # bytes: then each tensor of a wide type begins on a multiple of its size


class Stored(msgspec.Struct, frozen=True):
    """A tensor in the type it is stored in: words of bfloat16, which NumPy lacks, are integers."""

    dtype: str  # safetensors' name
    words: np.ndarray

    @property
    def view(self) -> memoryview:
        """The bytes, row after row."""
        return self.words.reshape(math.prod(self.words.shape)).view(np.uint8).data


def storable(name: str, array: np.ndarray) -> Stored:
    """Return an array as it is stored: little-endian, row after row.

    Raises:
        CheckpointError: It is of a type that cannot be stored, or has no name.
    """
    # Not ascontiguousarray: it would turn a scalar into a row of one.
    array = np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")
    named = {stored: kind for kind, stored in STORED.items() if kind != "BF16"}
    if not name or array.dtype not in named:
        raise CheckpointError(
            f"tensor {name!r} of type {array.dtype} cannot be stored: "
            "give it a name and a type of floats, integers or booleans"
        )
    return Stored(named[array.dtype], array)


def write_safetensors(path: Path, tensors: Mapping[str, Stored]) -> None:
    """Write tensors as transformers and others read them."""
    write_file(path, *safetensors_chunks(tensors, {}))


def safetensors_chunks(
    tensors: Mapping[str, Stored], metadata: Mapping[str, str]
) -> list[bytes | memoryview]:
    """Return the bytes of a file in order, widest type first so that all tensors are aligned."""
    # transformers asks for the format
    header: dict[str, Any] = {"__metadata__": {"format": "pt", **metadata}}
    reached = 0
    ordered = sorted(tensors, key=lambda name: (-tensors[name].words.itemsize, name))
    for name in ordered:
        words = tensors[name].words
        header[name] = {
            "dtype": tensors[name].dtype,
            "shape": words.shape,
            "data_offsets": (reached, reached + words.nbytes),
        }
        reached += words.nbytes
    encoded = msgspec.json.encode(header)
    encoded += b" " * (-(8 + len(encoded)) % HEADER_ALIGNMENT)
    data = (tensors[name].view for name in ordered)
    return [len(encoded).to_bytes(8, "little"), encoded, *data]
