import tracemalloc
from hashlib import sha256
from itertools import combinations

import numpy as np
import pytest
from msgspec.structs import replace

from sightline.spec import PixelRecipe, architecture
from sightline.spec.architectures import ARCHITECTURES
from sightline.spec.limits import MOST_PX
from sightline.verify.recipes import GEOMETRY
from sightline.verify.subjects import TEXTS, pictures
from sightline.verify.trying import variants

PIXELS = architecture("ViT-B-32").pixels
SIZES = sorted({spec.pixels.size_px for spec in ARCHITECTURES.values()} | {16, 32, 64})
# Of the bytes of the pictures for 224 px, read off once: a file of canaries is compared with its
# own pictures, but what a picture was chosen to show must not change unseen.
DRAWN = "9c22bce8"


def test_the_pictures_are_always_the_same() -> None:
    seen = pictures(PIXELS)
    assert sha256(b"".join(rgb.tobytes() for rgb in seen)).hexdigest()[:8] == DRAWN


def test_large_pictures_take_little_more_than_themselves() -> None:
    """Of 16,384 px, 24 MB of weights took 8.3 GB."""
    tracemalloc.start()
    try:
        seen = pictures(replace(PIXELS, size_px=MOST_PX))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert min(seen[0].shape[:2]) > MOST_PX
    assert peak < 1.5 * sum(rgb.nbytes for rgb in seen)


@pytest.mark.parametrize("size_px", SIZES)
def test_pictures_are_odd_and_larger_and_smaller_than_what_a_model_sees(size_px: int) -> None:
    larger, smaller, flat = pictures(replace(PIXELS, size_px=size_px))
    for rgb in (larger, smaller, flat):
        assert rgb.dtype == np.uint8
        assert [edge % 2 for edge in rgb.shape] == [1, 1, 1]
    assert min(larger.shape[:2]) > size_px
    assert min(smaller.shape[:2]) < max(size_px, 34)
    assert len(np.unique(flat.reshape(-1, 3), axis=0)) == 1
    assert np.abs(replace(PIXELS, size_px=size_px).apply(flat)).max() < 0.01


def squares(recipe: PixelRecipe) -> bytes:
    """Return what a recipe makes of the pictures."""
    return b"".join(recipe.square(rgb).tobytes() for rgb in pictures(recipe))


@pytest.mark.parametrize("size_px", [32, 224])
def test_any_two_ways_to_make_a_square_are_told_apart(size_px: int) -> None:
    """Where nothing is cropped, there is no offset to round."""
    recipes = list(variants(replace(PIXELS, size_px=size_px), GEOMETRY, most=3))
    assert len(recipes) == 3 * 6 * 2
    made = {recipe: squares(recipe) for recipe in recipes}
    for one, other in combinations(recipes, 2):
        rounded = replace(one, crop_rounding=other.crop_rounding) == other
        assert made[one] != made[other] or (rounded and one.resize != "shortest")


@pytest.mark.parametrize("size_px", SIZES)
def test_the_two_roundings_of_a_crop_are_told_apart_at_every_size(size_px: int) -> None:
    even = replace(PIXELS, size_px=size_px, resize="shortest", crop_rounding="half_even")
    assert squares(even) != squares(replace(even, crop_rounding="floor"))


def test_control_a_square_picture_tells_no_rounding_apart() -> None:
    square = np.arange(40 * 40 * 3, dtype=np.uint8).reshape(40, 40, 3)
    even = replace(PIXELS, crop_rounding="half_even").square(square)
    assert np.array_equal(even, replace(PIXELS, crop_rounding="floor").square(square))


def test_texts_differ_and_one_fills_any_row() -> None:
    assert len(set(TEXTS)) == len(TEXTS)
    longest = max(spec.words.context_length for spec in ARCHITECTURES.values())
    assert len(TEXTS[-1].split()) > longest
