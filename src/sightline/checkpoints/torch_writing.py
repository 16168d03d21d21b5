"""Tensors as a state dict that torch saved. Enter at `write_torch`."""

import os
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO

from sightline.checkpoints.safetensors_writing import Stored
from sightline.errors import RuntimeUnavailable


def write_torch(path: Path, tensors: Mapping[str, Stored]) -> None:
    """Write a dictionary of tensors with torch's own serialization.

    Raises:
        RuntimeUnavailable: torch is not installed.
        OSError: The disk is full.
    """
    if find_spec("torch") is None:
        raise RuntimeUnavailable(
            f"{path.name} is written by torch, which is an extra: install sightline[torch]"
        )
    import torch

    state = {}
    for name, tensor in tensors.items():
        made = torch.from_numpy(tensor.words.copy())
        state[name] = made.view(torch.bfloat16) if tensor.dtype == "BF16" else made
    with path.open("xb") as file:
        remembering = _Remembering(file)
        try:
            torch.save(state, remembering)  # type: ignore[arg-type] # it asks for no more
        except RuntimeError as error:  # torch's own words for whatever its file did
            raise remembering.error or error from error
        file.flush()
        os.fsync(file.fileno())


class _Remembering:
    """A file that keeps why it could not be written to."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.error: OSError | None = None

    def write(self, data: bytes | memoryview) -> int:
        """Write, or remember why not."""
        try:
            return self._file.write(data)
        except OSError as error:
            self.error = error
            raise

    def flush(self) -> None:
        """Do nothing: the file is flushed once it is whole."""
