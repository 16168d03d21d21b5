"""How a share of right answers changed, and how much of that chance may have done. See `change`."""

from math import sqrt

import numpy as np

from sightline.runtime.parity_figures import Change
from sightline.shapes import Bool, Int64

Z = 2.5758293035489004  # the normal distribution's 99.5 % point


def change(
    before: Bool[np.ndarray, " queries"],
    after: Bool[np.ndarray, " queries"],
    owners: Int64[np.ndarray, " queries"],
) -> Change:
    """Compare the same queries' answers; only those that are right once tell anything.

    The interval is of paired shares with half an answer added to each of the four kinds, so that
    no change at all among few queries is not taken for certain (Agresti & Min, Statistics in
    Medicine 2005); queries of one picture, such as its captions, count together.

    Args:
        before: Whether the reference answered rightly; at least one query.
        after: Whether the candidate did.
        owners: The picture that each query is about.

    Example:
        >>> one = np.array([True, True, False, False])
        >>> change(one, ~one, np.arange(4)).points
        0.0
    """
    gained = after.astype(np.int64) - before.astype(np.int64)
    sizes = np.bincount(owners)
    sums = np.bincount(owners, weights=gained)[sizes > 0]
    sizes = sizes[sizes > 0]
    size = len(gained) / len(sizes)  # queries a picture
    share, shrunk = gained.mean(), gained.sum() / (len(gained) + 2 * size)
    squares = float(((sums - shrunk * sizes) ** 2).sum()) + size**2
    half = Z * sqrt(squares) / (len(gained) + 2 * size)
    return Change(
        queries=len(gained),
        before=100 * float(before.mean()),
        points=100 * float(share),
        low=100 * float(max(-1.0, min(share, shrunk - half))),
        high=100 * float(min(1.0, max(share, shrunk + half))),
    )
