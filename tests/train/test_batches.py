"""What of a picture is kept to learn from."""

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace
from PIL import Image

from sightline.data import Example
from sightline.train.batches import PictureStore
from tiny_specs import tiny_spec

RED, BLUE = (200, 0, 0), (0, 0, 200)


def framed() -> Example:
    """Return a wide picture: a blue square between two red ones."""
    rgb = np.zeros((16, 48, 3), np.uint8)
    rgb[:], rgb[:, 16:32] = RED, BLUE
    file = BytesIO()
    Image.fromarray(rgb).save(file, "PNG")
    return Example(key="a", image=file.getvalue(), texts=(), label=None, group={}, source="s")


def kept(**changes: Any) -> np.ndarray:
    pixels = replace(tiny_spec().pixels, size_px=12, filter="nearest", **changes)
    return PictureStore(pixels)(framed())


@pytest.mark.parametrize(
    ("resize", "row"),
    [
        ("shortest", [BLUE] * 12),
        ("squash", [RED] * 4 + [BLUE] * 4 + [RED] * 4),
        ("longest_pad", [RED] * 4 + [BLUE] * 4 + [RED] * 4),
    ],
)
def test_a_picture_is_kept_as_the_model_will_see_it(resize: str, row: list[Any]) -> None:
    square = kept(resize=resize)
    assert square.shape == (12, 12, 3)
    assert [tuple(pixel) for pixel in square[6].tolist()] == row
    assert (square[0] == square[6]).all() == (resize != "longest_pad")  # control: pads above


def test_a_picture_is_reduced_by_the_models_filter() -> None:
    edges = [
        PictureStore(replace(tiny_spec().pixels, resize="squash", filter=name, size_px=7))(
            framed()
        )[3]
        for name in ("nearest", "bicubic", "box")
    ]
    assert len({edge.tobytes() for edge in edges}) == 3


def test_beyond_the_limit_pictures_are_read_anew_and_not_kept() -> None:
    small = replace(tiny_spec().pixels, size_px=4)
    keeping, full = PictureStore(small), PictureStore(small, limit_bytes=4 * 4 * 3 - 1)
    example = framed()
    assert keeping(example) is keeping(example)
    assert full(example) is not full(example)
