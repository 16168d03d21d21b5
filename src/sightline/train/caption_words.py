"""Single words that captions name pictures by. Enter at `count_words`."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

LEAST_PICTURES = 10  # a word that fewer have is a slip of the pen, or too rare to learn
MOST_PICTURES = 0.5  # share of all; a word that more have says nothing about a picture

_WORD = re.compile(r"\w{3,}")


def words_of(captions: Iterable[str]) -> frozenset[str]:
    """Return the words of three letters or more in the captions of a picture, in small letters."""
    return frozenset(word for caption in captions for word in _WORD.findall(caption.casefold()))


def count_words(pictures: Sequence[Sequence[str]]) -> Mapping[str, int]:
    """Return how many pictures each word belongs to, for the words worth learning, sorted.

    Args:
        pictures: The captions of each picture.
    """
    counts = Counter(word for captions in pictures for word in words_of(captions))
    most = MOST_PICTURES * len(pictures)
    return {
        word: count for word, count in sorted(counts.items()) if LEAST_PICTURES <= count <= most
    }
