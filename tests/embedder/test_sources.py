from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightline.embedder.sources import Images, keyed

ARRAY = np.zeros((2, 3, 3), np.uint8)


@pytest.mark.parametrize(
    "one", ["a.jpg", Path("a.jpg"), b"abc", ARRAY, Image.new("RGB", (2, 2)), BytesIO(b"abc")]
)
def test_one_picture_is_a_list_of_one(one: Images) -> None:
    assert len(list(keyed(one))) == 1


def test_a_stack_of_arrays_is_several_pictures() -> None:
    assert [key for key, _ in keyed(np.stack([ARRAY, ARRAY]))] == ["0", "1"]


def test_a_path_names_itself_and_anything_else_its_position(tmp_path: Path) -> None:
    path = tmp_path / "open.jpg"
    path.write_bytes(b"")
    with path.open("rb") as file:
        found = [key for key, _ in keyed(["a.jpg", Path("b.jpg"), b"abc", ARRAY, file])]
    assert found == ["a.jpg", "b.jpg", "2", "3", str(path)]


def test_a_key_that_is_given_is_used() -> None:
    assert list(keyed([("mine", b"abc")])) == [("mine", b"abc")]
