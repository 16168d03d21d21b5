"""Unit vectors, and the one vector that stands for a class. Enter at `class_vectors`."""

from collections.abc import Callable, Sequence
from itertools import chain

import numpy as np

from sightline.errors import TextError
from sightline.scoring.classes import Class, prompts_by_name
from sightline.shapes import Float, Float32, Int64

_SHORTEST = 1e-6  # an average of unit vectors shorter than this has no direction left


def unit(vectors: Float[np.ndarray, "batch embed_dim"]) -> Float32[np.ndarray, "batch embed_dim"]:
    """Scale each row to length one; a row that cannot be scaled comes out as NaN.

    The division is done in double precision, so that the length is one to the last float32 digit.
    """
    wide = vectors.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        lengths = np.linalg.norm(wide, axis=1, keepdims=True)
        usable = np.isfinite(lengths) & (lengths > 0)
        return np.where(usable, wide / np.where(usable, lengths, 1.0), np.nan).astype(np.float32)


def similarity(
    images: Float32[np.ndarray, "images embed_dim"],
    texts: Float32[np.ndarray, "captions embed_dim"],
) -> Float32[np.ndarray, "images captions"]:
    """Return the cosine of every image with every text, both given as unit vectors."""
    cosines: Float32[np.ndarray, "images captions"] = images @ texts.T
    return cosines


def mean_directions(
    vectors: Float32[np.ndarray, "windows embed_dim"],
    weights: Int64[np.ndarray, "windows"],
    counts: Int64[np.ndarray, "captions"],
) -> Float32[np.ndarray, "captions embed_dim"]:
    """Return the direction of each group's weighted mean, NaN where its vectors cancel out.

    Args:
        vectors: Unit vectors, those of a group one after the other.
        weights: At least 0 each, and more than 0 in every group.
        counts: Vectors of each group, at least one.
    """
    starts = np.cumsum(counts) - counts
    sums = np.add.reduceat(vectors.astype(np.float64) * weights[:, None], starts, axis=0)
    means = sums / np.add.reduceat(weights, starts)[:, None]
    means[~(np.linalg.norm(means, axis=1) > _SHORTEST)] = np.nan
    return unit(means)


def class_vectors(
    embed_texts: Callable[[Sequence[str]], Float32[np.ndarray, "captions embed_dim"]],
    classes: Sequence[Class],
    templates: Sequence[str],
) -> Float32[np.ndarray, "classes embed_dim"]:
    """Return one unit vector a class.

    The unit vectors of a name under all templates are averaged and normalised again (the paper's
    ensemble); then the vectors of a class's names are, so that each name counts equally.

    Args:
        embed_texts: Gives unit vectors for texts, in order; called once, with all of them.
        classes: At least one.
        templates: At least one, each with one `{}`; not used for a class that has prompts.

    Raises:
        TextError: The texts of a class cancel each other out.
    """
    groups = [prompts_by_name(one, templates) for one in classes]
    embedded = embed_texts(list(chain.from_iterable(chain.from_iterable(groups))))
    rows = []
    start = 0
    for one, group in zip(classes, groups, strict=True):
        names = []
        for prompts in group:
            names.append(_mean_direction(embedded[start : start + len(prompts)], one.name))
            start += len(prompts)
        rows.append(_mean_direction(np.stack(names), one.name))
    return np.stack(rows)


def _mean_direction(
    vectors: Float32[np.ndarray, "batch embed_dim"], name: str
) -> Float32[np.ndarray, " embed_dim"]:
    """Average unit vectors and normalise again."""
    mean = vectors.astype(np.float64).mean(axis=0, keepdims=True)
    if not np.linalg.norm(mean) > _SHORTEST:
        raise TextError(
            f"the texts of class {name!r} cancel each other out: give it fewer names or prompts"
        )
    direction: Float32[np.ndarray, " embed_dim"] = unit(mean)[0]
    return direction
