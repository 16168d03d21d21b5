"""Model folders small enough to write in a millisecond."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from sightline.checkpoints import Checkpoint, Record, Weights, read, write
from sightline.checkpoints.safetensors_writing import storable, write_safetensors
from sightline.spec.towers import Spec
from sightline.tensors import open_tensors
from tiny_specs import HYBRID, tiny_spec

RECORD = Record(origin="drawn at random", license="CC0-1.0", training_data=("nothing",))

# Of an architecture that transformers has no class for: such folders keep our names of tensors.
SPEC = tiny_spec(HYBRID)


def changed(spec: Spec, **changes: Any) -> Spec:
    """Return a spec with fields replaced, those of a part by a mapping of the part's own."""
    parts = {
        name: msgspec.structs.replace(getattr(spec, name), **change)
        if isinstance(change, Mapping)
        else change
        for name, change in changes.items()
    }
    return msgspec.structs.replace(spec, **parts)


def some_tensors(seed: int = 0) -> dict[str, np.ndarray]:
    """Return tensors of several types and shapes, for tests that run no tower."""
    draw = np.random.default_rng(seed)
    return {
        "image.stem": draw.normal(size=(4, 3, 2, 2)).astype(np.float32),
        "text.tokens": draw.normal(size=(5, 7)).astype(np.float16),
        "image.bn.count": np.array(seed, dtype=np.int64),
        "logit_scale": np.array(2.5, dtype=np.float32),
        "nothing": np.zeros((0, 3), dtype=np.float32),
        "flags": np.array([True, False, True]),
    }


def write_arrays(path: Path, tensors: Mapping[str, np.ndarray]) -> Path:
    """Write arrays as one safetensors file."""
    write_safetensors(path, {name: storable(name, array) for name, array in tensors.items()})
    return path


def weights_of(path: Path) -> Weights:
    """Open one file of tensors, under its own names."""
    return Weights(open_tensors(path))


def write_some(folder: Path, seed: int = 0, origin: str = "drawn at random") -> Checkpoint:
    """Write and read a folder of `some_tensors`."""
    record = msgspec.structs.replace(RECORD, origin=origin)
    write(folder, spec=SPEC, tensors=some_tensors(seed), record=record)
    return read(folder)


def with_a_flipped_bit(folder: Path, copy: Path, tensor: str) -> Path:
    """Copy a model folder and damage one bit in the middle of one tensor."""
    shutil.copytree(folder, copy)
    place = read(copy).weights.place(tensor)
    contents = bytearray(place.path.read_bytes())
    contents[place.offset + place.length // 2] ^= 1
    place.path.write_bytes(contents)
    return copy
