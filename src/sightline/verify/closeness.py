"""How far is each vector from the reference's? Enter at `spread` and `centred`."""

import numpy as np

from sightline.evaluate.metrics import blocks
from sightline.runtime.parity_figures import Spread
from sightline.shapes import Float, Float32

_SHORTEST = 1e-3  # what is left of a unit vector without the mean; less has no direction


def spread(
    reference: Float32[np.ndarray, "rows embed_dim"],
    candidate: Float32[np.ndarray, "rows embed_dim"],
) -> Spread:
    """Return the cosines of vectors with their references, row by row.

    Args:
        reference: Unit vectors.
        candidate: Likewise.
    """
    return _spread(_cosines(reference, candidate, np.zeros(reference.shape[1])))


def centred(
    reference: Float32[np.ndarray, "rows embed_dim"],
    candidate: Float32[np.ndarray, "rows embed_dim"],
) -> Spread:
    """Return the cosines once the reference's mean is taken from both.

    Vectors of one model share a large part: beside it, what tells them apart is small, and so is
    the harm that a plain cosine shows. A row that is the mean itself is left out.

    Args:
        reference: Unit vectors.
        candidate: Likewise.
    """
    return _spread(_cosines(reference, candidate, reference.mean(axis=0, dtype=np.float64)))


def _cosines(
    reference: Float32[np.ndarray, "rows embed_dim"],
    candidate: Float32[np.ndarray, "rows embed_dim"],
    mean: Float[np.ndarray, " embed_dim"],
) -> Float[np.ndarray, " usable"]:
    """Return a cosine a row that has a direction, some rows at once, in double precision.

    From the distance of the two directions, because a product of two that are nearly one loses
    half of its digits: an engine in float32 comes to within 1e-12.
    """
    found = []
    for block in blocks(*reference.shape):
        one, other = (rows[block].astype(np.float64) - mean for rows in (reference, candidate))
        lengths = np.linalg.norm(one, axis=1)
        one, other = one[lengths > _SHORTEST], other[lengths > _SHORTEST]
        one /= np.linalg.norm(one, axis=1, keepdims=True)
        other /= np.maximum(np.linalg.norm(other, axis=1, keepdims=True), _SHORTEST)
        found.append(1.0 - ((one - other) ** 2).sum(axis=1) / 2)
    return np.concatenate(found)


def _spread(cosines: Float[np.ndarray, " usable"]) -> Spread:
    """Sum cosines up; of none, nothing is known to be close."""
    if not len(cosines):
        return Spread(least=0.0, percentile_1=0.0, median=0.0)
    least, low, middle = np.clip(np.percentile(cosines, [0, 1, 50]), -1.0, 1.0)
    return Spread(least=float(least), percentile_1=float(low), median=float(middle))
