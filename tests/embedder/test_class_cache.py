from pathlib import Path

import numpy as np
import pytest

from sightline.embedder.class_cache import ClassCache

VECTORS = np.eye(2, 3, dtype=np.float32)


class Maker:
    """Counts how often vectors had to be made."""

    calls = 0

    def __call__(self) -> np.ndarray:
        self.calls += 1
        return VECTORS


def kept_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_what_was_made_once_is_kept(tmp_path: Path) -> None:
    make = Maker()
    for _ in range(2):
        cache = ClassCache(tmp_path / "not yet there")
        assert np.array_equal(cache.get_or_make(["a"], (2, 3), make), VECTORS)
    assert make.calls == 1


def test_another_identity_has_its_own_vectors(tmp_path: Path) -> None:
    make = Maker()
    for identity in (["a"], ["b"], [["a"]]):
        ClassCache(tmp_path).get_or_make(identity, (2, 3), make)
    assert make.calls == 3


@pytest.mark.parametrize("damage", ["flip", "cut", "empty"])
def test_a_damaged_file_is_made_again(tmp_path: Path, damage: str) -> None:
    make = Maker()
    cache = ClassCache(tmp_path)
    cache.get_or_make(["a"], (2, 3), make)
    [path] = kept_files(tmp_path)
    whole = path.read_bytes()
    damaged = {"flip": whole[:-1] + bytes([whole[-1] ^ 1]), "cut": whole[:-1], "empty": b""}
    path.write_bytes(damaged[damage])
    assert np.array_equal(cache.get_or_make(["a"], (2, 3), make), VECTORS)
    assert (make.calls, path.read_bytes()) == (2, whole)


def test_vectors_of_another_shape_are_not_believed(tmp_path: Path) -> None:
    make = Maker()
    ClassCache(tmp_path).get_or_make(["a"], (2, 3), make)
    ClassCache(tmp_path).get_or_make(["a"], (2, 4), make)
    assert make.calls == 2


def test_a_folder_that_cannot_be_written_to_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    make = Maker()
    found = ClassCache(tmp_path / "file" / "below").get_or_make(["a"], (2, 3), make)
    assert np.array_equal(found, VECTORS)


def test_nothing_half_written_is_left(tmp_path: Path) -> None:
    ClassCache(tmp_path).get_or_make(["a"], (2, 3), Maker())
    assert [path.suffix for path in kept_files(tmp_path)] == [".vectors"]
