"""What torch saved, read without torch: bit for bit, or refused in a sentence."""

import pickle
import struct
import warnings
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from sightline.errors import CheckpointError
from sightline.tensors import TensorFile, open_tensors

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
    import tempfile

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


def test_code_in_a_state_dict_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, {"a": torch.zeros(2)})
    marker = tmp_path / "made"
    hostile = (
        b"\x80\x02cposix\nmkdir\nX" + struct.pack("<I", len(str(marker))) + str(marker).encode()
    )
    hostile += b"\x85R."
    made = rebuilt(path, lambda name, held: hostile if name.endswith("data.pkl") else held)
    assert "asks to call posix.mkdir" in refusal(made)
    assert not marker.exists()
    pickle.loads(hostile)  # the control: Python would have made it
    assert marker.exists()


def changed_pickle(path: Path, old: bytes, new: bytes) -> Path:
    def change(name: str, held: bytes) -> bytes:
        if not name.endswith("data.pkl"):
            return held
        assert old in held
        return held.replace(old, new, 1)

    return rebuilt(path, change)


def test_a_tensor_outside_its_storage_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, {"a": torch.zeros(200)})
    made = changed_pickle(path, b"K\xc8\x85", b"M\x00\x10\x85")
    assert refusal(made) == (
        f"{made} places a (shape [4096] of F32) outside its storage of 800 bytes: copy it again"
    )


def test_a_type_that_is_not_read_is_named(tmp_path: Path) -> None:
    path = saved(tmp_path, {"a": torch.zeros(2)})
    made = changed_pickle(path, b"FloatStorage", b"ComplexFloatStorage")
    assert refusal(made).startswith(f"{made} stores a as ComplexFloatStorage, which is not read")


def test_a_missing_storage_is_named(tmp_path: Path) -> None:
    path = saved(tmp_path, {"a": torch.zeros(2)})
    made = rebuilt(path, lambda name, held: None if name.endswith("data/0") else held)
    assert refusal(made) == (
        f"{made} lacks w/data/0, which its table of contents names: copy it again"
    )


def test_a_compressed_storage_is_refused(tmp_path: Path) -> None:
    path, made = saved(tmp_path, {"a": torch.zeros(2000)}), tmp_path / "made.pt"
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(made, "w") as target:
        for entry in source.infolist():
            target.writestr(entry.filename, source.read(entry), zipfile.ZIP_DEFLATED)
    assert refusal(made) == (
        f"{made} has w/data.pkl compressed or cut short, which torch never writes: copy it again"
    )


def test_a_big_endian_archive_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, {"a": torch.zeros(2)})
    made = rebuilt(path, lambda name, held: b"big" if name.endswith("byteorder") else held)
    assert refusal(made) == f"{made} was saved on a big-endian machine: save it on another"


def test_a_file_of_torch_before_its_archives_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    torch.save({"a": torch.zeros(2)}, path, _use_new_zipfile_serialization=False)
    assert refusal(path) == (
        f"{path} is not an archive of torch's (File is not a zip file): copy it again, or, if "
        "torch before 1.6 wrote it, load it there and save it anew"
    )


@pytest.mark.parametrize("names", [[], ["a/data.pkl", "b/data.pkl"]])
def test_an_archive_of_something_else_is_refused(names: list[str], tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme", b"hello")
        for name in names:
            archive.writestr(name, b"")
    assert refusal(path) == (
        f"{path} is a zip archive with {len(names)} tables of contents (data.pkl), so torch did "
        "not save it: give weights that torch or safetensors wrote"
    )


@pytest.mark.parametrize(
    ("whole", "said"),
    [
        ({"epoch": 1}, "holds no tensors: give a file with a model's weights"),
        ([torch.zeros(1)], "holds a list, not the tensors of a model: save its state_dict()"),
        (torch.zeros(1), "holds a tensor, not the tensors of a model: save its state_dict()"),
    ],
)
def test_what_holds_no_model_says_so(whole: object, said: str, tmp_path: Path) -> None:
    path = saved(tmp_path, whole)
    assert refusal(path) == f"{path} {said}"


def test_modules_inside_themselves_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, {"a": torch.zeros(1)})
    loop = b"\x80\x02c__torch__\nA\n)\x81q\x00}X\x01\x00\x00\x00ah\x00sb."
    made = rebuilt(path, lambda name, held: loop if name.endswith("data.pkl") else held)
    assert refusal(made) == f"{made} nests modules more than 20 deep: refused"


def test_a_file_cut_short_anywhere_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, {"a": torch.randn(300), "b": torch.randn(7, 5).half()})
    contents = path.read_bytes()
    for length in {*range(0, len(contents), 97), 3, len(contents) - 1}:
        path.write_bytes(contents[:length])
        assert str(path) in refusal(path)


@given(data=st.data())
def test_a_damaged_file_gives_tensors_or_a_sentence(data: st.DataObject) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = saved(Path(folder), {"a": torch.zeros(30), "b": torch.zeros(4, 5).half()})
        contents = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 4))):
            at = data.draw(st.integers(0, len(contents) - 1))
            contents[at] = data.draw(st.integers(0, 255))
        path.write_bytes(contents)
        with suppress(CheckpointError):
            opened(path)
