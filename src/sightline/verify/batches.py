"""Does a vector depend on what else is in its batch? Enter at `image_drift` and `text_drift`.

And how far are two embedders apart? Enter at `drift`.

It does where the scale of an activation is taken from the whole batch: one extreme neighbour then
makes all others coarse.
"""

from collections.abc import Sequence

import numpy as np

from sightline.embedder import Embedder
from sightline.images import ImageSource
from sightline.shapes import Float32, UInt8

_SIDE_PX = 64
_LONG = "one two three four five six seven eight nine ten " * 16  # fills any row


def extremes() -> tuple[UInt8[np.ndarray, "_ _ 3"], ...]:
    """Draw the pictures with the largest pixels there are: black, white, and both in turn."""
    shape = (_SIDE_PX, _SIDE_PX, 3)
    black, white = np.zeros(shape, np.uint8), np.full(shape, 255, np.uint8)
    board = black.copy()
    board[::2, ::2] = board[1::2, 1::2] = 255
    return black, white, board


def image_drift(embedder: Embedder, pictures: Sequence[bytes]) -> float:
    """Return how far a picture's vectors are apart: alone, among others, and beside extremes.

    Args:
        embedder: The candidate.
        pictures: Encoded, at least one.

    Returns:
        The largest distance of two unit vectors of one picture.
    """
    black, white, board = extremes()
    alone = np.concatenate([_embedded(embedder, [one]) for one in pictures])
    among = _embedded(embedder, pictures)
    beside = [_embedded(embedder, [black, one, white, board])[1] for one in pictures]
    return _largest(alone, among, np.stack(beside))


def _embedded(
    embedder: Embedder, pictures: Sequence[ImageSource]
) -> Float32[np.ndarray, "images embed_dim"]:
    """Return a vector a picture; one without a direction, as black may be, is far from any."""
    nowhere = np.zeros(embedder.spec.embed_dim, np.float32)
    found = (vector for _, vector in embedder.stream(pictures))
    return np.stack([one if isinstance(one, np.ndarray) else nowhere for one in found])


def text_drift(embedder: Embedder, texts: Sequence[str]) -> float:
    """Return the same for texts; those beside them are the shortest and the longest there are.

    Args:
        embedder: The candidate.
        texts: At least one.
    """
    alone = np.concatenate([embedder.embed_texts([one], long="cut") for one in texts])
    among = embedder.embed_texts(list(texts), long="cut")
    beside = [embedder.embed_texts(["a", one, _LONG], long="cut")[1] for one in texts]
    return _largest(alone, among, np.stack(beside))


def drift(
    reference: Embedder, other: Embedder, pictures: Sequence[bytes], texts: Sequence[str]
) -> float:
    """Return how far two embedders' vectors of the same pictures and texts are apart, at most.

    Args:
        reference: One.
        other: Of the same model.
        pictures: Encoded, at least one.
        texts: At least one.
    """
    seen = (_embedded(one, pictures) for one in (reference, other))
    read = (one.embed_texts(list(texts), long="cut") for one in (reference, other))
    return max(_largest(*seen), _largest(*read))


def _largest(*made: Float32[np.ndarray, "rows embed_dim"]) -> float:
    """Return the largest distance of a row to the same row of another."""
    pairs = ((one, other) for place, one in enumerate(made) for other in made[:place])
    return max(float(np.linalg.norm(one - other, axis=1).max()) for one, other in pairs)
