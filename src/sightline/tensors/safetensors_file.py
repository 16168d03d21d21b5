"""A safetensors file: where each tensor lies. Enter at `open_safetensors`.

The header is parsed here and not by the safetensors package, because graphs point at tensors by
their place in the file and because every refusal has to be a sentence. Format:
https://github.com/huggingface/safetensors#format.
"""

import json
import mmap
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import msgspec

from sightline.errors import CheckpointError
from sightline.tensors.place import MAX_AXES, STORED, Place, bytes_of, is_shape
from sightline.tensors.tensor_file import TensorFile, map_file

MAX_HEADER_BYTES = 100_000_000  # the limit of the safetensors package itself


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One tensor as the header of the file has it."""

    dtype: str
    shape: tuple[int, ...]
    data_offsets: tuple[int, int]  # bytes from the end of the header


class _Header(msgspec.Struct, frozen=True):
    """The part of the header that is no tensor."""

    metadata: dict[str, str] = msgspec.field(name="__metadata__", default_factory=dict)


def open_safetensors(path: Path) -> TensorFile:
    """Map a file and check its header against its length; no tensor is read.

    Raises:
        CheckpointError: The file is missing, cut short, or its header does not describe it.
    """
    mapped, state = map_file(path)
    header = _header(path, mapped)
    places = _places(path, header, start=8 + len(header), end=len(mapped))
    digest = sha256(header).hexdigest()
    return TensorFile(path=path, mapped=mapped, state=state, places=places, digest=digest)


def metadata(file: TensorFile) -> Mapping[str, str]:
    """Return what the file's writer said beside the tensors.

    Raises:
        CheckpointError: It is not text by text.
    """
    header = file.mapped[8 : 8 + int.from_bytes(file.mapped[:8], "little")]
    try:
        return msgspec.json.decode(header, type=_Header).metadata
    except msgspec.DecodeError as error:
        raise CheckpointError(
            f"{file.path} has unreadable metadata ({error}): copy it again"
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
        json.loads(header.decode(), object_pairs_hook=_refuse_twice)
    except (ValueError, RecursionError) as error:  # of either parser
        raise CheckpointError(
            f"{path} has an unreadable header ({error}): copy it again"
        ) from error
    places: dict[str, Place] = {}
    reached = start
    for name, entry in sorted(entries.items(), key=lambda item: item[1].data_offsets):
        begin, stop = (start + offset for offset in entry.data_offsets)
        if entry.dtype not in STORED:
            raise CheckpointError(
                f"{path} stores {name} as {entry.dtype}, which is not read here: "
                f"convert it to one of {', '.join(STORED)}"
            )
        if len(entry.shape) > MAX_AXES:
            raise CheckpointError(
                f"{path} has {name} with {len(entry.shape)} axes, more than {MAX_AXES}: refused"
            )
        wanted = bytes_of(entry.dtype, entry.shape)
        if begin != reached or stop - begin != wanted or not is_shape(entry.shape):
            raise CheckpointError(
                f"{path} has a header that contradicts itself at {name} (bytes {begin} to {stop} "
                f"for shape {list(entry.shape)} of {entry.dtype}): copy it again"
            )
        places[name] = Place(
            path=path, dtype=entry.dtype, shape=entry.shape, offset=begin, length=wanted
        )
        reached = stop
    if reached != end:
        fault = "cut short" if reached > end else "too long"
        raise CheckpointError(
            f"{path} is {fault}: its header ends at byte {reached} and the file at {end}: "
            "copy it again"
        )
    return places


def _refuse_twice(pairs: list[tuple[str, object]]) -> None:
    """Refuse a name that is there twice: of two types of the same bytes msgspec keeps the last."""
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a name is there twice")
