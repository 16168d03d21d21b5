"""A digest of each tensor, computed once for files that do not change. Enter at `digests`."""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import msgspec

from sightline import settings
from sightline.checkpoints.manifest import TensorRecord
from sightline.checkpoints.replacement import replace_file
from sightline.checkpoints.weights import Weights


def digests(weights: Weights) -> Mapping[str, TensorRecord]:
    """Return name → type, shape and sha256 of each tensor.

    They are kept below `settings.home()` under what the system says of the files (place, size,
    time of the last change): reading a gigabyte takes most of a second, looking takes none.
    Whoever can change a file without its time can change what is kept as well.
    """
    place = _kept_at(weights)
    kept = None if place is None else _read(place)
    if kept is not None and kept.keys() == set(weights):
        return kept
    made = computed(weights)
    if place is not None:
        _keep(place, made)
    return made


def computed(weights: Weights) -> Mapping[str, TensorRecord]:
    """Return the same, from the bytes as they are now, whatever was kept."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # hashing lets other threads run
        hashed = dict(zip(weights, pool.map(weights.digest, weights), strict=True))
    return {name: _record(weights, name, hashed[name]) for name in weights.names()}


def _record(weights: Weights, name: str, digest: str) -> TensorRecord:
    place = weights.place(name)
    return TensorRecord(dtype=place.dtype, shape=place.shape, sha256=digest)


def _kept_at(weights: Weights) -> Path | None:
    """Return where the digests of exactly these files are kept, seen by exactly these names."""
    home = settings.home()
    if home is None:
        return None
    said = [f"{file.path.resolve()} {file.state}" for file in weights.files]
    said += [f"{name} {weights.place(name)}" for name in weights.names()]
    key = sha256("\n".join(said).encode()).hexdigest()
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
