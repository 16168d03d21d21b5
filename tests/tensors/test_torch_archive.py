"""What torch saved, read without torch: bit for bit, or refused in a sentence."""

import tempfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from torch_files import broken_code, opened, refusal, same, saved

TYPES = [
    torch.float64,
    torch.float32,
    torch.float16,
    torch.bfloat16,
    torch.int64,
    torch.int32,
    torch.int16,
    torch.int8,
    torch.uint8,
    torch.bool,
]


@pytest.mark.parametrize("dtype", TYPES, ids=str)
def test_every_type_reads_as_torch_saved_it(dtype: torch.dtype, tmp_path: Path) -> None:
    tensors = {
        "matrix": torch.arange(-6, 6).reshape(3, 4).to(dtype),
        "scalar": torch.tensor(1).to(dtype),
        "nothing": torch.zeros(0, 3).to(dtype),
    }
    found = opened(saved(tmp_path, tensors))
    assert found.keys() == tensors.keys()
    assert all(same(found[name], tensors[name]) for name in tensors)


def test_views_of_one_storage_read_as_what_they_show(tmp_path: Path) -> None:
    whole = torch.randn(6, 4)
    tensors = {"all": whole, "rows": whole[2:5], "turned": whole.T, "one": whole[3, 2]}
    found = opened(saved(tmp_path, tensors))
    assert all(same(found[name], tensors[name]) for name in tensors)


@given(st.lists(st.integers(1, 3), min_size=1, max_size=3))
def test_axes_of_length_one_say_nothing_by_their_strides(shape: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        tensor = torch.randn(*shape).transpose(0, -1).contiguous().transpose(0, -1)
        path = saved(Path(folder), {"a": tensor})
        if len(shape) == 3 and not tensor.is_contiguous():
            assert "strides" in refusal(path)
        else:
            assert same(opened(path)["a"], tensor)


def test_other_orders_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, {"a": torch.randn(6, 4)[:, ::2]})
    assert refusal(path) == (
        f"{path} keeps a (shape [6, 2]) with strides [4, 2]: save it again with its tensors "
        "contiguous"
    )


def test_a_training_checkpoint_gives_its_weights(tmp_path: Path) -> None:
    weights = {"module.a.weight": torch.randn(2), "module.logit_scale": torch.tensor(1.0)}
    state = {"epoch": 3, "name": "run", "state_dict": weights, "optimizer": {"state": {0: {}}}}
    assert opened(saved(tmp_path, state)).keys() == {"a.weight", "logit_scale"}


def test_a_name_that_only_some_begin_with_stays(tmp_path: Path) -> None:
    tensors = {"module.a": torch.zeros(1), "b": torch.zeros(1)}
    assert opened(saved(tmp_path, tensors)).keys() == tensors.keys()


def test_parameters_read_as_tensors(tmp_path: Path) -> None:
    tensor = torch.randn(2, 3)
    assert same(opened(saved(tmp_path, {"a": nn.Parameter(tensor)}))["a"], tensor)


class Small(nn.Module):
    """A module in a module, a buffer, and attributes that are no tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.LayerNorm(4)
        self.matrix = nn.Parameter(torch.randn(4, 4).half())
        self.sizes = [1, 2]
        self.register_buffer("input_resolution", torch.tensor(224))

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.inner(rows) @ self.matrix.float()
        return out


def script(module: nn.Module) -> Any:
    return torch.jit.script(module)


def trace(module: nn.Module) -> Any:
    return torch.jit.trace(module, torch.zeros(1, 4))  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("compile_it", [script, trace])
def test_torchscript_gives_its_tensors_and_none_of_its_code(
    compile_it: Callable[[nn.Module], Any], tmp_path: Path
) -> None:
    module, path = Small(), tmp_path / "w.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(compile_it(module), path)
    with zipfile.ZipFile(path) as archive:  # there is code, and it would not even parse
        names = [name for name in archive.namelist() if "/code/" in name]
    assert names
    found = opened(broken_code(path, set(names)))
    wanted = module.state_dict()
    assert found.keys() == wanted.keys()
    assert all(same(found[name], wanted[name]) for name in wanted)
