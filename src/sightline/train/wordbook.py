"""Which words are true of a picture, which may be, how common each is. Enter at `Wordbook`."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np

from sightline.data import Example
from sightline.errors import DataError
from sightline.shapes import Bool, Float32
from sightline.train.caption_words import LEAST_PICTURES, count_words, words_of
from sightline.train.recipe import SourcePart


@dataclass(frozen=True, slots=True)
class Spoken:
    """What one source says of its pictures."""

    part: SourcePart
    labels: Mapping[str, int]  # label → pictures; empty if it is read by captions
    captions: Sequence[Sequence[str]]  # of each picture; empty if it is read by labels


class Wordbook:
    """The words of captions, the labels and the broader names of all sources of a run.

    Attributes:
        counts: Word of captions, or broader name → pictures it belongs to.
        names: Those and the labels in small letters, sorted: what pictures of any source can be
            held against.
        pull: How much of a picture's attention each of `names` draws: one over the root of its
            share of the examples, so that rare words are not drowned.
        prior: Logarithm of each name's share of that attention, over all examples.
    """

    def __init__(self, sources: Sequence[Spoken]) -> None:
        spoken = count_words([texts for source in sources for texts in source.captions])
        for source in sources:
            _check_broader(source.part, source.labels or spoken)
        self._above = {source.part.name: _invert(source.part.broader) for source in sources}
        self._beneath = _join([source.part.broader for source in sources])
        self._sayable = self._beneath.keys() | spoken.keys()
        pictures = list(self._pictures(sources))
        self.counts = _count((said, number) for said, _, number, _ in pictures)
        labels = {label.casefold() for source in sources for label in source.labels}
        self.names: tuple[str, ...] = tuple(sorted({*map(str.casefold, self.counts)} | labels))
        self._place = {name: column for column, name in enumerate(self.names)}
        weighed = [(_fold(said | own), weight) for said, own, _, weight in pictures]
        self.pull, self.prior = self._weigh(weighed)

    def said_of(self, part: SourcePart, example: Example) -> Set[str]:
        """Return the words of a picture's captions and what is above them, or above its label."""
        if part.reads == "labels":
            return self._above[part.name].get(str(example.label), frozenset())
        return self._said_in(part, example.texts)

    def true_of(self, part: SourcePart, example: Example) -> Set[str]:
        """Return the same with the label, as they stand in `names`."""
        own = {str(example.label)} if part.reads == "labels" else set()
        return _fold(self.said_of(part, example) | own)

    def places(self, names: Iterable[str]) -> list[int]:
        """Return where names stand in `names`, sorted."""
        return sorted(self._place[name] for name in names)

    def attention(
        self, true: Sequence[Set[str]], among: Sequence[int]
    ) -> Float32[np.ndarray, "images captions"]:
        """Return how each picture's attention is shared by what is true of it; rows sum to 1 or 0.

        Args:
            true: What is true of each picture.
            among: The names that there are, as places in `names`.
        """
        shares: Float32[np.ndarray, "images captions"]
        shares = np.stack([self._mask(names)[among] for names in true]) * self.pull[among]
        shares /= np.maximum(shares.sum(axis=1, keepdims=True), np.finfo(np.float32).tiny)
        return shares

    def not_false(
        self, true: Sequence[Set[str]], among: Sequence[int]
    ) -> Bool[np.ndarray, "images captions"]:
        """Return which names are true of a picture, or narrower than all that is said of it."""
        return np.stack([self._mask(self._possible(names))[among] for names in true])

    def _possible(self, true: Set[str]) -> Set[str]:
        """Add what is beneath the most special true names: a dog may be a poodle, a pug may not."""
        possible = set(true)
        for name in true:
            beneath = self._beneath.get(name, frozenset())
            narrower = (word for word in beneath if name not in self._beneath.get(word, ()))
            if true.isdisjoint(narrower):  # a synonym is beneath its synonym and no narrower
                possible |= beneath
        return possible

    def _mask(self, names: Set[str]) -> Bool[np.ndarray, "captions"]:
        mask = np.zeros(len(self.names), dtype=bool)
        mask[self.places(names & self._place.keys())] = True
        return mask

    def _said_in(self, part: SourcePart, texts: Iterable[str]) -> Set[str]:
        said = words_of(texts) & self._sayable
        above = self._above[part.name]
        return said.union(*(above.get(word, ()) for word in said))

    def _pictures(
        self, sources: Sequence[Spoken]
    ) -> Iterator[tuple[Set[str], Set[str], int, float]]:
        """Give what is said, the label, of how many pictures, and their weight in the mixture."""
        for source in sources:
            above, share = self._above[source.part.name], source.part.share
            total = sum(source.labels.values())
            for label, count in source.labels.items():
                yield above.get(label, frozenset()), {label}, count, share * count / total
            for texts in source.captions:
                said = self._said_in(source.part, texts)
                yield said, set(), 1, share / len(source.captions)

    def _weigh(
        self, pictures: Sequence[tuple[Set[str], float]]
    ) -> tuple[Float32[np.ndarray, "captions"], Float32[np.ndarray, "captions"]]:
        """Return `pull` and `prior`."""
        common = np.zeros(len(self.names))
        for names, weight in pictures:
            common[self.places(names)] += weight
        pull = (common / common.sum()) ** -0.5
        drawn = np.zeros(len(self.names))
        for names, weight in pictures:
            own = self.places(names)
            drawn[own] += weight * pull[own] / pull[own].sum()
        prior = np.log(drawn / drawn.sum())
        return pull.astype(np.float32), prior.astype(np.float32)


def _check_broader(part: SourcePart, words: Mapping[str, int]) -> None:
    for name, narrower in part.broader.items():
        for word in narrower:
            if word not in words:
                lack = (
                    "which is none of its labels"
                    if part.reads == "labels"
                    else f"which captions of fewer than {LEAST_PICTURES} pictures hold"
                )
                raise DataError(
                    f"source {part.name!r} has the broader name {name!r} for {word!r}, {lack}: "
                    "take it out of the list"
                )


def _invert(broader: Mapping[str, Sequence[str]]) -> Mapping[str, frozenset[str]]:
    above: dict[str, set[str]] = {}
    for name, narrower in broader.items():
        for word in narrower:
            above.setdefault(word, set()).add(name)
    return {word: frozenset(names) for word, names in above.items()}


def _join(tables: Sequence[Mapping[str, Sequence[str]]]) -> Mapping[str, frozenset[str]]:
    joined: dict[str, frozenset[str]] = {}
    for table in tables:
        for name, narrower in table.items():
            key = name.casefold()
            joined[key] = joined.get(key, frozenset()) | _fold(narrower)
    return joined


def _fold(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name.casefold() for name in names)


def _count(pictures: Iterable[tuple[Set[str], int]]) -> Mapping[str, int]:
    counts: Counter[str] = Counter()
    for names, number in pictures:
        counts.update(dict.fromkeys(names, number))
    return dict(sorted(counts.items()))
