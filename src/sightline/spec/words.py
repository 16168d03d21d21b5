"""From a caption to the rows of ids a text tower reads. Enter at `open_words`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import msgspec
import numpy as np

from sightline.errors import SpecError, TextError
from sightline.settings import MAX_TEXT_CHARACTERS
from sightline.shapes import Bool, Int64
from sightline.spec.clean import Cleaning, cleaner
from sightline.spec.windows import Windows, part

_KNOWN_UNITS = 65_536  # about 10 MB of ordinary words
_KNOWN_LENGTH = 128  # characters; what is longer hardly comes twice


class TextRecipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one checkpoint writes a caption as a row of ids."""

    tokenizer: Literal["clip", "file"]  # CLIP's byte pairs, or tokenizer.json in the model folder
    clean: Cleaning
    context_length: int  # ids in a row, start and end included
    start_id: int | None  # None: a family without a start token
    end_id: int | None  # may equal pad_id: SigLIP pads with its end token
    pad_id: int
    template: str  # the recommended prompt, with one {}: it belongs to the model

    def __post_init__(self) -> None:
        if self.room < 1:
            raise SpecError(f"context_length {self.context_length} holds no caption: raise it")
        if self.template.count("{}") != 1:
            raise SpecError(f"words.template {self.template!r} needs exactly one {{}}: add it")

    @property
    def room(self) -> int:
        """Ids of the caption itself that fit in a row."""
        return self.context_length - (self.start_id is not None) - (self.end_id is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Captions as a text tower reads them."""

    ids: Int64[np.ndarray, "captions context_length"]
    cut: Bool[np.ndarray, "captions"]  # the caption lost its last ids
    lengths: Int64[np.ndarray, "captions"]  # ids before the padding, start and end included


@runtime_checkable
class Tokenizer(Protocol):
    """What turns cleaned text into ids: a vocabulary of this floor."""

    @property
    def digest(self) -> str:
        """Sha256 of the content, in hexadecimal."""

    @property
    def vocabulary_size(self) -> int:
        """How many ids there are."""

    @property
    def reserved(self) -> frozenset[int]:
        """Ids that no text may become."""

    def has(self, token_id: int) -> bool:
        """Whether the vocabulary has this id."""

    def units(self, text: str) -> list[str]:
        """Cut a text so that its ids are those of the parts, one after the other."""

    def ids(self, text: str) -> list[int]:
        """Return the ids of a text or of one part, without start and end."""

    def text(self, ids: Sequence[int]) -> str:
        """Return the text that ids stand for."""


def open_words(recipe: TextRecipe, folder: Path | None = None) -> "Words":
    """Open what turns captions into rows for one model.

    Args:
        recipe: How the model writes captions.
        folder: The model folder, whose tokenizer.json a recipe with tokenizer "file" needs.

    Raises:
        SpecError: The tokenizer is missing or damaged, or lacks an id the recipe names.
    """
    tokenizer = _open_tokenizer(recipe, folder)
    for name in ("start_id", "end_id", "pad_id"):
        token_id: int | None = getattr(recipe, name)
        if token_id is not None and not tokenizer.has(token_id):
            raise SpecError(
                f"words.{name} {token_id} is not among the tokenizer's "
                f"{tokenizer.vocabulary_size} ids: correct the recipe or bring its own tokenizer"
            )
    return Words(recipe, tokenizer)


def _open_tokenizer(recipe: TextRecipe, folder: Path | None) -> Tokenizer:
    """Open a vocabulary, with the modules that it needs."""
    if recipe.tokenizer == "clip":
        from sightline.spec.byte_pairs import BytePairs

        return BytePairs()
    if folder is None:
        raise SpecError("words.tokenizer 'file' means a model folder's tokenizer.json: name it")
    from sightline.spec.tokenizer_file import open_tokenizer_file

    marks = [mark for mark in (recipe.start_id, recipe.end_id) if mark is not None]
    return open_tokenizer_file(folder / "tokenizer.json", marks=marks, pad_id=recipe.pad_id)


class Words:
    """One model's way from captions to ids. Ids of words met before are remembered, boundedly."""

    def __init__(self, recipe: TextRecipe, tokenizer: Tokenizer) -> None:
        """Join a recipe to its tokenizer; enter at `open_words`.

        Args:
            recipe: How the model writes captions.
            tokenizer: The vocabulary whose ids the recipe names.
        """
        self.recipe = recipe
        self.digest = tokenizer.digest
        self.vocabulary_size = tokenizer.vocabulary_size
        self._clean = cleaner(recipe.clean)
        self._tokenizer = tokenizer
        self._known: dict[str, tuple[int, ...]] = {}

    def under(self, recipe: TextRecipe) -> "Words":
        """Return the same vocabulary under another recipe.

        Args:
            recipe: With ids of this vocabulary.
        """
        return Words(recipe, self._tokenizer)

    def encode(self, text: str) -> list[int]:
        """Return all ids of one caption, start and end included, however many.

        Raises:
            TextError: The text is not a string, is a document, or holds half a character.
        """
        start, end = self.recipe.start_id, self.recipe.end_id
        ids = [] if start is None else [start]
        self._append(ids, text)
        return ids if end is None else [*ids, end]

    def rows(self, texts: Sequence[str], *, long: Literal["raise", "cut"] = "raise") -> Rows:
        """Write each caption as one row: start, ids, end, then padding.

        Args:
            texts: Captions, as people write them.
            long: A caption that does not fit in a row is an error ("raise") or loses its last
                ids and keeps the end id ("cut"), which `Rows.cut` tells.

        Raises:
            TextError: A caption is too long and `long` is "raise", `long` is neither, or `encode`
                refuses a caption.
        """
        _refuse_one_text(texts)
        if long not in ("raise", "cut"):
            raise TextError(f"long is {long!r}: pass 'raise' or 'cut'")
        room = self.recipe.room
        flat: list[int] = []  # ids of all captions: a list for each would keep the collector busy
        sizes = np.empty(len(texts), np.int64)
        cut = np.zeros(len(texts), np.bool_)
        for place, text in enumerate(texts):
            begin = len(flat)
            self._append(flat, text, place)
            count = len(flat) - begin
            if count > room:
                if long == "raise":
                    raise TextError(
                        f"text {place} has {count} ids but a row holds {room}: "
                        "shorten it, or embed it with long='cut' or long='window'"
                    )
                # The text is pooled at the end id, so it is written after the cut, not cut off.
                del flat[begin + room :]
                cut[place], count = True, room
            sizes[place] = count
        ids, lengths = self._write(flat, sizes)
        return Rows(ids=ids, cut=cut, lengths=lengths)

    def windows(self, texts: Sequence[str]) -> Windows:
        """Write each text as one row, or as several if it does not fit, so that no id is lost.

        Args:
            texts: Texts, as people write them.

        Raises:
            TextError: `encode` refuses a text.
        """
        _refuse_one_text(texts)
        flat: list[int] = []
        sizes: list[int] = []
        counts = np.empty(len(texts), np.int64)
        for place, text in enumerate(texts):
            begin = len(flat)
            self._append(flat, text, place)
            count = len(flat) - begin
            fits = count <= self.recipe.room
            parts = [(0, count)] if fits else part(self._word_sizes(text, place), self.recipe.room)
            sizes.extend(end - begin for begin, end in parts)
            counts[place] = len(parts)
        found = np.array(sizes, dtype=np.int64)
        ids, lengths = self._write(flat, found)
        return Windows(ids=ids, lengths=lengths, sizes=found, counts=counts)

    def decode(self, ids: Sequence[int]) -> str:
        """Return what ids say, for people to read: cleaned text, up to the end id.

        Args:
            ids: A row, or a part of one.

        Raises:
            TextError: An id is not in the vocabulary.
        """
        ids = [int(token_id) for token_id in ids]
        for token_id in ids:
            if not self._tokenizer.has(token_id):
                raise TextError(
                    f"id {token_id} is not among the tokenizer's {self.vocabulary_size}: "
                    "decode ids of this model only"
                )
        if ids and ids[0] == self.recipe.start_id:
            del ids[0]
        if self.recipe.end_id in ids:
            del ids[ids.index(self.recipe.end_id) :]
        elif self.recipe.end_id is None:
            while ids and ids[-1] == self.recipe.pad_id:
                del ids[-1]
        return self._tokenizer.text(ids)

    def _write(
        self, flat: Sequence[int], sizes: Int64[np.ndarray, "rows"]
    ) -> tuple[Int64[np.ndarray, "rows context_length"], Int64[np.ndarray, "rows"]]:
        """Lay ids out in rows of these sizes: start, ids, end, then padding; and how long each is.

        The sizes do not count start and end, the lengths do.
        """
        recipe, room = self.recipe, self.recipe.room
        start = int(recipe.start_id is not None)
        rows = np.full((len(sizes), recipe.context_length), recipe.pad_id, dtype=np.int64)
        rows[:, start : start + room][np.arange(room) < sizes[:, None]] = flat
        if recipe.start_id is not None:
            rows[:, 0] = recipe.start_id
        if recipe.end_id is not None:
            rows[np.arange(len(sizes)), start + sizes] = recipe.end_id
        return rows, sizes + (recipe.context_length - room)

    def _append(self, ids: list[int], text: str, place: int = 0) -> None:
        """Append the ids of the text numbered `place`, without start and end."""
        if not isinstance(text, str):
            raise TextError(f"text {place} is {type(text).__name__}, not a string: pass strings")
        if len(text) > MAX_TEXT_CHARACTERS:
            raise TextError(
                f"text {place} has {len(text)} characters, more than {MAX_TEXT_CHARACTERS}: "
                "pass a caption, not a document"
            )
        for unit in self._tokenizer.units(self._clean(text)):
            known = self._known.get(unit)
            ids += self._learn(unit, place) if known is None else known

    def _word_sizes(self, text: str, place: int) -> Iterator[int]:
        """Yield how many ids each word has: apart from `_append`, as only long texts need it."""
        for unit in self._tokenizer.units(self._clean(text)):
            known = self._known.get(unit)
            yield len(self._learn(unit, place) if known is None else known)

    def _learn(self, unit: str, place: int) -> tuple[int, ...]:
        """Take the exact path, and remember where it led."""
        try:
            unit.encode()
        except UnicodeEncodeError as reason:
            raise TextError(
                f"text {place} holds half a character (surrogate U+{ord(unit[reason.start]):04X}): "
                "remove it or read the text with its right encoding"
            ) from reason
        ids = tuple(self._tokenizer.ids(unit))
        for mark in self._tokenizer.reserved.intersection(ids):
            raise TextError(
                f"text {place} holds a word that the tokenizer only reads as its mark with id "
                f"{mark}: take it out"
            )
        if len(unit) <= _KNOWN_LENGTH:
            if len(self._known) >= _KNOWN_UNITS:
                self._known.clear()
            self._known[unit] = ids
        return ids


def _refuse_one_text(texts: Sequence[str]) -> None:
    """Refuse a text where a list of texts belongs: each letter would become a row."""
    if isinstance(texts, str):
        raise TextError("rows were asked of one text: pass a list of texts")
