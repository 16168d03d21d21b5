"""Tensors of a safetensors file, mapped into memory and read when asked for. Enter at `Weights`.

The header is parsed here and not by the safetensors package, because graphs point at tensors by
their place in the file (`Weights.place`) and because every refusal has to be a sentence. Format:
https://github.com/huggingface/safetensors#format.
"""

import math
import mmap
import os
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path

import msgspec
import numpy as np

from sightline.errors import CheckpointError

MAX_HEADER_BYTES = 100_000_000  # the limit of the safetensors package itself

# BF16 has no NumPy type: its words are read as integers and widened, which is exact.
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


class Place(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where one tensor lies in its file, and how it is stored there."""

    dtype: str  # safetensors' name: F32, F16, BF16, I64 …
    shape: tuple[int, ...]
    offset: int  # bytes from the start of the file
    length: int  # bytes


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One tensor as the header of the file has it."""

    dtype: str
    shape: tuple[int, ...]
    data_offsets: tuple[int, int]  # bytes from the end of the header


class Weights(Mapping[str, np.ndarray]):
    """Tensor name → read-only array over the mapped file; bfloat16 comes out as float32."""

    def __init__(self, path: Path) -> None:
        """Map a file and check its header against its length; no tensor is read.

        Raises:
            CheckpointError: The file is missing, cut short, or its header does not describe it.
        """
        self.path = path
        self._bytes = _map(path)
        header = _header(path, self._bytes)
        self._places = _places(path, header, start=8 + len(header), end=len(self._bytes))
        self.header_digest = sha256(header).hexdigest()  # two files with this same lie alike

    def __getitem__(self, name: str) -> np.ndarray:
        place = self._places[name]
        stored = STORED[place.dtype]
        count = place.length // stored.itemsize
        flat = np.frombuffer(self._bytes, stored, count, place.offset)
        if place.dtype == "BF16":
            flat = (flat.astype(np.uint32) << 16).view(np.float32)
        array = flat.reshape(place.shape)
        array.flags.writeable = False
        return array

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def names(self) -> tuple[str, ...]:
        """Return the tensors' names, sorted."""
        return tuple(sorted(self._places))

    def place(self, name: str) -> Place:
        """Return where a tensor lies, without reading it."""
        return self._places[name]

    def digest(self, name: str) -> str:
        """Return the sha256 of a tensor's bytes as they are stored."""
        place = self._places[name]
        with memoryview(self._bytes) as view:
            return sha256(view[place.offset : place.offset + place.length]).hexdigest()

    @property
    def buffer(self) -> mmap.mmap:
        """The whole mapped file, for an engine that reads tensors by their place."""
        return self._bytes


def _map(path: Path) -> mmap.mmap:
    """Map a file privately: whoever writes to an array changes neither file nor other readers."""
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size < 8:
                raise CheckpointError(f"{path} is cut short before its header: copy it again")
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be read ({error.strerror}): check that it is there and readable"
        ) from error


def _header(path: Path, mapped: mmap.mmap) -> bytes:
    """Return the header's bytes."""
    length = int.from_bytes(mapped[:8], "little")
    if length > MAX_HEADER_BYTES:
        raise CheckpointError(
            f"{path} is not a safetensors file (its header would be {length} bytes long): "
            "give a file that safetensors wrote"
        )
    if 8 + length > len(mapped):
        raise CheckpointError(f"{path} is cut short inside its header: copy it again")
    return mapped[8 : 8 + length]


def _places(path: Path, header: bytes, *, start: int, end: int) -> dict[str, Place]:
    """Read the header and check that the tensors fill the file exactly, without gap or overlap."""
    try:
        document = msgspec.json.decode(header, type=dict[str, msgspec.Raw])
        document.pop("__metadata__", None)
        entries = {name: msgspec.json.decode(raw, type=_Entry) for name, raw in document.items()}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CheckpointError(
            f"{path} has an unreadable header ({error}): copy it again"
        ) from error
    places: dict[str, Place] = {}
    reached = start
    for name, entry in sorted(entries.items(), key=lambda item: item[1].data_offsets):
        begin, stop = (start + offset for offset in entry.data_offsets)
        stored = STORED.get(entry.dtype)
        if stored is None:
            raise CheckpointError(
                f"{path} stores {name} as {entry.dtype}, which is not read here: "
                f"convert it to one of {', '.join(STORED)}"
            )
        wanted = math.prod(entry.shape) * stored.itemsize
        if begin != reached or stop - begin != wanted or min(entry.shape, default=0) < 0:
            raise CheckpointError(
                f"{path} has a header that contradicts itself at {name} (bytes {begin} to {stop} "
                f"for shape {list(entry.shape)} of {entry.dtype}): copy it again"
            )
        places[name] = Place(dtype=entry.dtype, shape=entry.shape, offset=begin, length=wanted)
        reached = stop
    if reached != end:
        fault = "cut short" if reached > end else "too long"
        raise CheckpointError(
            f"{path} is {fault}: its header ends at byte {reached} and the file at {end}: "
            "copy it again"
        )
    return places
