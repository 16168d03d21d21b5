"""The pictures and texts that canaries are made from. Enter at `pictures` and `TEXTS`.

Drawn by whole numbers alone: no library's random stream may change what an older file shows.
"""

import numpy as np

from sightline.shapes import UInt8
from sightline.spec import PixelRecipe

# Each is there for a way to clean or to fill a row that another recipe would take differently.
TEXTS = (
    "a",  # fewer ids than any row
    "A photo of a Cat",  # capitals
    "snake_case, isn't it?  Two  spaces!",  # "_" as a space or as nothing; punctuation; white space
    "fish &amp; chips",  # an escape of HTML
    "CAFE\u0301 ΟΔΟΣ",  # an accent of its own, a final sigma
    "a party 🎉 at 10:45",  # bytes
    "one two three four five six seven eight nine ten " * 16,  # fills any row and is cut
)
_SMALL_PX = 31  # less than any model's size: filters differ upwards as well
_FLAT_PX = (47, 33)
_BAND_PX = 64  # rows drawn at once: their numbers have eight times as many bytes
_BEYOND_PX = 13  # over the model's size: filters widen only with a reduction


def pictures(pixels: PixelRecipe) -> tuple[UInt8[np.ndarray, "_ _ 3"], ...]:
    """Draw three pictures of odd sizes that tell a model's pixel recipe from its neighbours.

    One is larger than what the model sees and one smaller, both so long that the two ways to round
    a crop are a pixel apart. The third has the colour that the recipe turns into zeros: what
    reaches the first norm is then small, and another eps shows.
    """
    size_px = pixels.size_px
    wide, high = _size(size_px, size_px + _BEYOND_PX)
    short, long = _size(size_px, _SMALL_PX)
    mean = np.round(255 * np.array(pixels.mean)).clip(0, 255).astype(np.uint8)
    width, height = _FLAT_PX
    flat = np.broadcast_to(mean, (height, width, 3)).copy()
    return _drawn(high, wide), _drawn(short, long), flat


def _size(size_px: int, least_px: int) -> tuple[int, int]:
    """Return a short and a long side, both odd, whose crop two roundings place differently."""
    return next(
        (short, long)
        for short in range(least_px | 1, 10 * least_px, 2)
        for long in range(short + 4, 2 * short, 2)
        if (size_px * long // short - size_px) % 4 == 3
    )


def _drawn(width: int, height: int) -> UInt8[np.ndarray, "height width 3"]:
    """Draw slopes, a grid of edges and rings, a channel each, band after band."""
    picture = np.empty((height, width, 3), np.uint8)
    across = np.arange(width)[None, :]
    for top in range(0, height, _BAND_PX):
        down = np.arange(top, min(top + _BAND_PX, height))[:, None]
        channels = (
            (37 * across + 11 * down + across * down // 3) % 256,
            (across // 4 + down // 3) % 2 * 170 + (across + down) % 64,
            (across * across + 3 * down * down) // 8 % 256,
        )
        picture[top : top + _BAND_PX] = np.stack(channels, axis=-1)
    return picture
