"""Pictures and texts → unit vectors: the one way to embed. Enter at `load` and `Embedder`."""

from sightline.embedder.embedder import Embedder
from sightline.embedder.encoding import Skipped
from sightline.embedder.opening import embedder_of, load

__all__ = ["Embedder", "Skipped", "embedder_of", "load"]
