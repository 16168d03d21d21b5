"""Is what is found first still the same? Enter at `flips` and `agreement`."""

from dataclasses import dataclass

import numpy as np

from sightline.evaluate.metrics import blocks, cosines
from sightline.runtime.parity_figures import Flips
from sightline.shapes import Float32

FIRST = 10
TIE = 1e-5  # cosines nearer than this are one: float32 itself may put either first


@dataclass(frozen=True, kw_only=True)
class Pair:
    """The same things as the reference and as the candidate see them."""

    reference: Float32[np.ndarray, "rows embed_dim"]
    candidate: Float32[np.ndarray, "rows embed_dim"]


def flips(queries: Pair, candidates: Pair) -> Flips:
    """Compare what each query finds first; a choice that the reference calls a tie is the same.

    Args:
        queries: Unit vectors, at least one.
        candidates: Unit vectors of what is looked through, at least one.
    """
    changed, kept = 0, 0.0
    for block in blocks(len(queries.reference), len(candidates.reference)):
        before = cosines(queries.reference[block], candidates.reference)
        after = cosines(queries.candidate[block], candidates.candidate)
        changed += int(_first_changed(before, after).sum())
        if len(candidates.reference) > FIRST:
            kept += float(_first_ten_kept(before, after).sum())
    count, among = len(queries.reference), len(candidates.reference)
    return Flips(
        queries=count,
        candidates=among,
        first_changed=changed / count,
        first_ten_kept=kept / count if among > FIRST else None,
    )


def _first_changed(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Tell for each row whether the candidate's first is worse to the reference than its own."""
    chosen = before[np.arange(len(before)), after.argmax(axis=1)]
    return np.asarray(chosen < before.max(axis=1) - TIE)


def _first_ten_kept(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return for each row how many of the candidate's first ten the reference has there too."""
    tenth = np.partition(before, -FIRST, axis=1)[:, -FIRST]
    chosen = np.argpartition(after, -FIRST, axis=1)[:, -FIRST:]
    theirs = np.take_along_axis(before, chosen, axis=1)
    return np.asarray((theirs >= tenth[:, None] - TIE).mean(axis=1))
