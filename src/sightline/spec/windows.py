"""Where a text with more ids than a row holds is parted. Enter at `part`."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain

import numpy as np

from sightline.shapes import Int64


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """Texts in as many rows as each needs, those of one text one after the other."""

    ids: Int64[np.ndarray, "windows context_length"]
    lengths: Int64[np.ndarray, "windows"]  # ids before the padding, start and end included
    sizes: Int64[np.ndarray, "windows"]  # ids of the text itself
    counts: Int64[np.ndarray, "captions"]  # windows of each text, at least one


def part(sizes: Iterable[int], room: int) -> list[tuple[int, int]]:
    """Part a text into the fewest windows that hold it, the longest as short as can be.

    Windows are of like length, so that none is left with a word or two, and they share no ids, so
    that each word counts once. A word goes into one window, unless it is longer than a row.

    Args:
        sizes: How many ids each word has, in order.
        room: The most ids that a window holds, at least 1.

    Returns:
        Where each window begins and ends among the ids; one empty window for a text without ids.

    Example:
        >>> part([2, 2, 2, 2], room=6)
        [(0, 4), (4, 8)]
    """
    # What no row holds whole may be parted anywhere.
    pieces = list(chain.from_iterable([n] if n <= room else [1] * n for n in sizes))
    borders = list(accumulate(pieces, initial=0))
    fewest = len(_filled(borders, room))
    limits = range(max(pieces, default=0), room + 1)
    # More room never takes more windows, so the first limit that is enough is found by halving.
    best = bisect_left(limits, -fewest, key=lambda limit: -len(_filled(borders, limit)))
    return _filled(borders, limits[best])


def _filled(borders: Sequence[int], limit: int) -> list[tuple[int, int]]:
    """Fill one window after the other with as many whole pieces as `limit` ids hold."""
    windows: list[tuple[int, int]] = []
    begin = 0
    while begin < borders[-1] or not windows:
        end = borders[bisect_right(borders, begin + limit) - 1]
        windows.append((begin, end))
        begin = end
    return windows
