"""What a folder holds, and what may be replaced."""

from hashlib import sha256
from pathlib import Path

import pytest

from sightline.errors import CheckpointError
from sightline.export.listing import NAME, Listing, check_free, listed, write_listing


def exported(folder: Path) -> Path:
    """Write a folder with one file and its listing."""
    folder.mkdir()
    (folder / "image.onnx").write_bytes(b"a tower")
    listing = Listing(
        model="f" * 64,
        origin="a test",
        license="MIT",
        format="onnx",
        precision="float32",
        certified=False,
        made_with={"sightline": "0.1.0"},
        files=listed(folder),
    )
    write_listing(folder, listing)
    return folder


def refusal(folder: Path, *, replace: bool) -> str:
    with pytest.raises(CheckpointError) as caught:
        check_free(folder, replace=replace)
    return str(caught.value)


def test_a_new_place_an_empty_one_and_an_older_export_are_free(tmp_path: Path) -> None:
    check_free(tmp_path / "new", replace=False)
    check_free(tmp_path, replace=False)
    check_free(exported(tmp_path / "old"), replace=True)


def test_each_file_has_its_digest(tmp_path: Path) -> None:
    found = listed(exported(tmp_path / "old"))
    assert found == {"image.onnx": sha256(b"a tower").hexdigest()}


def test_a_place_that_is_taken_is_refused(tmp_path: Path) -> None:
    folder = exported(tmp_path / "old")
    assert refusal(folder, replace=False) == (
        f"{folder} is not empty: choose another place, or allow an older export to be replaced "
        "(--replace)"
    )


def test_a_folder_with_anything_else_stays(tmp_path: Path) -> None:
    folder = exported(tmp_path / "old")
    (folder / "my notes.txt").write_text("dear diary", encoding="utf-8")
    assert refusal(folder, replace=True) == (
        f"{folder} holds my notes.txt, which no export wrote: choose another place, or move it away"
    )
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(b"")
    assert refusal(tmp_path / "photos", replace=True) == (
        f"{tmp_path / 'photos'} holds a.jpg, which no export wrote: choose another place, or move "
        "it away"
    )


def test_a_file_is_no_place(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"")
    assert refusal(tmp_path / "out", replace=True) == (
        f"{tmp_path / 'out'} is a file: choose another place"
    )


def test_a_listing_that_is_none_is_not_believed(tmp_path: Path) -> None:
    folder = exported(tmp_path / "old")
    (folder / NAME).write_bytes(b"[]")
    assert refusal(folder, replace=True) == (
        f"{folder / NAME} is no listing of an export (Expected `object`, got `array`): choose "
        "another place"
    )
