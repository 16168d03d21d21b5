"""Files ↔ spec and weights: a model is opened exactly or not at all. Enter at `read`."""

from sightline.checkpoints.checkpoint import Checkpoint, verify_digests
from sightline.checkpoints.converting import Converted, convert
from sightline.checkpoints.manifest import Record
from sightline.checkpoints.reading import read
from sightline.checkpoints.resizing import resize
from sightline.checkpoints.weights import Weights
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
