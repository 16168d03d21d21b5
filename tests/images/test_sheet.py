import numpy as np
import pytest

from sightline.images import read
from sightline.images.sheet import contact_sheet


def plain(height: int, width: int, colour: tuple[int, int, int]) -> np.ndarray:
    return np.full((height, width, 3), colour, dtype=np.uint8)


def test_pictures_of_any_shape_stand_in_rows_of_four() -> None:
    shapes = [(40, 400), (400, 40), (10, 10), (200, 200), (160, 160)]
    sheet = read(contact_sheet([(plain(h, w, (200, 0, 0)), f"{h} × {w}") for h, w in shapes]))
    assert sheet.shape == (2 * 216, 4 * 176, 3)
    centre = sheet[216 + 88, 88].tolist()
    assert centre == pytest.approx([200, 0, 0], abs=8)
    assert (sheet[216 + 88, 176 + 88] > 245).all()  # no sixth picture


def test_words_are_drawn_below_their_picture() -> None:
    silent = read(contact_sheet([(plain(160, 160, (0, 0, 200)), "")]))
    spoken = read(contact_sheet([(plain(160, 160, (0, 0, 200)), "1. cat\ntaken for dog")]))
    assert (silent[180:] > 245).all()
    assert (spoken[180:200] < 128).any()
    assert (spoken[196:] < 128).any()


def test_the_same_pictures_give_the_same_bytes() -> None:
    pictures = [(plain(50, 60, (10, 120, 30)), "one")]
    assert contact_sheet(pictures) == contact_sheet(pictures)
