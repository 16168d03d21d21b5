"""Tensors as a state dict that torch saved. Enter at `write_torch`."""

import os
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

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
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
