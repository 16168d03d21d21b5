import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open

from sightline.data.vector_files import SUFFIXES, sidecar_of, write_vectors
from sightline.errors import DataError

MADE_BY = {"fingerprint": "f" * 64, "precision": "float32", "calibrated_on": None}
ROWS = [("a.jpg", np.array([1, 0], np.float32)), ("b\ud800.jpg", np.array([0, 1], np.float32))]
MIXED: list[tuple[str, Any]] = [ROWS[0], ("bad.jpg", "'bad.jpg' is empty"), ROWS[1]]


def read_back(path: Path) -> np.ndarray:
    if path.suffix == ".npy":
        return np.asarray(np.load(path, allow_pickle=False))
    if path.suffix == ".safetensors":
        with safe_open(path, "numpy") as file:
            return np.asarray(file.get_tensor("vectors"))
    column = pyarrow.parquet.read_table(path)["vector"].combine_chunks()
    return np.asarray(column.flatten().to_numpy()).reshape(len(column), column.type.list_size)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_vectors_come_back_with_keys_and_reasons(tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"vectors{suffix}"
    assert write_vectors(iter(MIXED), out, embed_dim=2, made_by=MADE_BY) == 2
    assert read_back(out).tolist() == [[1, 0], [0, 1]]
    assert json.loads((tmp_path / f"vectors{suffix}.json").read_text("utf-8")) == {
        **MADE_BY,
        "count": 2,
        "skipped": [{"path": "bad.jpg", "error": "'bad.jpg' is empty"}],
        "keys": ["a.jpg", "b\ud800.jpg"],
    }


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("results", [[], MIXED[1:2]], ids=["nothing", "only reasons"])
def test_no_vectors_make_no_file(
    tmp_path: Path, suffix: str, results: list[tuple[str, Any]]
) -> None:
    out = tmp_path / f"vectors{suffix}"
    assert write_vectors(results, out, embed_dim=3, made_by=MADE_BY) == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_no_vectors_leave_those_of_before(tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"vectors{suffix}"
    write_vectors(ROWS, out, embed_dim=2, made_by=MADE_BY)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    write_vectors([], out, embed_dim=2, made_by=MADE_BY)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_files_that_differ_in_their_suffix_keep_their_own_record(tmp_path: Path) -> None:
    (tmp_path / "v.json").write_text("somebody's own")
    for count, suffix in enumerate(SUFFIXES, start=1):
        rows = ((str(n), np.ones(2, np.float32)) for n in range(count))
        write_vectors(rows, tmp_path / f"v{suffix}", embed_dim=2, made_by=MADE_BY)
    found = {path.name: path.read_text("utf-8") for path in tmp_path.glob("*.json")}
    assert found.pop("v.json") == "somebody's own"
    counts = {name: json.loads(text)["count"] for name, text in found.items()}
    assert counts == {"v.npy.json": 1, "v.safetensors.json": 2, "v.parquet.json": 3}


@settings(max_examples=10)
@given(count=st.sampled_from([1, 1023, 1024, 1025]), suffix=st.sampled_from(list(SUFFIXES)))
def test_any_number_of_rows_keeps_its_order(
    tmp_path_factory: pytest.TempPathFactory, count: int, suffix: str
) -> None:
    vectors = np.random.default_rng(0).random((count, 3), np.float32)
    out = tmp_path_factory.mktemp("out") / f"v{suffix}"
    write_vectors(((str(n), row) for n, row in enumerate(vectors)), out, embed_dim=3, made_by={})
    assert np.array_equal(read_back(out), vectors)
    document = json.loads(sidecar_of(out).read_text("utf-8"))
    assert document["keys"] == [str(n) for n in range(count)]


def test_the_model_is_named_in_the_file_itself(tmp_path: Path) -> None:
    for suffix in (".safetensors", ".parquet"):
        write_vectors(ROWS, tmp_path / f"v{suffix}", embed_dim=2, made_by=MADE_BY)
    with safe_open(tmp_path / "v.safetensors", "numpy") as file:
        assert file.metadata() == {"fingerprint": "f" * 64, "precision": "float32"}
    schema = pyarrow.parquet.read_schema(tmp_path / "v.parquet")
    assert schema.metadata[b"fingerprint"] == b"f" * 64


def test_a_file_is_replaced_whole_and_nothing_else_is_left(tmp_path: Path) -> None:
    out = tmp_path / "v.npy"
    for rows in (ROWS, ROWS[:1]):
        write_vectors(rows, out, embed_dim=2, made_by=MADE_BY)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["v.npy", "v.npy.json"]
    assert len(read_back(out)) == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_an_interrupted_run_leaves_the_old_files(
    tmp_path: Path, error: type[BaseException]
) -> None:
    out = tmp_path / "v.npy"
    write_vectors(ROWS, out, embed_dim=2, made_by=MADE_BY)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def broken() -> Iterator[tuple[str, Any]]:
        yield ROWS[0]
        raise error

    with pytest.raises(error):
        write_vectors(broken(), out, embed_dim=2, made_by=MADE_BY)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_suffix_that_means_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        write_vectors([], tmp_path / "v.txt", embed_dim=2, made_by={})
    assert str(caught.value) == (
        f"{tmp_path / 'v.txt'} ends in none of .npy, .safetensors, .parquet: choose one of them"
    )


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    out = tmp_path / "gone" / "v.npy"
    with pytest.raises(DataError) as caught:
        write_vectors([], out, embed_dim=2, made_by={})
    assert str(caught.value) == f"{out} cannot be written (No such file or directory)"
