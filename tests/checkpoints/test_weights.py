"""The reader of safetensors files, against the safetensors package and against broken files."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save, save_file
from safetensors.torch import save_file as save_torch_file

from sightline.errors import CheckpointError
from tiny_folder import some_tensors, weights_of, write_arrays


def same(found: np.ndarray, wanted: np.ndarray) -> bool:
    return (
        found.dtype == wanted.dtype
        and found.shape == wanted.shape
        and found.tobytes() == wanted.tobytes()
    )


def test_a_file_of_the_safetensors_package_reads_the_same(tmp_path: Path) -> None:
    tensors = some_tensors()
    save_file(tensors, tmp_path / "theirs.safetensors", metadata={"format": "pt"})
    weights = weights_of(tmp_path / "theirs.safetensors")
    assert set(weights) == set(tensors)
    assert all(same(weights[name], tensors[name]) for name in tensors)


def test_the_safetensors_package_reads_our_file_the_same(tmp_path: Path) -> None:
    tensors = some_tensors()
    write_arrays(tmp_path / "ours.safetensors", tensors)
    theirs = load_file(tmp_path / "ours.safetensors")
    assert set(theirs) == set(tensors)
    assert all(same(theirs[name], tensors[name]) for name in tensors)


def test_control_another_precision_or_shape_is_not_the_same() -> None:
    array = np.ones((2, 3), dtype=np.float32)
    assert not same(array.astype(np.float16), array)
    assert not same(array.reshape(3, 2), array)


def test_bfloat16_is_widened_exactly(tmp_path: Path) -> None:
    tensor = torch.tensor([1.5, -2.25e-30, 3e38, float("inf"), -0.0]).to(torch.bfloat16)
    save_torch_file({"x": tensor}, tmp_path / "b.safetensors")
    weights = weights_of(tmp_path / "b.safetensors")
    assert weights.place("x").dtype == "BF16"
    assert same(weights["x"], tensor.float().numpy())


def test_tensors_lie_where_their_place_says(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    write_arrays(path, some_tensors())
    weights, contents = weights_of(path), path.read_bytes()
    for name in weights.names():
        place = weights.place(name)
        assert contents[place.offset : place.offset + place.length] == weights[name].tobytes()
        assert place.offset % weights[name].itemsize == 0


def test_arrays_may_not_be_written_to(tmp_path: Path) -> None:
    write_arrays(tmp_path / "m.safetensors", some_tensors())
    with pytest.raises(ValueError, match="read-only"):
        weights_of(tmp_path / "m.safetensors")["image.stem"][0] = 1


@settings(deadline=None)  # the disk may be slow
@given(cut=st.integers(min_value=1, max_value=10_000))
def test_a_file_cut_short_anywhere_is_refused(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    whole = save(some_tensors())
    path = tmp_path_factory.mktemp("cut") / "m.safetensors"
    path.write_bytes(whole[: -min(cut, len(whole))])
    with pytest.raises(CheckpointError, match="cut short"):
        weights_of(path)


@settings(deadline=None)  # the disk may be slow
@given(contents=st.binary(max_size=200))
def test_noise_is_refused_in_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, contents: bytes
) -> None:
    path = tmp_path_factory.mktemp("noise") / "m.safetensors"
    path.write_bytes(contents)
    with pytest.raises(CheckpointError):
        weights_of(path)


def written(path: Path, header: object, data: bytes) -> Path:
    """Write a file with a header of our choice."""
    encoded = json.dumps(header).encode()
    path.write_bytes(len(encoded).to_bytes(8, "little") + encoded + data)
    return path


def tensor(dtype: str, shape: list[int], *offsets: int) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"a": tensor("F32", [2], 0, 4)}, "contradicts itself at a"),  # length against shape
        ({"a": tensor("F32", [-1], 0, 8)}, "contradicts itself at a"),
        ({"a": tensor("F32", [-1, -2], 0, 8)}, "contradicts itself at a"),
        ({"a": tensor("F32", [1], 4, 8)}, "contradicts itself at a"),  # a gap before it
        (
            {"a": tensor("F32", [1], 0, 4), "b": tensor("F32", [2], 0, 8)},
            "contradicts itself at b",
        ),  # overlap
        ({"a": tensor("F32", [1], 0, 4)}, "too long"),
        ({"a": tensor("F32", [3], 0, 12)}, "cut short"),
        ({"a": tensor("F32", [2**62], 0, 2**64)}, "contradicts itself"),  # overflows 64 bits
        ({"a": tensor("F32", [2**65], 0, 2**67)}, "contradicts itself"),
        ({"a": tensor("F8_E4M3", [8], 0, 8)}, "stores a as F8_E4M3, which is not read here"),
        ({"a": {"dtype": "F32", "shape": [2]}}, "unreadable header"),
        ({"a": tensor("F32", [2], 0, 8) | {"file": "/etc/passwd"}}, "unreadable header"),
        ([], "unreadable header"),
    ],
)
def test_a_hostile_header_is_refused(tmp_path: Path, header: object, reason: str) -> None:
    with pytest.raises(CheckpointError, match=reason):
        weights_of(written(tmp_path / "m.safetensors", header, b"12345678"))


def test_control_the_hostile_header_put_right_is_read(tmp_path: Path) -> None:
    path = written(tmp_path / "m.safetensors", {"a": tensor("U8", [8], 0, 8)}, b"12345678")
    assert weights_of(path)["a"].tobytes() == b"12345678"


def test_a_header_of_absurd_length_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes((2**60).to_bytes(8, "little") + b"{}")
    with pytest.raises(CheckpointError) as caught:
        weights_of(path)
    assert str(caught.value) == (
        f"{path} is not a safetensors file (its header would be {2**60} bytes long): "
        "give a file that safetensors wrote"
    )


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    with pytest.raises(CheckpointError) as caught:
        weights_of(path)
    assert str(caught.value) == (
        f"{path} cannot be read (No such file or directory): check that it is there and readable"
    )
