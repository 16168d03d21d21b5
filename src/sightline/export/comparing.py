"""Does what was written compute what the model does? Enter at `compared`.

Made pictures and texts only: enough to find a broken file, too little to certify one.
"""

from collections.abc import Mapping

import msgspec
import numpy as np

from sightline.embedder import Embedder
from sightline.errors import CheckpointError
from sightline.export.words import PLAIN
from sightline.verify.subjects import pictures

# The lowest cosine of a made picture or text. Such pictures are further from what eight bits were
# calibrated on than any photo is.
LEAST: Mapping[str, float] = {"float32": 1 - 1e-6, "float16": 0.9999, "int8": 0.9}


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """The lowest cosine of what was compared."""

    pictures: float
    texts: float


def compared(reference: Embedder, candidate: Embedder) -> Compared:
    """Embed made pictures and texts with a model and with what was exported of it.

    Raises:
        CheckpointError: They are too far apart: something is broken.
    """
    seen = list(pictures(reference.spec.pixels))
    texts = list(PLAIN)
    found = Compared(
        pictures=_lowest(reference.embed_images(seen), candidate.embed_images(seen)),
        texts=_lowest(
            reference.embed_texts(texts, long="cut"), candidate.embed_texts(texts, long="cut")
        ),
    )
    least = LEAST[candidate.towers.precision]
    for what, cosine in (("image", found.pictures), ("text", found.texts)):
        if not cosine >= least:
            raise CheckpointError(
                f"the exported {what} tower gives vectors at a cosine of {cosine:.6g} from the "
                f"model's where at least {least:.6g} is expected: nothing is kept; export in "
                "another precision or format"
            )
    return found


def _lowest(one: np.ndarray, other: np.ndarray) -> float:
    """Return the lowest cosine of two rows."""
    return float((one.astype(float) * other).sum(axis=1).min())
