from pathlib import Path

import pytest

import sightline
from sightline.errors import ImageError
from sightline.measure.subjects import captions, peak_mb, subjects
from tiny_models import encoded, picture


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(encoded(picture(number)))
    return sorted(tmp_path.glob("*.png"))


def test_each_call_does_what_its_name_says(tiny_model_folder: Path, files: list[Path]) -> None:
    calls = subjects(sightline.load(tiny_model_folder), {"small": files, "one": files[:1]})
    assert {name: call() for name, call in calls.items()} == {
        "images 1": 1,
        "texts 1": 1,
        "images 16": 16,
        "texts 16": 16,
        "one picture": 1,
        "files small": 3,
        "files one": 1,
    }


def test_captions_are_all_different() -> None:
    """Equal ones are encoded once."""
    assert len(set(captions(16))) == 16
    assert {len(caption.split()) for caption in captions(16)} == {8}


def test_a_file_that_is_no_picture_is_named(tiny_model_folder: Path, files: list[Path]) -> None:
    files[1].write_bytes(b"")
    calls = subjects(sightline.load(tiny_model_folder), {"small": files})
    with pytest.raises(ImageError) as caught:
        calls["files small"]()
    assert str(caught.value) == (
        f"{files[1]} cannot be measured with: {str(files[1])!r} is empty: get it again from where "
        "it came"
    )


def test_a_process_has_a_peak() -> None:
    peak = peak_mb()
    assert peak is not None
    assert peak > 10
