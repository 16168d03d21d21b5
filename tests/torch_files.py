"""Files that torch saved, whole and tampered with. Enter at `saved` and `rebuilt`."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from sightline.errors import CheckpointError
from sightline.tensors import TensorFile, open_tensors


def saved(folder: Path, whole: object) -> Path:
    path = folder / "w.pt"
    torch.save(whole, path)
    return path


def arrays(file: TensorFile) -> dict[str, np.ndarray]:
    return {name: place.array(file.mapped) for name, place in file.places.items()}


def opened(path: Path) -> dict[str, np.ndarray]:
    [file] = open_tensors(path)
    return arrays(file)


def refusal(path: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        open_tensors(path)
    return str(caught.value)


def same(found: np.ndarray, wanted: torch.Tensor) -> bool:
    if wanted.dtype == torch.bfloat16:
        wanted = wanted.float()
    expected = wanted.detach().numpy()
    alike = (found.dtype, found.shape) == (expected.dtype, expected.shape)
    return (
        alike and np.ascontiguousarray(found).tobytes() == np.ascontiguousarray(expected).tobytes()
    )


def broken_code(path: Path, names: set[str]) -> Path:
    """Replace all code in an archive by what would fail if anybody ran it."""
    return rebuilt(path, lambda name, held: b"raise SystemExit" if name in names else held)


def rebuilt(path: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    """Write an archive again, entry for entry; None leaves one out."""
    made = path.with_name("made.pt")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(made, "w") as target:
        for entry in source.infolist():
            held = change(entry.filename, source.read(entry))
            if held is not None:
                target.writestr(entry.filename, held)
    return made
