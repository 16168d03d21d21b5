"""Contrast whose matrix of scores is never whole in memory. Enter at `two_way_softmax`.

Each function is its namesake in `objective.py`, to the last bit while the matrix is small. A larger
one is made a block of rows at a time, forgotten, and made again on the way back: memory grows with
the length of the matrix's sides, and not with their product.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from sightline.shapes import Bool, Float
from sightline.train.objective import pairs_loss, softmax_loss, two_way_softmax_loss

# Scores: 32 MB, of which a loss keeps some six copies. Smaller blocks cost more: from this size on
# glibc gives back to the system what is freed, below it that lies among what is kept.
WHOLE = 2**23
# Unit vectors of some rows → their scores with all columns, scaled.
Score = Callable[[Tensor], Tensor]


def softmax(
    score: Score,
    rows: Float[Tensor, "queries embed_dim"],
    positive: Bool[Tensor, "queries captions"],
    smoothing: float = 0.0,
) -> Float[Tensor, ""]:
    """Return `objective.softmax_loss` of all scores."""
    if positive.numel() <= WHOLE:
        return softmax_loss(score(rows), positive, smoothing)

    def part(some: Tensor, theirs: Tensor) -> Tensor:
        return _sum_of_rows(score(some), theirs, smoothing)

    sums = [_forgotten(part, some, theirs) for some, theirs in _blocks(rows, positive)]
    return torch.stack(sums).sum() / positive.any(dim=1).sum()


def pairs(
    score: Score,
    rows: Float[Tensor, "images embed_dim"],
    positive: Bool[Tensor, "images captions"],
) -> Float[Tensor, ""]:
    """Return `objective.pairs_loss` of all scores."""
    if positive.numel() <= WHOLE:
        return pairs_loss(score(rows), positive)

    def part(some: Tensor, theirs: Tensor) -> Tensor:
        return pairs_loss(score(some), theirs) * len(some)

    sums = [_forgotten(part, some, theirs) for some, theirs in _blocks(rows, positive)]
    return torch.stack(sums).sum() / len(rows)


def two_way_softmax(
    score: Score,
    rows: Float[Tensor, "images embed_dim"],
    positive: Bool[Tensor, "images captions"],
) -> Float[Tensor, ""]:
    """Return `objective.two_way_softmax_loss` of all scores.

    A column's softmax runs over all blocks: each gives the logarithm of its own sum.
    """
    if positive.numel() <= WHOLE:
        return two_way_softmax_loss(score(rows), positive)
    # Block by block, because a sum of bits is made of eight bytes each.
    counts = [theirs.sum(dim=0) for _, theirs in _blocks(rows, positive)]
    mates = torch.stack(counts).sum(dim=0)

    def part(some: Tensor, theirs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        scores = score(some)
        wanted = (theirs.to(scores.dtype) / mates.clamp(min=1) * scores).sum()
        return _sum_of_rows(scores, theirs, 0.0), scores.logsumexp(dim=0), wanted

    found = [_forgotten(part, some, theirs) for some, theirs in _blocks(rows, positive)]
    by_row, sums, wanted = (torch.stack(each) for each in zip(*found, strict=True))
    by_column = sums.logsumexp(dim=0)[mates > 0].sum() - wanted.sum()
    return (by_row.sum() / positive.any(dim=1).sum() + by_column / (mates > 0).sum()) / 2


def agreement(
    first: Float[Tensor, "captions embed_dim"],
    second: Float[Tensor, "captions embed_dim"],
    scale: float = 20.0,
) -> Float[Tensor, ""]:
    """Return CLIP's loss between two wordings of the same things, row i of one being row i's."""
    positive = torch.eye(len(first), dtype=torch.bool, device=first.device)
    return two_way_softmax(lambda some: scale * some @ second.T, first, positive)


def _blocks(rows: Tensor, positive: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    at_once = max(1, WHOLE // positive.shape[1])
    return zip(torch.split(rows, at_once), torch.split(positive, at_once), strict=True)


def _forgotten(part: Callable[[Tensor, Tensor], Any], some: Tensor, theirs: Tensor) -> Any:
    """Work out a part of the loss, keep nothing that only its gradient needs."""
    return checkpoint(part, some, theirs, use_reentrant=False, preserve_rng_state=False)


def _sum_of_rows(scores: Tensor, positive: Tensor, smoothing: float) -> Tensor:
    """Return the sum of the rows' losses instead of their mean; 0 where no row has a positive."""
    count = positive.any(dim=1).sum()
    if not count:
        return scores.sum() * 0.0
    return softmax_loss(scores, positive, smoothing) * count
