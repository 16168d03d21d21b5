"""Files ↔ spec and weights: a model folder is opened exactly or not at all. Enter at `read`."""

from sightline.checkpoints.folder import Checkpoint, read, verify_digests
from sightline.checkpoints.manifest import Record
from sightline.checkpoints.weights import Place, Weights
from sightline.checkpoints.writing import write

__all__ = ["Checkpoint", "Place", "Record", "Weights", "read", "verify_digests", "write"]
