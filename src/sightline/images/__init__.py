"""Any picture, from anywhere, as upright RGB, or a sentence why not. Enter at `read` and `find`."""

from sightline.images.finding import find, find_each
from sightline.images.reading import ImageSource, read, read_reduced

__all__ = ["ImageSource", "find", "find_each", "read", "read_reduced"]
