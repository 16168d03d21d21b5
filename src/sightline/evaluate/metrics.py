"""Ranks of the right answer, from vectors or scores; every metric counts ranks. NumPy only.

A rank is the number of *wrong* answers that are not strictly below the right one, so a hit at k is
`rank < k`. Ties, and scores that are not numbers, therefore count against the model: a tower that
gives every picture the same vector scores 0 (a plain `argmax` would give it the first class).
Enter at `label_ranks` for classes and at `caption_ranks` / `image_ranks` for retrieval.
"""

from collections.abc import Iterator

import numpy as np

from sightline.shapes import Bool, Float32, Int64

BLOCK_CELLS = 4_000_000  # scores held at once: 32 MB in double precision


def cosines(
    queries: Float32[np.ndarray, "queries embed_dim"],
    against: Float32[np.ndarray, "images embed_dim"],
) -> Float32[np.ndarray, "queries images"]:
    """Multiply unit vectors so that equal vectors have equal scores.

    A single-precision product may differ in its last bit between columns of one matrix, by where
    the column falls in a block of the library; rounding a double-precision product restores ties.
    """
    product = queries.astype(np.float64) @ against.astype(np.float64).T
    return product.astype(np.float32)


def blocks(rows: int, columns: int) -> Iterator[slice]:
    """Cut `rows` so that a block of rows × `columns` scores has at most `BLOCK_CELLS` cells."""
    step = max(1, BLOCK_CELLS // max(1, columns))
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))


def label_ranks(
    scores: Float32[np.ndarray, "images classes"], truth: Int64[np.ndarray, " images"]
) -> Int64[np.ndarray, " images"]:
    """Count, for each image, the wrong classes that are not strictly below the right one.

    Example:
        >>> scores = np.array([[3, 2, 1], [1, 2, 2]], dtype=np.float32)
        >>> label_ranks(scores, np.array([0, 1])).tolist()
        [0, 1]
    """
    right = scores[np.arange(len(truth)), truth]
    # `not below` instead of `at least`: a score that is not a number must not win
    ahead = ~(scores < right[:, None])
    ranks: Int64[np.ndarray, " images"] = ahead.sum(axis=1, dtype=np.int64) - 1
    return ranks


def decisions(
    scores: Float32[np.ndarray, "images classes"], truth: Int64[np.ndarray, " images"]
) -> Int64[np.ndarray, " images"]:
    """Name the class each image was taken for: the right one, or else its strongest rival."""
    rows = np.arange(len(truth))
    rivals = np.where(np.isnan(scores), np.float32(np.inf), scores)
    rivals[rows, truth] = -np.inf
    return np.where(label_ranks(scores, truth) == 0, truth, rivals.argmax(axis=1)).astype(np.int64)


def caption_ranks(
    images: Float32[np.ndarray, "images embed_dim"],
    captions: Float32[np.ndarray, "captions embed_dim"],
    owners: Int64[np.ndarray, " captions"],
) -> Int64[np.ndarray, " captions"]:
    """Rank each caption's own image among all images (text→image: every caption is a query).

    Args:
        images: Unit vectors.
        captions: Unit vectors.
        owners: The row of `images` that each caption describes.
    """
    ranks = np.empty(len(captions), dtype=np.int64)
    for block in blocks(len(captions), len(images)):
        ranks[block] = label_ranks(cosines(captions[block], images), owners[block])
    return ranks


def image_ranks(
    images: Float32[np.ndarray, "images embed_dim"],
    captions: Float32[np.ndarray, "captions embed_dim"],
    owners: Int64[np.ndarray, " captions"],
) -> Int64[np.ndarray, " images"]:
    """Rank each image's best own caption among the captions of others (image→text).

    A hit at k is then "any of its captions is among the first k", the field's definition: its own
    captions stand behind the best one and cannot push it out. An image without a caption has the
    worst rank.

    Args:
        images: Unit vectors.
        captions: Unit vectors.
        owners: The row of `images` that each caption describes.
    """
    ranks = np.empty(len(images), dtype=np.int64)
    for block in blocks(len(images), len(captions)):
        scores = cosines(images[block], captions)
        own = owners[None, :] == np.arange(block.start, block.stop)[:, None]
        best = np.where(own, scores, -np.inf).max(axis=1, initial=-np.inf)
        ahead = ~(scores < best[:, None]) & ~own
        ranks[block] = ahead.sum(axis=1)
    return ranks


def per_label(
    hits: Bool[np.ndarray, " images"], truth: Int64[np.ndarray, " images"], labels: int
) -> tuple[Int64[np.ndarray, " classes"], Int64[np.ndarray, " classes"]]:
    """Count hits and images of each label; labels without an image have zero of both."""
    counts = np.bincount(truth, minlength=labels)
    right = np.bincount(truth[hits], minlength=labels)
    return right.astype(np.int64), counts.astype(np.int64)


def confusions(
    truth: Int64[np.ndarray, " images"], decided: Int64[np.ndarray, " images"], most: int
) -> list[tuple[int, int, int]]:
    """List the `most` frequent mistakes as (right, decided, count), the most frequent first."""
    wrong = truth != decided
    pairs = np.stack([truth[wrong], decided[wrong]], axis=1)
    found, counts = np.unique(pairs, axis=0, return_counts=True)
    order = np.lexsort((found[:, 1], found[:, 0], -counts))[:most]
    return [(int(found[i, 0]), int(found[i, 1]), int(counts[i])) for i in order]
