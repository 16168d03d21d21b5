import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import sightline
from ran import Ran


def test_vectors_stand_in_a_file_with_what_they_are_beside_it(
    run: Callable[..., Ran], desk: Path, tiny_model_folder: Path
) -> None:
    ran = run("embed", "photos", "empty.jpg", "--out", "v.npy")
    assert ran.code == 3
    assert ran.out == ""
    assert ran.err == (
        "skipped: 'empty.jpg' is empty: get it again from where it came\n"
        "3 vectors of 24 numbers in v.npy, what they are in v.npy.json\n"
        "1 of 4 pictures were skipped\n"
    )
    model = sightline.load(tiny_model_folder)
    document = json.loads((desk / "v.npy.json").read_text())
    keys = ["photos/0.png", "photos/1.png", "photos/2.png"]
    assert document["keys"] == keys
    assert document["fingerprint"] == model.fingerprint
    assert document["precision"] == "float32"
    assert document["skipped"][0]["path"] == "empty.jpg"
    assert np.load(desk / "v.npy") == pytest.approx(model.embed_images(keys), abs=1e-5)


@pytest.mark.parametrize("suffix", [".parquet", ".safetensors"])
def test_other_formats_are_chosen_by_their_suffix(
    run: Callable[..., Ran], desk: Path, suffix: str
) -> None:
    assert run("embed", "photo.jpg", "--out", f"v{suffix}").code == 0
    assert (desk / f"v{suffix}").is_file()
    assert json.loads((desk / f"v{suffix}.json").read_text())["count"] == 1


def test_a_json_file_of_somebody_else_is_left_alone(run: Callable[..., Ran], desk: Path) -> None:
    (desk / "keep.json").write_text("mine")
    assert run("embed", "photo.jpg", "--out", "keep.npy").code == 0
    assert (desk / "keep.json").read_text() == "mine"


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        ("none/*.jpg", "skipped: 'none/*.jpg' does not exist: check the path\n"),
        ("empty.jpg", "skipped: 'empty.jpg' is empty: get it again from where it came\n"),
    ],
)
def test_where_no_vector_was_made_the_vectors_of_before_stay(
    run: Callable[..., Ran], desk: Path, paths: str, said: str
) -> None:
    run("embed", "photo.jpg", "--out", "v.npy")
    before = [(desk / name).read_bytes() for name in ("v.npy", "v.npy.json")]
    ran = run("embed", paths, "--out", "v.npy")
    assert ran == Ran(4, "", f"{said}1 of 1 pictures were skipped\n")
    assert [(desk / name).read_bytes() for name in ("v.npy", "v.npy.json")] == before


@pytest.mark.parametrize(
    ("out", "sentence"),
    [
        ("v.txt", "--out 'v.txt' ends in none of .npy, .safetensors, .parquet: choose one of them"),
        ("gone/v.npy", "folder 'gone' does not exist: make it first"),
    ],
)
def test_an_output_that_cannot_be_is_used_wrongly(
    run: Callable[..., Ran], out: str, sentence: str
) -> None:
    ran = run("embed", "photo.jpg", "--out", out)
    assert ran.code == 2
    assert sentence in ran.err
