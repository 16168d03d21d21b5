"""From an upright RGB picture to the numbers an image tower reads. Enter at `PixelRecipe.apply`."""

from typing import Literal

import msgspec

from sightline.errors import SpecError


class PixelRecipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one checkpoint turns pictures into pixels; every field has silently broken somebody."""

    size_px: int  # edge of the square that comes out
    resize: Literal["shortest", "squash", "longest_pad"]
    filter: Literal["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"]  # antialiased
    crop_rounding: Literal["half_even", "floor"]  # torchvision's round, or transformers' //
    mean: tuple[float, float, float]  # of each channel, on a 0 to 1 scale
    std: tuple[float, float, float]

    def __post_init__(self) -> None:
        if self.size_px < 1:
            raise SpecError(f"pixels.size_px is {self.size_px}: give a positive size")
        if min(self.std) <= 0:
            raise SpecError(f"pixels.std is {self.std}: give positive deviations")
