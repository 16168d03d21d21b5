"""One door for every model: the bundled one, folders, files."""

from pathlib import Path

import pytest

from sightline.checkpoints import read, reading
from sightline.errors import CheckpointError


def test_without_a_path_it_is_the_bundled_model() -> None:
    assert read().folder == reading.BUNDLED


def test_an_install_without_its_model_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "BUNDLED", tmp_path)
    with pytest.raises(CheckpointError) as caught:
        read()
    assert str(caught.value) == ("no model is bundled with this Sightline: give a model folder")


def test_a_path_to_nothing_says_so(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="does not exist: check the path"):
        read(tmp_path / "nothing.pt")


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"\xff\xd8")
    with pytest.raises(CheckpointError, match="is of no kind that holds weights"):
        read(path)


def test_a_path_that_no_system_takes_is_one_sentence(tmp_path: Path) -> None:
    long = "x" * 5000
    with pytest.raises(CheckpointError) as caught:
        read(long)
    assert str(caught.value) == (
        f"{long[:300]!r} cannot be looked at (File name too long): check the path"
    )
    with pytest.raises(CheckpointError) as caught:
        read("a\0b")
    assert str(caught.value) == "'a\\x00b' is no path (embedded null byte): check it"


def test_a_name_so_long_that_none_fits_beside_it_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="does not exist: check the path"):
        read(tmp_path / ("x" * 250))
