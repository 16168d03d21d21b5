"""CLIP's byte pairs: OpenAI's ids for any text, special words apart. Enter at `BytePairs`.

Source: openai/CLIP clip/simple_tokenizer.py. One difference is meant: there the special words
"<|startoftext|>" and "<|endoftext|>", typed by a user, become the ids that start and end a row, so
that a caption can end itself early; here they are text like any other.
"""

import gzip
import hashlib
import io
import re
from collections.abc import Iterable
from functools import cached_property
from heapq import heapify, heappop, heappush
from itertools import pairwise
from pathlib import Path

from sightline.errors import SpecError
from sightline.spec.unicode_classes import LETTERS, NUMBERS, WHITE_SPACE, character_class

MERGES_FILE = Path(__file__).with_name("bpe_simple_vocab_16e6.txt.gz")
MERGES_DIGEST = "924691ac288e54409236115652ad4aa250f48203de50a9e4722a6ecd48d6804a"  # sha256
VOCABULARY_SIZE = 49408

_MERGES = VOCABULARY_SIZE - 512 - 2  # all ids but the bytes, the word-final bytes and the two marks
_MERGES_LENGTH = 525_000  # characters that hold them all; the file goes on for 2.7 million more
_WORD_FINAL = 256  # id of a byte that ends a piece, less that of the byte itself
_PRINTABLE = (*range(33, 127), *range(161, 173), *range(174, 256))  # bytes, as Latin-1
_GONE = -1  # a symbol that was merged into its left neighbour


class BytePairs:
    """CLIP's vocabulary. Nothing is read before the first text."""

    digest = MERGES_DIGEST
    vocabulary_size = VOCABULARY_SIZE
    reserved: frozenset[int] = frozenset()  # start and end have no spelling here

    def has(self, token_id: int) -> bool:
        """Whether the vocabulary has this id."""
        return 0 <= token_id < VOCABULARY_SIZE

    def units(self, text: str) -> list[str]:
        """Cut a text where its ids can be cut: no piece of CLIP's pattern reaches over a space."""
        return text.split(" ")

    def ids(self, text: str) -> list[int]:
        """Return the ids of a cleaned text, without start and end."""
        return [
            token_id
            for piece in self._pieces.findall(text)
            for token_id in self._merged([self._byte_ids[byte] for byte in piece.encode()])
        ]

    def text(self, ids: Iterable[int]) -> str:
        """Return the text that ids stand for; start and end ids stand for nothing."""
        spelt = b"".join(map(self._spellings.__getitem__, ids))
        return spelt.decode("utf-8", errors="replace").strip()

    def _merged(self, symbols: list[int]) -> list[int]:
        """Join the pair that comes first in the merges, leftmost first, until none is left.

        The queue makes this n log n: OpenAI's loop takes seconds for 10 kB without a space. Both
        give the same ids because an id is always greater than the two it was merged from.
        """
        symbols[-1] += _WORD_FINAL
        pairs, count = self._pairs, len(symbols)
        before, after = list(range(-1, count - 1)), list(range(1, count + 1))
        queue = [(pairs[pair], i) for i, pair in enumerate(pairwise(symbols)) if pair in pairs]
        heapify(queue)
        while queue:
            merged, left = heappop(queue)
            right = after[left]
            if right == count or pairs.get((symbols[left], symbols[right])) != merged:
                continue  # one of the two was merged with its other neighbour meanwhile
            symbols[left], symbols[right] = merged, _GONE
            after[left] = following = after[right]
            if following < count:
                before[following] = left
            for first, second in ((before[left], left), (left, following)):
                if first < 0 or second == count:
                    continue
                if (found := pairs.get((symbols[first], symbols[second]))) is not None:
                    heappush(queue, (found, first))
        return [symbol for symbol in symbols if symbol != _GONE]

    @cached_property
    def _pieces(self) -> re.Pattern[str]:
        """CLIP's pattern without its special words, its classes and letter case spelt out.

        Two effects of ignoring case there are kept: "ſ" (long s) is an "s" after an apostrophe,
        and U+0345, whose capital is a letter, belongs to no class and is dropped.
        """
        letter, number = character_class(LETTERS), character_class(NUMBERS)
        return re.compile(
            "'(?:[sSſtTmMdD]|[rRvV][eE]|[lL][lL])"
            f"|[{letter}]+|[{number}]|[^{character_class(WHITE_SPACE)}{letter}{number}\u0345]+"
        )

    @cached_property
    def _byte_order(self) -> list[int]:
        """Bytes by id: those that print in Latin-1 come first, then the others."""
        return [*_PRINTABLE, *sorted(set(range(256)).difference(_PRINTABLE))]

    @cached_property
    def _byte_ids(self) -> list[int]:
        """Ids by byte."""
        return sorted(range(256), key=self._byte_order.__getitem__)

    @cached_property
    def _pairs(self) -> dict[tuple[int, int], int]:
        """The id of each merge. Ids follow the merges' order, so the smallest id merges first."""
        known = _byte_names()
        pairs = {}
        for token_id, line in enumerate(_read_merges(), start=len(known)):
            first, second = line.split(" ")
            pairs[known[first], known[second]] = known[first + second] = token_id
        return pairs

    @cached_property
    def _spellings(self) -> list[bytes]:
        """Bytes by token id; the end of a word is a space."""
        spellings = [bytes([byte]) for byte in self._byte_order]
        spellings += [spelling + b" " for spelling in spellings]
        for first, second in self._pairs:
            spellings.append(spellings[first] + spellings[second])
        return [*spellings, b"", b""]


def written_vocabulary() -> tuple[dict[str, int], list[str]]:
    """Return CLIP's vocabulary and merges as its files write them, without the two marks."""
    merges = _read_merges()
    known = _byte_names()
    for line in merges:
        known[line.replace(" ", "")] = len(known)
    return known, merges


def _byte_names() -> dict[str, int]:
    """How the merges file writes bytes: those that print as themselves, others from U+0100."""
    others = range(256, 512 - len(_PRINTABLE))
    names = [chr(letter) for letter in (*_PRINTABLE, *others)]
    names += [name + "</w>" for name in names]
    return {name: token_id for token_id, name in enumerate(names)}


def _read_merges() -> list[str]:
    packed = MERGES_FILE.read_bytes()
    if hashlib.sha256(packed).hexdigest() != MERGES_DIGEST:
        raise SpecError(f"{MERGES_FILE.name} is not CLIP's merges file: install sightline again")
    with gzip.open(io.BytesIO(packed), "rt", encoding="utf-8", newline="\n") as file:
        lines = file.read(_MERGES_LENGTH).split("\n")
    return lines[1 : _MERGES + 1]  # the first line is a heading
