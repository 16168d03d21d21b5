"""What may stand for a picture, and the key that names it. Enter at `keyed`."""

import os
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import numpy as np

from sightline.errors import ImageError
from sightline.images import ImageSource

Images: TypeAlias = ImageSource | Iterable[ImageSource | tuple[str, ImageSource]]


def keyed(images: Images) -> Iterator[tuple[str, ImageSource]]:
    """Yield each picture with the key that names it in results and messages.

    Args:
        images: One picture, or any iterable of pictures, or of (key, picture). Without a key, a
            path is named by itself, an open file by its name, anything else by its position.
    """
    several: Any = [images] if is_one_image(images) else images
    for position, entry in enumerate(several):
        if not isinstance(entry, tuple):
            yield _key(entry, position), entry
        elif len(entry) == 2:
            yield entry
        else:
            raise ImageError(f"picture {position} is a tuple of {len(entry)}: give (key, picture)")


def is_one_image(images: Images) -> bool:
    """Whether this is a picture itself: a path, bytes, an array, a file or a Pillow image."""
    if isinstance(images, np.ndarray):
        return images.ndim < 4
    if isinstance(images, str | bytes | bytearray | memoryview | os.PathLike):
        return True
    return hasattr(images, "read") or not isinstance(images, Iterable)


def _key(source: ImageSource, position: int) -> str:
    """Name a picture that came without a key."""
    if isinstance(source, str | os.PathLike):
        return os.fspath(source)
    name = getattr(source, "name", None)
    return name if isinstance(name, str) and name else str(position)
