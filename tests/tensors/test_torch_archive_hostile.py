"""Archives that torch did not write, or not like this: refused in a sentence, nothing run."""

import pickle
import struct
import tempfile
import warnings
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sightline.errors import CheckpointError
from sightline.tensors import torch_archive
from sightline.tensors.torch_archive import MAX_DIRECTORY_BYTES, MAX_LETTERS
from torch_files import opened, rebuilt, refusal, saved


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


@pytest.mark.parametrize(
    "names", [[], ["a/data.pkl", "b/data.pkl"], ["a/b/data.pkl"], ["data.pkl"], ["a/datazpkl"]]
)
def test_an_archive_of_something_else_is_refused(names: list[str], tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme", b"hello")
        for name in names:
            archive.writestr(name, b"")
    count = 2 if len(names) == 2 else 0  # torch's lies in the one folder of the archive
    assert refusal(path) == (
        f"{path} is a zip archive with {count} tables of contents (data.pkl), so torch did "
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


def with_pickle(folder: Path, encoded: bytes) -> Path:
    """Write an archive of one tensor whose table of contents is another."""
    path = saved(folder, {"a": torch.zeros(1)})
    return rebuilt(path, lambda name, held: encoded if name.endswith("data.pkl") else held)


def shared(times: int) -> bytes:
    """Return opcodes that leave a module that names another ten times, which names another …."""
    module = b"c__torch__\nA\n)\x81}("
    if not times:
        return module + b"ub"
    [first, *others] = [b"X\1\0\0\0" + bytes([48 + digit]) for digit in range(10)]
    inner = first + shared(times - 1) + b"q" + bytes([times])
    return module + inner + b"".join(other + b"h" + bytes([times]) for other in others) + b"ub"


def test_modules_that_share_modules_are_not_walked_for_ever(tmp_path: Path) -> None:
    made = with_pickle(tmp_path, b"\x80\2" + shared(19) + b".")
    assert refusal(made) == (
        f"{made} has parts whose names have more than {MAX_LETTERS} letters: refused"
    )
    few = with_pickle(tmp_path, b"\x80\2" + shared(2) + b".")
    assert refusal(few) == f"{few} holds no tensors: give a file with a model's weights"


def test_a_class_whose_name_is_no_text_is_refused(tmp_path: Path) -> None:
    made = with_pickle(tmp_path, b"\x80\4X\5\0\0\0torch]\x93.")
    assert refusal(made) == (
        f"{made} has a broken table of contents (a list where a short name belongs): copy it again"
    )


def test_an_entry_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, {"a": torch.zeros(1)})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("w/data/0", bytes(4))
    assert refusal(path) == (f"{path} has w/data/0 twice, which torch never writes: copy it again")


def test_an_encrypted_entry_is_refused(tmp_path: Path) -> None:
    path = rebuilt(saved(tmp_path, {"a": torch.zeros(1)}), lambda _, held: held)
    contents = bytearray(path.read_bytes())
    entry = contents.rindex(b"PK\1\2", 0, contents.rindex(b"w/data/0"))
    contents[entry + 8] |= 1  # the entry's flags
    path.write_bytes(contents)
    assert refusal(path) == (
        f"{path} has w/data/0 encrypted, which torch never writes: copy it again"
    )


def test_an_entry_before_the_file_is_refused(tmp_path: Path) -> None:
    """A directory that claims to begin later than it does: zipfile takes off the difference."""
    path = rebuilt(saved(tmp_path, {"a": torch.zeros(1)}), lambda _, held: held)
    contents = bytearray(path.read_bytes())
    end = contents.rindex(b"PK\5\6") + 16
    [begin] = struct.unpack_from("<I", contents, end)
    struct.pack_into("<I", contents, end, begin + len(contents))
    path.write_bytes(contents)
    with zipfile.ZipFile(path) as archive:
        assert archive.infolist()[0].header_offset < 0
    assert refusal(path) == (
        f"{path} has w/data.pkl compressed or cut short, which torch never writes: copy it again"
    )


@pytest.mark.parametrize(
    "whole", [{1: torch.zeros(1), "1": torch.ones(1)}, {"1": torch.zeros(1), 1: torch.ones(2)}]
)
def test_two_tensors_of_one_name_are_refused(whole: dict[Any, Any], tmp_path: Path) -> None:
    path = saved(tmp_path, whole)
    assert refusal(path) == (
        f"{path} has two tensors of the name 1: save the state_dict() of a model"
    )


def test_an_archive_of_many_entries_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(tmp_path, {"a": torch.zeros(1)})
    with zipfile.ZipFile(path) as archive:
        count = len(archive.namelist())
    monkeypatch.setattr(torch_archive, "MAX_ENTRIES", count)
    assert opened(path).keys() == {"a"}
    monkeypatch.setattr(torch_archive, "MAX_ENTRIES", count - 1)
    assert refusal(path) == f"{path} has {count} entries, more than {count - 1}: refused"


def test_a_directory_of_any_length_is_not_read(tmp_path: Path) -> None:
    path, length = tmp_path / "w.pt", 2**32 - 2  # the most that an archive may claim in short
    with path.open("wb") as file:
        file.truncate(length)  # all of it a hole, before the record that ends an archive
        file.seek(length)
        file.write(struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, length, 0, 0))
    assert refusal(path).startswith(
        f"{path} is not an archive of torch's (its directory has {length} bytes, more than "
        f"{MAX_DIRECTORY_BYTES}): copy it again"
    )


def test_a_file_cut_short_anywhere_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, {"a": torch.randn(300), "b": torch.randn(7, 5).half()})
    contents = path.read_bytes()
    for length in {*range(0, len(contents), 97), 3, len(contents) - 1}:
        path.write_bytes(contents[:length])
        assert str(path) in refusal(path)


@given(data=st.data())
def test_a_damaged_file_gives_tensors_or_a_sentence(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = saved(Path(folder), {"a": torch.zeros(30), "b": torch.zeros(4, 5).half()})
        contents = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 4))):
            at = data.draw(st.integers(0, len(contents) - 1))
            contents[at] = data.draw(st.integers(0, 255))
        path.write_bytes(contents)
        with suppress(CheckpointError):
            opened(path)
