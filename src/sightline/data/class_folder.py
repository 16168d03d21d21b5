"""A folder of class folders, each named after its label. Enter at `ClassFolder`."""

import hashlib
from pathlib import Path

from sightline.data.example import Example, Skipped, Tally, storable
from sightline.errors import DataError, ImageError
from sightline.images import find_each
from sightline.images.reading import encoded_bytes
from sightline.scoring.label_files import folder_label


class ClassFolder:
    """All pictures of a class folder, as one shard."""

    packed = False
    stored_bytes = 0  # pictures are read one at a time: nothing is kept

    def __init__(self, path: Path, *, source: str) -> None:
        self.path = path
        self.name = storable(path.name)
        self._source = source
        try:
            self._files = [file.relative_to(path).as_posix() for file in find_each(path)]
        except OSError as error:
            raise DataError(f"{path} cannot be listed: {error.strerror}") from error
        self._check()
        listing = "\n".join(self._files).encode("utf-8", "surrogateescape")
        self.identity = f"{self.name} {hashlib.sha256(listing).hexdigest()}"

    def _check(self) -> None:
        """Refuse a folder that is not made of class folders, and say what to do."""
        if not self._files:
            if any(self.path.glob("*.tar*")):
                raise DataError(f"{self.path} holds tar shards: give {self.path}/*.tar* instead")
            raise DataError(f"{self.path} holds no image: give a folder of class folders")
        if not any("/" in file for file in self._files):
            raise DataError(
                f"{self.path} holds {len(self._files)} images but no class folders: put each into "
                "a sub-folder named after its class, or list path and caption in a CSV file"
            )

    def open(self, tally: Tally) -> "FolderRecords":
        """Give the pictures that stand in a class folder; others are added to the tally."""
        for file in self._files:
            if "/" not in file:
                tally.add(self._outside(file))
        inside = [file for file in self._files if "/" in file]
        return FolderRecords(self.path, inside, self._source)

    def _outside(self, file: str) -> Skipped:
        """Say why an entry gives no example: no class folder, or one that cannot be listed."""
        if (self.path / file).is_dir():
            kind, why = "unreadable folder", "may not be listed: check who may read it"
        else:
            kind, why = "image without text", f"stands outside the class folders of {self.path}"
        return Skipped(key=storable(file), kind=kind, reason=storable(f"{file} {why}"))


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
        key = storable(file)
        image = read_file(self._root / file, key=key)
        if isinstance(image, Skipped):
            return image
        label = folder_label(key.split("/", 1)[0])
        return Example(key=key, image=image, texts=(label,), label=label, source=self._source)


def read_file(path: Path, *, key: str) -> bytes | Skipped:
    """Read one picture's file whole, undecoded, or say why not."""
    try:
        _, encoded = encoded_bytes(path)
    except ImageError as error:
        return Skipped(key=key, kind="unreadable file", reason=storable(str(error)))
    return encoded
