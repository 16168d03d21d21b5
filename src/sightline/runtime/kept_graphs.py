"""Graphs as ONNX Runtime simplified them, kept between runs. Enter at `open_kept`.

Opening the bundled image tower takes it 110 ms: it widens half precision, folds norms into
convolutions, joins what can be joined. Opening what comes out of that takes 15. Only a cache, below
`settings.home()`: what is missing or does not open is made again, and a folder that cannot be
written to is not used.
"""

import math
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import file_digest, sha256
from pathlib import Path
from typing import TYPE_CHECKING

from sightline import settings
from sightline.checkpoints import Weights
from sightline.checkpoints.digests import part_of
from sightline.checkpoints.replacement import replace_file, replacing, write_file
from sightline.errors import CheckpointError
from sightline.runtime.onnx_session import (
    SIMPLIFIED,
    TENSORS,
    Graph,
    Settings,
    engine,
    open_session,
    open_simplified,
    simplify,
)
from sightline.tensors.tensor_file import state_of

if TYPE_CHECKING:
    import onnxruntime  # type: ignore[import-untyped]

# Of a tower's weights in float32. Below, there is nothing to gain; above, a copy of a model is too
# much to leave on a disk, and a transformer in float32 is mapped as it lies in any case.
LEAST_BYTES, MOST_BYTES = 4 * 2**20, 64 * 2**20
MOST_KEPT = 16  # towers
DIGEST, STATE = "sha256", "state"


def open_kept(graph: Graph, weights: Weights, how: Settings) -> "onnxruntime.InferenceSession":
    """Open a tower as `open_session` does, from what was kept of it if there is something.

    Safe with several processes: each puts a whole folder in place, and any of them will do.

    Raises:
        CheckpointError: The graph is broken.
    """
    place = _place(graph, weights)
    if place is not None:
        with suppress(OSError, CheckpointError):  # without a cache, then
            if not place.exists():
                _keep(graph, place)
            return _open(place, how)
        shutil.rmtree(place, ignore_errors=True)
    return open_session(graph, weights, how)


def _place(graph: Graph, weights: Weights) -> Path | None:
    """Return where exactly this graph over exactly these files is kept, if it is worth it."""
    home = settings.home()
    read = (name for name in weights.names() if part_of(name) == graph.part)
    numbers = sum(math.prod(weights.place(name).shape) for name in read)
    if home is None or not weights.are_in_place() or not LEAST_BYTES <= 4 * numbers <= MOST_BYTES:
        return None
    said = f"{weights.state}\nonnxruntime {engine().__version__}"
    key = sha256(os.fsencode(said) + graph.contents).hexdigest()
    return home / "towers" / key


def _open(place: Path, how: Settings) -> "onnxruntime.InferenceSession":
    """Open what was kept, if it is still what was written.

    Files that the system says nobody has touched are not hashed again: 30 MB take 25 ms.

    Raises:
        OSError: A file is missing.
        CheckpointError: One is damaged.
    """
    state, known = _state(place), place / STATE
    if known.exists() and known.read_bytes() == state:
        return open_simplified(place, how)
    with ThreadPoolExecutor(1) as aside:
        hashed = aside.submit(_digest, place)  # as long as opening it takes
        session = open_simplified(place, how)
        if hashed.result() != (place / DIGEST).read_text(encoding="ascii"):
            raise CheckpointError(f"{place} is damaged: remove it")
    with suppress(OSError):  # it is hashed again next time, then
        replace_file(known, state)
    return session


def _state(place: Path) -> bytes:
    """Return what the system says of the files, the digest's own among them."""
    paths = (place / name for name in (SIMPLIFIED, TENSORS, DIGEST))
    return "\n".join(state_of(path.stat()) for path in paths).encode()


def _digest(place: Path) -> str:
    """Return the sha256 of a kept graph and its tensors."""
    hashed = sha256()
    for name in (SIMPLIFIED, TENSORS):
        with (place / name).open("rb") as file:
            hashed.update(file_digest(file, "sha256").digest())
    return hashed.hexdigest()


def _keep(graph: Graph, place: Path) -> None:
    """Put a simplified graph and its tensors in place, on the disk, and make room for it.

    Raises:
        OSError: It cannot be written.
        CheckpointError: The graph is broken, or ONNX Runtime could not write it.
    """
    with replacing(place) as draft:
        simplify(graph, draft)
        write_file(draft / DIGEST, _digest(draft).encode())
        write_file(draft / STATE, _state(draft))
        for path in draft.iterdir():
            with path.open("rb") as file:
                os.fsync(file.fileno())
    oldest_first = sorted(place.parent.glob("[0-9a-f]*"), key=lambda path: path.stat().st_mtime)
    for path in oldest_first[:-MOST_KEPT]:
        shutil.rmtree(path, ignore_errors=True)
