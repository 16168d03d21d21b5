"""Digests of tensors: of what they are, computed once, and anew when a file changes."""

import os
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from sightline import settings
from sightline.checkpoints import Weights
from sightline.checkpoints.digests import digests, part_digests
from tiny_folder import some_tensors, weights_of, write_arrays


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_arrays(tmp_path / "m.safetensors", some_tensors())


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that every tensor whose bytes are hashed is added to."""
    asked: list[str] = []
    real = Weights.digest

    def digest(self: Weights, name: str) -> str:
        asked.append(name)
        return real(self, name)

    monkeypatch.setattr(Weights, "digest", digest)
    return asked


def test_a_digest_is_of_the_bytes_as_they_are_stored(path: Path) -> None:
    found = digests(weights_of(path))
    for name, array in some_tensors().items():
        assert found[name].sha256 == sha256(array.tobytes()).hexdigest()
        assert found[name].shape == array.shape


def test_the_second_time_nothing_is_hashed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, asked = digests(weights_of(path)), counted(monkeypatch)
    assert digests(weights_of(path)) == first
    assert asked == []


def test_one_tower_is_hashed_alone(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = counted(monkeypatch)
    found = part_digests(weights_of(path), "image")
    assert set(asked) == set(found) == {name for name in some_tensors() if name[:6] == "image."}
    assert {**digests(weights_of(path)), **found} == digests(weights_of(path))
    assert sorted(asked) == sorted(some_tensors())  # each once, whichever way it was asked for


def test_hashing_leaves_the_mapping_alone(path: Path) -> None:
    """Whoever writes to the private mapping, as training does, changes no digest of the file."""
    weights = weights_of(path)
    name = next(iter(some_tensors()))
    place, file = weights.place(name), weights.files[0]
    before = weights.digest(name)
    file.mapped[place.offset] ^= 1
    assert weights.digest(name) == before == sha256(some_tensors()[name].tobytes()).hexdigest()


def test_a_file_that_was_replaced_is_hashed_as_it_was_opened(path: Path, tmp_path: Path) -> None:
    weights = weights_of(path)
    wanted = {name: weights.digest(name) for name in weights}
    other = {name: np.zeros_like(array) for name, array in some_tensors().items()}
    write_arrays(tmp_path / "other.safetensors", other).replace(path)
    assert {name: weights.digest(name) for name in weights} == wanted
    assert {name: weights_of(path).digest(name) for name in weights} != wanted  # control


def test_a_changed_file_is_hashed_anew(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, asked = digests(weights_of(path)), counted(monkeypatch)
    contents = bytearray(path.read_bytes())
    contents[-1] ^= 1
    path.write_bytes(contents)
    os.utime(path, ns=(1, 1))  # another time than a moment ago, on any clock
    after = digests(weights_of(path))
    assert set(asked) == set(before)
    assert sum(before[name] != after[name] for name in before) == 1


def test_other_names_over_the_same_bytes_are_kept_apart(path: Path) -> None:
    weights = weights_of(path)
    digests(weights)
    whole = weights.place("image.stem")
    part = Weights(weights.files, {"image.stem": whole.part(0, 2)})
    assert digests(part)["image.stem"].shape == (2, 3, 2, 2)
    assert digests(part)["image.stem"].sha256 != digests(weights)["image.stem"].sha256


def test_a_turned_matrix_has_the_digest_of_what_it_shows(tmp_path: Path) -> None:
    matrix = np.arange(12, dtype=np.float32).reshape(3, 4)
    weights = weights_of(write_arrays(tmp_path / "m.safetensors", {"a": matrix}))
    turned = Weights(weights.files, {"a": weights.place("a").transpose()})
    assert turned.digest("a") == sha256(matrix.T.tobytes()).hexdigest()
    assert np.array_equal(turned["a"], matrix.T)


@pytest.mark.parametrize("damage", [b"", b"{}", b"\xff", b'{"a": 1}'])
def test_a_damaged_note_is_as_good_as_none(damage: bytes, path: Path) -> None:
    first = digests(weights_of(path))
    home = settings.home()
    assert home is not None
    for kept in (home / "digests").iterdir():
        kept.write_bytes(damage)
    assert digests(weights_of(path)) == first


def test_without_a_place_to_keep_them_they_are_computed_each_time(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("SIGHTLINE_HOME", str(tmp_path / "file"))
    asked = counted(monkeypatch)
    assert digests(weights_of(path)) == digests(weights_of(path))
    assert len(asked) == 2 * len(some_tensors())


def test_a_folder_whose_name_is_no_text_has_its_digests_kept(tmp_path: Path) -> None:
    """Names of folders are bytes to the system, and some are older than UTF-8."""
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    path = write_arrays(folder / "m.safetensors", some_tensors())
    assert digests(weights_of(path)) == digests(weights_of(path))
