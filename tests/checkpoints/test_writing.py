"""What may be written, and where."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.checkpoints import read, write
from sightline.errors import CheckpointError
from sightline.spec.towers import Spec
from tiny_folder import RECORD, SPEC, changed, some_tensors, weights_of, write_arrays, write_some


def refusal(
    folder: Path, spec: Spec = SPEC, tokenizer: Path | None = None, **more: np.ndarray
) -> str:
    tensors = some_tensors() | more
    with pytest.raises(CheckpointError) as caught:
        write(folder, spec=spec, tensors=tensors, record=RECORD, tokenizer_file=tokenizer)
    return str(caught.value)


def test_the_same_model_is_written_as_the_same_bytes(tmp_path: Path) -> None:
    one, two = (write_some(tmp_path / name).folder for name in ("one", "two"))
    assert sorted(path.name for path in one.iterdir()) == ["model.safetensors", "sightline.json"]
    for path in one.iterdir():
        assert path.read_bytes() == (two / path.name).read_bytes()


@settings(deadline=None)  # the disk may be slow
@given(
    st.dictionaries(
        st.text(min_size=1, max_size=5).filter(lambda name: name != "__metadata__"),
        st.tuples(
            st.sampled_from(["f8", "f4", "f2", "i8", "i4", "i2", "i1", "u1", "?"]),
            st.lists(st.integers(0, 3), max_size=3),
        ),
        max_size=5,
    )
)
def test_any_tensors_come_back(
    tmp_path_factory: pytest.TempPathFactory, drawn: dict[str, tuple[str, list[int]]]
) -> None:
    path = tmp_path_factory.mktemp("any") / "m.safetensors"
    tensors = {
        name: np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
        for name, (dtype, shape) in drawn.items()
    }
    write_arrays(path, tensors)
    found = weights_of(path)
    assert set(found) == set(tensors)
    for name, wanted in tensors.items():
        assert (found[name].dtype, found[name].shape) == (wanted.dtype, wanted.shape)
        assert np.array_equal(found[name], wanted)


def test_any_layout_in_memory_is_stored_the_same(tmp_path: Path) -> None:
    plain = np.arange(6, dtype=np.float32).reshape(2, 3)
    layouts: dict[str, np.ndarray] = {
        "turned": np.asfortranarray(plain),
        "view": np.arange(12, dtype=np.float32).reshape(2, 6)[:, ::2] / 2,
        "big_endian": plain.astype(">f4"),
    }
    write(tmp_path, spec=SPEC, tensors=layouts, record=RECORD)
    weights = read(tmp_path).weights
    assert all(weights[name].tobytes() == plain.tobytes() for name in layouts)


@pytest.mark.parametrize(
    "array", [np.zeros(2, dtype=complex), np.array(["x"]), np.array([None], dtype=object)]
)
def test_what_has_no_type_in_the_file_is_refused(tmp_path: Path, array: np.ndarray) -> None:
    assert refusal(tmp_path / "m", strange=array) == (
        f"tensor 'strange' of type {array.dtype} cannot be stored: "
        "give it a name and a type of floats, integers or booleans"
    )


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_bytes(b"dear to somebody")
    assert refusal(tmp_path) == (
        f"{tmp_path} holds holiday.jpg and no sightline.json, so it is no model folder to "
        "replace: choose another place"
    )
    assert (tmp_path / "holiday.jpg").exists()


def test_a_file_in_the_way_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "m").write_text("dear")
    assert refusal(tmp_path / "m") == (
        f"{tmp_path / 'm'} is a file: choose another place for the model folder"
    )


def test_an_empty_folder_is_a_place_to_write(tmp_path: Path) -> None:
    write_some(tmp_path)


@pytest.mark.parametrize(("kind", "given"), [("file", False), ("clip", True)])
def test_a_tokenizer_file_goes_with_exactly_the_specs_that_ask_for_one(
    tmp_path: Path, kind: str, given: bool
) -> None:
    source = tmp_path / "source.json"
    source.write_text("{}")
    spec = changed(SPEC, words={"tokenizer": kind})
    said = refusal(tmp_path / "m", spec, source if given else None)
    assert said == (
        f"the spec's tokenizer is {kind!r} and the tokenizer file is "
        f"{source if given else None}: give a file for 'file', and none otherwise"
    )


def test_a_tokenizer_that_is_not_there_leaves_nothing_behind(tmp_path: Path) -> None:
    spec = changed(SPEC, words={"tokenizer": "file"})
    said = refusal(tmp_path / "m", spec, tmp_path / "nowhere.json")
    assert said == (
        f"{tmp_path / 'nowhere.json'} cannot be read (No such file or directory): check that it is "
        "there and readable"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_whole_number_for_a_float_gives_one_fingerprint(tmp_path: Path) -> None:
    spec = changed(SPEC, head={"max_scale": 100})
    write(tmp_path / "int", spec=spec, tensors=some_tensors(), record=RECORD)
    assert read(tmp_path / "int").fingerprint == write_some(tmp_path / "float").fingerprint
