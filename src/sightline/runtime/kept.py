"""What an engine made of a tower, kept between runs. Enter at `opened`.

Only a cache, below `settings.home()`: what is missing or does not open is made again, and a folder
that cannot be written to is not used.
"""

import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import file_digest, sha256
from pathlib import Path
from typing import TypeVar

from sightline import settings
from sightline.checkpoints.replacement import replace_file, replacing, write_file
from sightline.errors import CheckpointError
from sightline.runtime.tower_graph import TowerGraph
from sightline.tensors.tensor_file import state_of

LEAST_BYTES = 4 * 2**20  # of a tower's weights; below, there is nothing to gain
MOST_KEPT = 16  # towers
DIGEST, STATE = "sha256", "state"  # files that hold the others' digest, and how they were then

Opened = TypeVar("Opened")


def place_of(graph: TowerGraph, engine: str, most_bytes: int) -> Path | None:
    """Return where exactly what this engine makes of this tower is kept, if it is worth it.

    Args:
        graph: The tower.
        engine: Its name, version and all that what it makes depends on.
        most_bytes: Of weights: above, a copy is too much to leave on a disk.
    """
    home = settings.home()
    worth_it = LEAST_BYTES <= graph.copy_bytes <= most_bytes
    if home is None or not graph.weights.are_in_place() or not worth_it:
        return None
    return home / "towers" / sha256(f"{engine}\n{graph.identity}".encode()).hexdigest()


def opened(
    place: Path, make: Callable[[Path], None], open_made: Callable[[Path], Opened]
) -> Opened:
    """Open what is kept, making it first where there is nothing or it is damaged.

    Safe with several processes: each puts a whole folder in place, and any of them will do.

    Args:
        place: The folder of exactly this.
        make: Fills an empty folder with files.
        open_made: Opens them.

    Raises:
        OSError: Something cannot be written.
        CheckpointError: It cannot be made.
    """
    if place.exists():
        with suppress(OSError, CheckpointError):
            return _open(place, open_made)
        shutil.rmtree(place, ignore_errors=True)
    _keep(place, make)
    return _open(place, open_made)


def _open(place: Path, open_made: Callable[[Path], Opened]) -> Opened:
    """Open what is kept, if it is still what was written.

    Files that the system says nobody has touched are not hashed again: 30 MB take 25 ms.

    Raises:
        OSError: A file is missing.
        CheckpointError: One is damaged.
    """
    state, known = _state(place), place / STATE
    if known.exists() and known.read_bytes() == state:
        return open_made(place)
    with ThreadPoolExecutor(1) as aside:
        hashed = aside.submit(_digest, place)  # as long as opening it takes
        try:
            found = open_made(place)
        finally:  # whatever an engine makes of damage, damage is what it is
            if hashed.result() != (place / DIGEST).read_text(encoding="ascii"):
                raise CheckpointError(f"{place} is damaged: remove it")
    with suppress(OSError):  # it is hashed again next time, then
        replace_file(known, state)
    return found


def _keep(place: Path, make: Callable[[Path], None]) -> None:
    """Put what is made in place, on the disk, and make room for it.

    Raises:
        OSError: It cannot be written.
        CheckpointError: It cannot be made.
    """
    with replacing(place) as draft:
        make(draft)
        write_file(draft / DIGEST, _digest(draft).encode())
        write_file(draft / STATE, _state(draft))
        for path in draft.iterdir():
            with path.open("rb") as file:
                os.fsync(file.fileno())
    oldest_first = sorted(place.parent.glob("[0-9a-f]*"), key=lambda path: path.stat().st_mtime)
    for path in oldest_first[:-MOST_KEPT]:
        shutil.rmtree(path, ignore_errors=True)


def _files(place: Path) -> list[Path]:
    """Return what was made, in one order."""
    return sorted(path for path in place.iterdir() if path.name not in (DIGEST, STATE))


def _state(place: Path) -> bytes:
    """Return what the system says of the files, the digest's own among them."""
    paths = [*_files(place), place / DIGEST]
    return "\n".join(f"{path.name} {state_of(path.stat())}" for path in paths).encode()


def _digest(place: Path) -> str:
    """Return one sha256 of all that was made."""
    hashed = sha256()
    for path in _files(place):
        with path.open("rb") as file:
            hashed.update(file_digest(file, "sha256").digest())
    return hashed.hexdigest()
