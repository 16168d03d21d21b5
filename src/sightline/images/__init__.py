"""Any picture, from anywhere, as upright RGB, or a sentence why not. Enter at `read` and `find`."""

from sightline.images.finding import find, find_each
from sightline.images.reading import ImageSource, read

__all__ = ["ImageSource", "find", "find_each", "read"]
