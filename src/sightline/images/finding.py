"""From what a person typed to picture files, in an order that never changes. Enter at `find`."""

import glob
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from sightline.errors import ImageError
from sightline.images.decoders import SUFFIXES
from sightline.images.reading import is_address, why_missing

# Thumbnails and machinery, not a person's pictures. Hidden files and folders (`.git`) are skipped
# by their dot.
_SKIPPED_FOLDERS = frozenset({"@eaDir", "node_modules", "__pycache__"})


def find(paths: str | Path | Iterable[str | Path]) -> Iterator[Path]:
    """List the picture files that paths, folders and globs stand for.

    A file is listed whatever its suffix, so that `read` can say what is wrong with it. A folder
    stands for the files below it that have a picture's suffix, sorted, hidden ones left out, links
    followed once. A glob stands for its hits, as a shell would have expanded it; a file whose
    name happens to hold `*`, `?` or `[` is itself. The order of the arguments is kept, and no
    file comes twice. A folder that may not be listed is given as itself.

    Args:
        paths: One path or several.

    Raises:
        ImageError: At once, before anything is listed: a path does not exist, or a glob has no hit.
    """
    if isinstance(paths, str | Path):
        paths = [paths]
    given: dict[str, Path] = {}
    for hit in (hit for path in paths for hit in _expanded(path)):
        given.setdefault(os.path.abspath(hit), hit)
    return _listed(given)


def find_each(folder: Path) -> Iterator[Path]:
    """List the picture files below each entry of a folder, sorted, entry by entry.

    Links are followed once an entry, so that two classes may share a folder; none leads back to
    the folder itself.

    Raises:
        OSError: It cannot be listed.
    """
    status = os.stat(folder)
    for name, is_folder in sorted(_wanted(folder)):
        if is_folder:
            yield from _below(folder / name, {(status.st_dev, status.st_ino)})
        else:
            yield folder / name


def _expanded(path: str | Path) -> list[Path]:
    if os.path.lexists(path):
        return [Path(path)]
    pattern = str(path)
    if is_address(pattern) or not glob.has_magic(pattern):  # an address may hold a `?`
        raise ImageError(f"{pattern!r} {why_missing(pattern)}")
    hits = sorted(map(Path, glob.glob(pattern, recursive=True)))
    if not hits:
        raise ImageError(f"{pattern!r} matches no file: check the pattern")
    return hits


def _listed(given: Mapping[str, Path]) -> Iterator[Path]:
    # A file that was named itself comes at its own place, not again in its folder's.
    named = {place for place, path in given.items() if not os.path.isdir(path)}
    seen: set[tuple[int, int]] = set()
    for place, path in given.items():
        if place in named:
            yield path
        else:
            yield from (file for file in _below(path, seen) if os.path.abspath(file) not in named)


def _below(folder: Path, seen: set[tuple[int, int]]) -> Iterator[Path]:
    """Walk one folder. `seen` holds device and inode of each folder walked: links may loop."""
    waiting = [(folder, True)]  # a stack, not recursion: folders nest deeper than Python's stack
    while waiting:
        path, is_folder = waiting.pop()
        if not is_folder:
            yield path
            continue
        try:
            status = os.stat(path)
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            below = sorted(_wanted(path), reverse=True)
        except OSError:
            yield path  # `read` says why it cannot be listed
            continue
        waiting += [(path / name, is_folder) for name, is_folder in below]


def _wanted(folder: Path) -> Iterator[tuple[str, bool]]:
    """Yield the names in one folder that are worth looking at, and whether each is a folder."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            # `entry.is_dir()` alone raises on a link that points at itself.
            is_folder = os.path.isdir(entry) if entry.is_symlink() else entry.is_dir()
            suffix = os.path.splitext(entry.name)[1].lower()
            if entry.name not in _SKIPPED_FOLDERS if is_folder else suffix in SUFFIXES:
                yield entry.name, is_folder
