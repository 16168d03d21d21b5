"""A folder of class folders: each sub-folder is a label. Enter at `ClassFolder`."""

import hashlib
import os
import stat
from pathlib import Path

from sightline.data.example import Example, Skipped, Tally
from sightline.errors import DataError
from sightline.settings import MAX_IMAGE_BYTES

SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp"})
SUFFIXES |= {".tif", ".tiff", ".avif", ".heic", ".heif", ".jp2", ".ppm", ".pgm"}
IGNORED = frozenset({"@eaDir", "node_modules", "__MACOSX"})


class ClassFolder:
    """All pictures of a class folder, as one shard."""

    packed = False
    stored_bytes = 0  # pictures are read one at a time: nothing is kept

    def __init__(self, path: Path, *, source: str) -> None:
        self.path = path
        self.name = path.name
        self._source = source
        self._files = sorted(_pictures(path))
        self._check()
        listing = "\n".join(self._files).encode("utf-8", "surrogateescape")
        self.identity = f"{self.name} {hashlib.sha256(listing).hexdigest()}"

    def _check(self) -> None:
        """Refuse a folder that is not made of class folders, and say what to do."""
        if not self._files:
            if any(self.path.glob("*.tar*")):
                raise DataError(f"{self.path} holds tar shards: write {self.path}/*.tar instead")
            raise DataError(f"{self.path} holds no image: give a folder of class folders")
        if not any(os.sep in file for file in self._files):
            raise DataError(
                f"{self.path} holds {len(self._files)} images but no class folders: put each into "
                "a sub-folder named after its class, or list path and caption in a CSV file"
            )

    def open(self, tally: Tally) -> "FolderRecords":
        """Give the pictures that stand in a class folder; others are added to the tally."""
        for file in self._files:
            if os.sep not in file:
                reason = f"{file} stands outside the class folders of {self.path}"
                tally.add(Skipped(key=file, kind="image without text", reason=reason))
        inside = [file for file in self._files if os.sep in file]
        return FolderRecords(self.path, inside, self._source)


class FolderRecords:
    """The pictures of a class folder, by number."""

    def __init__(self, root: Path, files: list[str], source: str) -> None:
        self._root = root
        self._files = files
        self._source = source

    def __len__(self) -> int:
        return len(self._files)

    def read(self, number: int) -> Example | Skipped:
        """Read one picture."""
        file = self._files[number]
        image = read_picture(self._root / file, key=Path(file).as_posix())
        if isinstance(image, Skipped):
            return image
        label = file.split(os.sep, 1)[0]
        key = Path(file).as_posix()
        return Example(key=key, image=image, texts=(label,), label=label, source=self._source)


def read_picture(path: Path, *, key: str) -> bytes | Skipped:
    """Read one file whole, or say why not; a pipe or device is never opened."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            return Skipped(key=key, kind="not a file", reason=f"{path} is not a regular file")
        if status.st_size > MAX_IMAGE_BYTES:
            reason = f"{path} has {status.st_size:,} bytes, more than is read"
            return Skipped(key=key, kind="too large", reason=reason)
        return path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL in it
        why = error.strerror if isinstance(error, OSError) else str(error)
        return Skipped(key=key, kind="missing file", reason=f"{path} cannot be read: {why}")


def _pictures(root: Path) -> list[str]:
    """List the pictures below a folder by their relative paths; hidden ones are left out."""
    found = []
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name[0] != "." and name not in IGNORED]
        inside = os.path.relpath(folder, root)
        for name in files:
            if name[0] != "." and os.path.splitext(name)[1].lower() in SUFFIXES:
                found.append(name if inside == "." else os.path.join(inside, name))
    return found
