"""Files ↔ spec and weights: a model is opened exactly or not at all. Enter at `read`."""

from typing import TYPE_CHECKING

from sightline.checkpoints.checkpoint import Checkpoint, verify_digests
from sightline.checkpoints.manifest import Record
from sightline.checkpoints.reading import read
from sightline.checkpoints.weights import Weights
from sightline.later import later

if TYPE_CHECKING:
    from sightline.checkpoints.converting import Converted, convert
    from sightline.checkpoints.resizing import resize
    from sightline.checkpoints.writing import write

__all__ = [
    "Checkpoint",
    "Converted",
    "Record",
    "Weights",
    "convert",
    "read",
    "resize",
    "verify_digests",
    "write",
]

# Whoever only reads a model needs no layout to write.
_PLACES = {
    "Converted": "sightline.checkpoints.converting",
    "convert": "sightline.checkpoints.converting",
    "resize": "sightline.checkpoints.resizing",
    "write": "sightline.checkpoints.writing",
}
__getattr__ = later(__name__, _PLACES)
