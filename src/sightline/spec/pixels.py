"""From an upright RGB picture to the numbers an image tower reads. Enter at `PixelRecipe.apply`."""

from typing import Any, Literal, NamedTuple, Protocol, TypeAlias, runtime_checkable

import msgspec
import numpy as np

from sightline import settings
from sightline.errors import ImageError, SpecError
from sightline.shapes import Float32, UInt8
from sightline.spec.limits import require_size

Jpegs: TypeAlias = Literal["careful", "fast"]

REDUCTIONS = (1, 2, 4, 8)  # of the blocks of 8 × 8 that a JPEG is made of
WHOLE_PX = 512  # of the edge that decides: less gains little, and is what most pictures have


@runtime_checkable
class Rgb(Protocol):
    """Pillow's picture in mode RGB: a spec is read and compared without Pillow."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""

    def resize(self, size: tuple[int, int], /, *how: Any) -> Any:
        """Return another of that width and height."""


class Shrunk(NamedTuple):
    """What a picture was before its decoder made it smaller."""

    whole_px: tuple[int, int]  # height and width of the upright picture
    box: tuple[float, float, float, float]  # where it lies now: left, top, right, bottom edge


class PixelRecipe(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """How one checkpoint turns pictures into pixels; every field has silently broken somebody."""

    size_px: int  # edge of the square that comes out
    resize: Literal["shortest", "squash", "longest_pad"]
    filter: Literal["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"]  # antialiased
    crop_rounding: Literal["half_even", "floor"]  # torchvision's round, or transformers' //
    mean: tuple[float, float, float]  # of each channel, on a 0 to 1 scale
    std: tuple[float, float, float]
    # How small a JPEG may be decoded: "fast" leaves once what the resize asks for, not twice. No
    # record of a model says so; who asks for it gets vectors of another fingerprint.
    jpegs: Jpegs = "careful"

    def __post_init__(self) -> None:
        require_size("pixels.size_px", self.size_px)
        if min(self.std) <= 0:
            raise SpecError(f"pixels.std is {self.std}: give positive deviations")

    def apply(
        self, rgb: UInt8[np.ndarray, "height width 3"] | Rgb, shrunk: Shrunk | None = None
    ) -> Float32[np.ndarray, "3 size size"]:
        """Resize, crop or pad to a square, and normalise, as the checkpoint was trained.

        On upright RGB this equals the reference bit for bit: torchvision's transforms with
        crop_rounding "half_even", the Pillow processors of transformers with "floor".

        Args:
            rgb: Upright, as `sightline.images.read` or `read_reduced` gives it.
            shrunk: What it was before its decoder shrank it; None where none did.

        Raises:
            ImageError: Empty, or so long and thin that its resized copy would not fit in memory.
        """
        return self.normalise(self.square(rgb, shrunk))

    def reduction(self, height: int, width: int) -> int:
        """Return by how much a decoder may shrink a picture before this recipe does.

        At least twice the size that the resize asks for is left, and at least `WHOLE_PX` on that
        edge: a picture with less than twice as much is decoded whole, and its numbers are the
        reference's bit for bit. On photos of 12 megapixels for 224 pixels numbers move by 0.2 of
        255 in the mean and by 4 at most, and reading takes a fifth of the time
        (`python benchmarks/pictures.py`). With `jpegs` "fast" once that size is left: by 0.5 in
        the mean and by 10 at most there, and ordinary photos move too, by 1.2 and by 32.

        Returns:
            1, 2, 4 or 8: what JPEG can do.
        """
        if self.filter == "nearest":  # which takes the pixels that there are
            return 1
        edge_px = (max if self.resize == "longest_pad" else min)(height, width)
        careful_px = max(2 * self.size_px, WHOLE_PX)
        least_px = careful_px if self.jpegs == "careful" else self.size_px
        return max(by for by in REDUCTIONS if by == 1 or edge_px >= by * least_px)

    def square(
        self, rgb: UInt8[np.ndarray, "height width 3"] | Rgb, shrunk: Shrunk | None = None
    ) -> UInt8[np.ndarray, "size size 3"]:
        """Resize, then crop or pad to a square of `size_px`, still in 8 bits."""
        from PIL import Image  # here: a spec can be read and compared without Pillow

        picture = Image.fromarray(rgb) if isinstance(rgb, np.ndarray) else rgb
        resized_px = self._resized_px(*(shrunk.whole_px if shrunk else picture.size[::-1]))
        # Pillow's filters widen with the reduction: all are antialiased.
        how = Image.Resampling[self.filter.upper()]
        resized = picture.resize(resized_px, how, shrunk and shrunk.box)
        if self.resize == "longest_pad":
            return self._padded(np.asarray(resized))
        left, top = (self._crop_offset(edge) for edge in resized_px)
        return np.asarray(resized.crop((left, top, left + self.size_px, top + self.size_px)))

    def normalise(
        self, rgb: UInt8[np.ndarray, "height width 3"]
    ) -> Float32[np.ndarray, "3 height width"]:
        """Scale to 0 to 1, subtract the mean, divide by the deviation; channels first.

        Three float32 steps, each rounded, in the order of torchvision's ToTensor and Normalize:
        folding them into one multiplication would differ in the last bit.
        """
        pixels = rgb.transpose(2, 0, 1).astype(np.float32, order="C")
        pixels /= np.float32(255)
        pixels -= np.asarray(self.mean, dtype=np.float32)[:, None, None]
        pixels /= np.asarray(self.std, dtype=np.float32)[:, None, None]
        return pixels

    def _resized_px(self, height: int, width: int) -> tuple[int, int]:
        """Return width and height after the resize, before the crop or the padding."""
        if height * width == 0:
            raise ImageError(f"the picture is {width} × {height} pixels: there is nothing to see")
        if self.resize == "squash":
            return self.size_px, self.size_px
        if self.resize == "longest_pad":
            # open_clip 3.3 transform.py ResizeKeepRatio(longest=1): Python's round, half to even.
            ratio = max(height / self.size_px, width / self.size_px)
            return max(1, round(width / ratio)), max(1, round(height / ratio))
        # torchvision _compute_resized_output_size and transformers get_resize_output_image_size.
        long_px = int(self.size_px * max(height, width) / min(height, width))
        if long_px * self.size_px > max(settings.MAX_IMAGE_PIXELS, self.size_px**2):
            raise ImageError(
                f"the picture is {width} × {height} pixels, too long and thin to be resized to "
                f"{self.size_px} on its short side: crop it first"
            )
        return (self.size_px, long_px) if width <= height else (long_px, self.size_px)

    def _crop_offset(self, edge_px: int) -> int:
        if self.crop_rounding == "half_even":
            return round((edge_px - self.size_px) / 2.0)
        return (edge_px - self.size_px) // 2

    def _padded(self, rgb: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "size size 3"]:
        """Centre on black, the odd pixel after (open_clip 3.3 transform.py center_crop_or_pad)."""
        height, width, _ = rgb.shape
        top, left = (self.size_px - height) // 2, (self.size_px - width) // 2
        canvas = np.zeros((self.size_px, self.size_px, 3), dtype=np.uint8)
        canvas[top : top + height, left : left + width] = rgb
        return canvas
