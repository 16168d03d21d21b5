"""One rule from every Pillow mode to RGB. Enter at `to_rgb`.

Palette to colours first (Pillow resizes palette and 1-bit images by nearest, whatever filter was
asked for), transparency over white, 16-bit grey scaled by 257, CMYK through Pillow. Colour
profiles are not applied: the published models were trained without.
"""

import numpy as np
from PIL import Image

from sightline.errors import ImageError

_WIDE_INTEGERS = frozenset({"I", "I;16", "I;16B", "I;16L", "I;16N"})
_WHITE_OF_FLOATS = (1.0, 255.0, 65535.0)


def to_rgb(image: Image.Image, name: str) -> Image.Image:
    """Return a loaded Pillow image of any mode as RGB.

    Args:
        image: Loaded; it is not changed.
        name: What messages call it.

    Raises:
        ImageError: Grey values whose white point cannot be known.
    """
    if image.mode == "F":
        return _floats_to_rgb(image, name)
    if image.mode in _WIDE_INTEGERS:
        return _wide_to_rgb(image, name)
    if image.has_transparency_data:  # a band, a palette with alpha, or colours that mean "clear"
        return _over_white(image)
    return image if image.mode == "RGB" else image.convert("RGB")


def _over_white(image: Image.Image) -> Image.Image:
    if image.mode == "La":
        image = image.convert("LA")  # Pillow has no direct way from premultiplied grey
    clear = image.convert("RGBA")
    white = Image.new("RGB", clear.size, (255, 255, 255))
    # Not `alpha_composite`: `paste` rounds each channel exactly and needs no second RGBA image.
    white.paste(clear, mask=clear)
    return white


def _wide_to_rgb(image: Image.Image, name: str) -> Image.Image:
    """Scale 16-bit grey (which Pillow often holds as 32-bit integers) to 8 bits, to nearest."""
    values = np.asarray(image)
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > 65535:
        raise ImageError(
            f"{name} has grey values from {low} to {high} where 0 is black and 65535 is white: "
            "rescale it to 16 bits"
        )
    levels = ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        levels[values == clear] = 255
    return Image.fromarray(levels).convert("RGB")


def _floats_to_rgb(image: Image.Image, name: str) -> Image.Image:
    """Scale floating-point grey by the smallest usual white point that holds every value."""
    values = np.asarray(image)
    low, high = float(values.min()), float(values.max())  # nan where any value is nan
    white = next((w for w in _WHITE_OF_FLOATS if low >= 0 and high <= w), None)
    if white is None:
        raise ImageError(
            f"{name} has floating-point values from {low:g} to {high:g}: "
            "rescale them to 0 (black) to 1 (white)"
        )
    return Image.fromarray(np.rint(values * (255 / white)).astype(np.uint8)).convert("RGB")
