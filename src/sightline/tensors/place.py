"""Where one tensor lies, and how it is read from there. Enter at `Place`."""

import math
import mmap
from collections.abc import Mapping
from pathlib import Path

import msgspec
import numpy as np

# safetensors' name of a type → what is stored. BF16 has no NumPy type: its words are integers.
STORED: Mapping[str, np.dtype] = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": np.dtype("<u2"),
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
    "I16": np.dtype("<i2"),
    "I8": np.dtype("i1"),
    "U8": np.dtype("u1"),
    "BOOL": np.dtype("?"),
}

MAX_AXES = 8  # a video's convolution has five; NumPy ends at 32 or 64


class Place(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One tensor as bytes of a file: row after row, or column after column of a matrix."""

    path: Path
    dtype: str  # safetensors' name: F32, F16, BF16, I64 …
    shape: tuple[int, ...]
    offset: int  # bytes from the start of the file
    length: int  # bytes
    turned: bool = False  # a matrix of which the file holds the transpose

    def transpose(self) -> "Place":
        """Return the transposed matrix, over the same bytes."""
        return msgspec.structs.replace(self, shape=self.shape[::-1], turned=not self.turned)

    def part(self, index: int, count: int) -> "Place":
        """Return one of `count` equal parts of the first axis; they lie one after the other."""
        rows, length = self.shape[0] // count, self.length // count
        return msgspec.structs.replace(
            self,
            shape=(rows, *self.shape[1:]),
            offset=self.offset + index * length,
            length=length,
        )

    def shaped(self, shape: tuple[int, ...]) -> "Place":
        """Return the same numbers under another shape of as many."""
        return msgspec.structs.replace(self, shape=shape)

    def words(self, mapped: mmap.mmap | bytearray) -> np.ndarray:
        """Return the tensor in its stored type, read-only; words of bfloat16 are integers."""
        stored = STORED[self.dtype]
        flat = np.frombuffer(mapped, stored, self.length // stored.itemsize, self.offset)
        array = flat.reshape(self.shape[::-1]).T if self.turned else flat.reshape(self.shape)
        array.flags.writeable = False
        return array

    def array(self, mapped: mmap.mmap) -> np.ndarray:
        """Return the tensor for NumPy to compute with: bfloat16 comes out as float32, exactly."""
        words = self.words(mapped)
        if self.dtype != "BF16":
            return words
        wide = words.astype(np.uint32)
        wide <<= 16
        array = wide.view(np.float32)
        array.flags.writeable = False
        return array


def bytes_of(dtype: str, shape: tuple[int, ...]) -> int:
    """Return how many bytes a tensor takes."""
    return math.prod(shape) * STORED[dtype].itemsize


def is_shape(shape: tuple[int, ...]) -> bool:
    """Tell a shape that an array can have: NumPy multiplies its axes even where one is 0."""
    return min(shape, default=0) >= 0 and math.prod(max(length, 1) for length in shape) < 2**59
