"""A picture, from wherever it is, as an upright RGB array. Enter at `read`."""

import os
import re
import stat
from collections.abc import Callable
from typing import Protocol, runtime_checkable

import numpy as np
from PIL import Image

from sightline import settings
from sightline.errors import ImageError
from sightline.images.colour import to_rgb
from sightline.images.decoders import damage_named, open_encoded
from sightline.images.orientation import turn_of
from sightline.images.reducing import shrink, turned
from sightline.shapes import UInt8
from sightline.spec.pixels import Shrunk


@runtime_checkable
class BinaryFile(Protocol):
    """What is asked of a file object: `read`; where it has `seek`, its beginning is read."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes."""


ImageSource = (
    str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryFile | Image.Image | np.ndarray
)

_SPECIAL = {  # what os.stat can find where a file should be
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_STRIP_PIXELS = 2**20
# At least two letters: one is a drive of Windows. One slash: `Path` takes the other away.
_ADDRESS = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+:/")


def read(source: ImageSource) -> UInt8[np.ndarray, "height width 3"]:
    """Read one picture as upright RGB. Safe to call from many threads.

    Args:
        source: A path; a file's bytes; a binary file object (read from its beginning where it can
            seek); a Pillow image; or an array, (height, width, 3) uint8, returned as it is.

    Raises:
        ImageError: One sentence why this is not a picture that can be read.

    Example:
        >>> read(Image.new("L", (3, 2))).shape
        (2, 3, 3)
    """
    rgb, _ = read_reduced(source, _not_at_all)
    return _as_array(rgb) if isinstance(rgb, Image.Image) else rgb


def read_reduced(
    source: ImageSource, reduction: Callable[[int, int], int]
) -> tuple[UInt8[np.ndarray, "height width 3"] | Image.Image, Shrunk | None]:
    """Read a picture as `read` does, but shrunk by its decoder where one can, and as it made it.

    Args:
        source: As for `read`.
        reduction: As `PixelRecipe.reduction`.

    Returns:
        The picture, an array where that was given, else Pillow's, which is not copied out: of
        640 × 480 that takes longer than decoding it; and what it was before its decoder shrank it,
        None where none did.

    Raises:
        ImageError: One sentence why this is not a picture that can be read.
    """
    if isinstance(source, np.ndarray):
        return _checked(source), None
    if isinstance(source, Image.Image):
        name, kind, image = "the Pillow image", f"{source.mode} image", source
        reduction = _not_at_all  # it would stay shrunk for whoever gave it
    else:
        name, encoded = encoded_bytes(source)
        image, kind = open_encoded(encoded, name)
    _check_pixels(name, *image.size)
    with damage_named(name, kind):
        shrunk = shrink(image, reduction)
        image.load()
        # HEIC knows its true size only now.
        _check_pixels(name, *image.size)
        turn = turn_of(image.info)
        rgb = to_rgb(image, name)
        if turn is None:
            return rgb, shrunk
        return rgb.transpose(turn), shrunk and turned(shrunk, rgb.size, turn)


def _not_at_all(height: int, width: int) -> int:
    return 1


def encoded_bytes(source: object) -> tuple[str, bytes]:
    """Return what messages call a source, and the bytes of its file."""
    if isinstance(source, bytes | bytearray | memoryview):
        name, encoded = f"a picture of {len(source):,} bytes", bytes(source)
    elif isinstance(source, str | os.PathLike):
        name = repr(os.fsdecode(source))
        encoded = _file_bytes(os.fsdecode(source), name)
    elif isinstance(source, BinaryFile):
        name = f"file object {getattr(source, 'name', type(source).__name__)!r}"
        encoded = _stream_bytes(source, name)
    else:
        raise ImageError(
            f"a picture cannot be read from {type(source).__name__}: "
            "give a path, bytes, a binary file, a Pillow image or an array"
        )
    if not encoded:
        raise ImageError(f"{name} is empty: get it again from where it came")
    _check_bytes(name, len(encoded))
    return name, encoded


def is_address(path: str) -> bool:
    """Whether this is written like a web address and not like a path."""
    return _ADDRESS.match(path) is not None


def why_missing(path: str) -> str:
    """Say what is wrong with a path behind which there is no file."""
    if os.path.islink(path):
        return "is a link to nothing: check the path"
    if is_address(path):
        return "is no file here, and addresses are not fetched: download it and give its path"
    return "does not exist: check the path"


def _file_bytes(path: str, name: str) -> bytes:
    try:
        # Asked before opening: opening a pipe would wait for its writer, perhaps for ever.
        status = os.stat(path)
        _check_kind(path, status.st_mode, name)
        _check_bytes(name, status.st_size)
        with open(path, "rb") as file:
            return file.read(settings.MAX_IMAGE_BYTES + 1)
    except FileNotFoundError as error:
        raise ImageError(f"{name} {why_missing(path)}") from error
    except ImageError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or error
        raise ImageError(f"{name} cannot be opened ({reason}): check the path") from error


def _check_kind(path: str, mode: int, name: str) -> None:
    if stat.S_ISREG(mode):
        return
    if stat.S_ISDIR(mode) and os.access(path, os.R_OK | os.X_OK):
        raise ImageError(f"{name} is a folder, not a picture: give the files in it")
    if stat.S_ISDIR(mode):
        raise ImageError(f"{name} is a folder that may not be listed: change its permissions")
    what = _SPECIAL.get(stat.S_IFMT(mode), "a special file")
    raise ImageError(f"{name} is {what}, not a picture: copy the picture to a file first")


def _stream_bytes(file: BinaryFile, name: str) -> bytes:
    try:
        seek, is_seekable = getattr(file, "seek", None), getattr(file, "seekable", None)
        if seek is not None and is_seekable is not None and is_seekable():
            seek(0)
        encoded: object = file.read(settings.MAX_IMAGE_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: it was closed
        raise ImageError(f"{name} cannot be read ({error}): open it again") from error
    if not isinstance(encoded, bytes):
        raise ImageError(f"{name} gives {type(encoded).__name__}, not bytes: open it with 'rb'")
    return encoded


def _check_bytes(name: str, size: int) -> None:
    if size > settings.MAX_IMAGE_BYTES:
        raise ImageError(
            f"{name} is larger than {settings.MAX_IMAGE_BYTES:,} bytes: shrink it first"
        )


def _check_pixels(name: str, width: int, height: int) -> None:
    if width * height == 0:
        raise ImageError(f"{name} is {width} × {height} pixels: there is nothing to see")
    if width * height > settings.MAX_IMAGE_PIXELS:
        raise ImageError(
            f"{name} is {width} × {height} pixels, more than {settings.MAX_IMAGE_PIXELS:,} in all: "
            "shrink it first"
        )


def _checked(array: np.ndarray) -> UInt8[np.ndarray, "height width 3"]:
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3:
        raise ImageError(
            f"the array is {array.dtype} of shape {array.shape}: give (height, width, 3) uint8"
        )
    height, width, _ = array.shape
    _check_pixels("the array", width, height)
    return array


def _as_array(rgb: Image.Image) -> UInt8[np.ndarray, "height width 3"]:
    """Copy an RGB image out in strips that fit the cache: 13 ms for 12 Mpixel, at once 47 ms."""
    rows = max(1, _STRIP_PIXELS // rgb.width)
    if rgb.height <= rows:
        return np.array(rgb)
    array = np.empty((rgb.height, rgb.width, 3), dtype=np.uint8)
    for top in range(0, rgb.height, rows):
        bottom = min(top + rows, rgb.height)
        array[top:bottom] = np.asarray(rgb.crop((0, top, rgb.width, bottom)))
    return array
