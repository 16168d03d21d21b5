"""A digest of each tensor, computed once for files that do not change.

Enter at `digests`, or at `part_digests` for one tower.
"""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import msgspec

from sightline import settings
from sightline.checkpoints.manifest import TensorRecord
from sightline.checkpoints.replacement import replace_file
from sightline.checkpoints.weights import Weights

Part: TypeAlias = Literal["image", "text", "head"]  # the head: what is of neither tower
PARTS: tuple[Part, ...] = get_args(Part)


def digests(weights: Weights) -> Mapping[str, TensorRecord]:
    """Return name → type, shape and sha256 of each tensor."""
    return {name: one for part in PARTS for name, one in part_digests(weights, part).items()}


def part_digests(weights: Weights, part: Part) -> Mapping[str, TensorRecord]:
    """Return the same of one tower's tensors alone, or of those of neither.

    They are kept below `settings.home()` under what the system says of the files (place, size,
    time of the last change): reading a gigabyte takes most of a second, looking takes none.
    Whoever can change a file without its time can change what is kept as well.
    """
    names = [name for name in weights.names() if part_of(name) == part]
    place = _kept_at(weights, names)
    kept = None if place is None else _read(place)
    if kept is not None and kept.keys() == set(names):
        return kept
    made = computed(weights, names)
    if place is not None:
        _keep(place, made)
    return made


def computed(weights: Weights, names: Sequence[str] | None = None) -> Mapping[str, TensorRecord]:
    """Return the same, from the bytes as they are now, whatever was kept.

    Args:
        weights: Opened files.
        names: Of these tensors; None is all.
    """
    names = weights.names() if names is None else names
    # Or else one thread would be left with the table of tokens while the others rest.
    largest_first = sorted(names, key=lambda name: weights.place(name).length, reverse=True)
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # hashing lets other threads run
        hashed = dict(zip(largest_first, pool.map(weights.digest, largest_first), strict=True))
    return {name: _record(weights, name, hashed[name]) for name in names}


def part_of(name: str) -> Part:
    """Return which part of a model a tensor belongs to, by our name for it."""
    tower = name.partition(".")[0]
    return "image" if tower == "image" else "text" if tower == "text" else "head"


def _record(weights: Weights, name: str, digest: str) -> TensorRecord:
    place = weights.place(name)
    return TensorRecord(dtype=place.dtype, shape=place.shape, sha256=digest)


def _kept_at(weights: Weights, names: Sequence[str]) -> Path | None:
    """Return where the digests of exactly these files are kept, seen by exactly these names."""
    home = settings.home()
    if home is None:
        return None
    said = [weights.state]
    said += [f"{name} {weights.place(name)}" for name in names]
    key = sha256(os.fsencode("\n".join(said))).hexdigest()
    return home / "digests" / f"{key}.json"


def _read(place: Path) -> Mapping[str, TensorRecord] | None:
    """Read what was kept; a damaged file is as good as none."""
    try:
        return msgspec.json.decode(place.read_bytes(), type=dict[str, TensorRecord])
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def _keep(place: Path, made: Mapping[str, TensorRecord]) -> None:
    """Keep digests; a cache that may not be written to costs time and nothing else."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        replace_file(place, msgspec.json.encode(made))
    except OSError:
        return
