"""A model's tensors under our names, wherever they lie. Enter at `Weights`."""

import mmap
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

import msgspec
import numpy as np

from sightline.tensors import Place, TensorFile


class Weights(Mapping[str, np.ndarray]):
    """Tensor name → read-only array over mapped files; bfloat16 comes out as float32."""

    def __init__(
        self, files: Sequence[TensorFile], places: Mapping[str, Place] | None = None
    ) -> None:
        """Look at opened files; no tensor is read.

        Args:
            files: One file or more.
            places: Where each tensor of ours lies in them; None keeps the names of the files.
        """
        if places is None:
            places = {name: place for file in files for name, place in file.places.items()}
        self.files = tuple(files)
        self._places = dict(places)
        self._files = {file.path: file for file in files}
        self._mapped = {file.path: file.mapped for file in files}

    def __getitem__(self, name: str) -> np.ndarray:
        place = self._places[name]
        return place.array(self._mapped[place.path])

    def __contains__(self, name: object) -> bool:
        return name in self._places  # without widening a tensor of bfloat16 to find out

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

    def words(self, name: str) -> np.ndarray:
        """Return a tensor in the type it is stored in; words of bfloat16 are integers."""
        place = self._places[name]
        return place.words(self._mapped[place.path])

    def copy(self, name: str) -> np.ndarray:
        """Return the same, over memory of its own: to be turned into another type and let go."""
        place = self._places[name]
        copied = self._files[place.path].copied(place.offset, place.length)
        return msgspec.structs.replace(place, offset=0).words(copied)

    def digest(self, name: str) -> str:
        """Return the sha256 of a tensor's bytes, row after row, in the type it is stored in.

        The same numbers have the same digest in every layout and kind of file.
        """
        place = self._places[name]
        if place.turned:
            return sha256(np.ascontiguousarray(self.words(name)).data).hexdigest()
        return self._files[place.path].digest_of(place.offset, place.length)

    @property
    def path(self) -> Path:
        """The file, or the first of several: for messages."""
        return self.files[0].path

    def are_in_place(self) -> bool:
        """Tell whether every file is still the one that was opened."""
        return all(file.is_in_place() for file in self.files)

    @property
    def state(self) -> str:
        """What the system said of the files when they were opened: another state, other bytes."""
        return "\n".join(f"{file.path.resolve()} {file.state}" for file in self.files)

    @property
    def buffers(self) -> Mapping[Path, mmap.mmap]:
        """The whole mapped files, for an engine that reads tensors by their place."""
        return self._mapped

    @property
    def layout(self) -> str:
        """The name of how the tensors lie in their files: graphs point at them by place."""
        return " ".join(file.digest for file in self.files)
