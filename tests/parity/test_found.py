"""What comparing with other libraries found wrong here, each fault in its smallest form."""

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from sightline.checkpoints import Weights
from sightline.tensors import open_tensors


def bfloat16(folder: Path) -> Weights:
    """Write a scalar and a matrix in bfloat16."""
    path = folder / "model.safetensors"
    tensors = {"logit_scale": torch.tensor(2.6562), "matrix": torch.arange(6.0).view(2, 3)}
    save_file({name: one.to(torch.bfloat16) for name, one in tensors.items()}, path)
    return Weights(open_tensors(path))


def test_a_scalar_of_bfloat16_can_be_read(tmp_path: Path) -> None:
    """NumPy makes a bare number of an array without axes, and that has no flags to set."""
    scalar = bfloat16(tmp_path)["logit_scale"]
    assert scalar.ndim == 0
    assert scalar.dtype == np.float32
    assert scalar == np.float32(2.65625)


def test_asking_for_a_name_widens_nothing(tmp_path: Path) -> None:
    weights = bfloat16(tmp_path)
    vars(weights)["_mapped"] = {}  # whatever reads a tensor now fails
    assert "matrix" in weights
    assert "another" not in weights
