"""A JPEG made smaller by its decoder, which never computes the whole. Enter at `shrink`.

It holds the frequencies of blocks of 8 × 8 pixels: without the highest, they are blocks of 4 × 4,
2 × 2 or 1 × 1.
"""

from collections.abc import Callable

from PIL.Image import Image, Transpose

from sightline.spec.pixels import Shrunk

# What each turn does to a picture: first height and width change places, then edges do.
_SIDEWAYS = {Transpose.TRANSPOSE, Transpose.ROTATE_90, Transpose.ROTATE_270, Transpose.TRANSVERSE}
_LEFT_IS_RIGHT = {
    Transpose.FLIP_LEFT_RIGHT,
    Transpose.ROTATE_180,
    Transpose.ROTATE_270,
    Transpose.TRANSVERSE,
}
_TOP_IS_BOTTOM = {
    Transpose.FLIP_TOP_BOTTOM,
    Transpose.ROTATE_180,
    Transpose.ROTATE_90,
    Transpose.TRANSVERSE,
}


def shrink(image: Image, reduction: Callable[[int, int], int]) -> Shrunk | None:
    """Have a picture decoded smaller, where its decoder can do that.

    Args:
        image: Opened, and not yet loaded; it is changed.
        reduction: Says for some height and width, in either order, by how much edges may shrink:
            1, 2, 4 or 8.
    """
    width, height = image.size
    by = reduction(height, width)
    drafted = None if by == 1 else image.draft(None, (width // by, height // by))
    # The last row and column may be of blocks that the picture fills in part only: the box says
    # where it ends. Left out of account, a photo would be a third of a pixel narrower.
    return None if drafted is None else Shrunk((height, width), drafted[1])


def turned(shrunk: Shrunk, size_px: tuple[int, int], turn: Transpose) -> Shrunk:
    """Say the same of the picture after a turn.

    Args:
        shrunk: Of the picture as it was decoded.
        size_px: Its width and height, as it was decoded.
        turn: What brings it upright.
    """
    (height, width), (left, top, right, bottom) = shrunk
    wide, high = size_px
    if turn in _SIDEWAYS:
        height, width = width, height
        wide, high = high, wide
        left, top, right, bottom = top, left, bottom, right
    if turn in _LEFT_IS_RIGHT:
        left, right = wide - right, wide - left
    if turn in _TOP_IS_BOTTOM:
        top, bottom = high - bottom, high - top
    return Shrunk((height, width), (left, top, right, bottom))
